"""Forecasts of 1 kW everywhere, but where a test says otherwise."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import ForecastAnswer
from wattmesh_planner.domain.inputs import AssetForecast


class FakeForecaster:
    """Counts the calls; `answers` go before the 1 kW."""

    def __init__(self) -> None:
        self.away = False
        self.answers: dict[AssetId, ForecastAnswer] = {}
        self.asked: list[tuple[AssetId, ...]] = []
        self.within_seconds: list[float] = []

    async def forecast(
        self,
        assets: Sequence[AssetId],
        span: TimeRange,
        resolution: timedelta,
        within_seconds: float,
    ) -> Mapping[AssetId, ForecastAnswer]:
        self.asked.append(tuple(assets))
        self.within_seconds.append(within_seconds)
        if self.away:
            raise Unavailable("GONE", "no forecast service")
        power = Series.filled(span, resolution, 1_000.0)
        usual = AssetForecast(power_w=power, source="model:load/1")
        return {asset: self.answers.get(asset, usual) for asset in assets}
