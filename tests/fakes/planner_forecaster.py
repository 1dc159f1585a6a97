"""Forecasts of 1 kW everywhere, but where a test says otherwise."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import ForecastAnswer
from wattmesh_planner.domain.inputs import AssetForecast


class FakeForecaster:
    """Counts the calls; `answers` go before the 1 kW, members 100 W apart."""

    def __init__(self) -> None:
        self.away = False
        self.answers: dict[AssetId, ForecastAnswer] = {}
        self.asked: list[tuple[AssetId, ...]] = []
        self.within_seconds: list[float] = []
        self.members: list[int] = []

    async def forecast(
        self,
        assets: Sequence[AssetId],
        span: TimeRange,
        resolution: timedelta,
        within_seconds: float,
        members: int = 0,
    ) -> Mapping[AssetId, ForecastAnswer]:
        self.asked.append(tuple(assets))
        self.within_seconds.append(within_seconds)
        self.members.append(members)
        if self.away:
            raise Unavailable("GONE", "no forecast service")
        power = Series.filled(span, resolution, 1_000.0)
        drawn = np.array([power.values + 100.0 * each for each in range(members)])
        usual = AssetForecast(
            power_w=power,
            source="model:load/1",
            above_w=power.with_values(np.zeros(len(power.values))),
            members_w=drawn if members else None,
        )
        return {asset: self.answers.get(asset, usual) for asset in assets}
