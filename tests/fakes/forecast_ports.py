"""The forecast's ports, in memory."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tests.fakes.forecast_assets import simple_sun
from wattmesh_forecast.app.ports import Answer, ModelUnavailable, Position
from wattmesh_forecast.domain.conformal import AS_GIVEN, Stretch
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.hours import HOUR, Sun
from wattmesh_forecast.domain.labels import Labels
from wattmesh_forecast.domain.model_input import ModelInput
from wattmesh_forecast.domain.outcome import Outcome
from wattmesh_forecast.domain.subjects import Location, Subject
from wattmesh_kernel.errors import NotFound, Unavailable
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


class FixedHistory:
    """Power that was given; `queries` and `assets` are what was asked for.

    A query for an asset of which nothing was given is refused as a whole, as metering does.
    """

    def __init__(self, power_w: dict[AssetId, Series]) -> None:
        self.power = dict(power_w)
        self.queries: list[TimeRange] = []
        self.assets: list[list[AssetId]] = []
        self.away = False

    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Series]:
        self.queries.append(span)
        self.assets.append(list(assets))
        if self.away:
            raise Unavailable("AWAY", "metering is away")
        for asset in assets:
            if asset not in self.power:
                raise NotFound("ASSET_NOT_FOUND", f"there is no {asset.name}")
        return {a: self.power[a].to_resolution(resolution).window(span) for a in assets}


class SimpleSky:
    """The sun of forecast_assets."""

    def suns(self, locations: Collection[Location], hours: TimeRange) -> Mapping[Location, Sun]:
        return {place: simple_sun(hours.start, hours.count(HOUR)) for place in locations}


class GivenHolidays:
    """The holidays that were given."""

    def __init__(self, days: Iterable[date] = ()) -> None:
        self._days = frozenset(days)

    def days(self, zone: ZoneInfo, span: TimeRange) -> frozenset[date]:
        return self._days


class FakeModels:
    """A model server that answers each row with `quantiles` of the scale, or is away."""

    def __init__(self, versions: Iterable[int] = (3,)) -> None:
        self.quantiles = [0.5, 1.0, 2.0]
        self.served = frozenset(versions)
        self.away = False
        self.asked: list[tuple[str, int]] = []

    async def predict(self, model: str, asked: ModelInput, version: int | None = None) -> Answer:
        self.asked.append((model, len(asked)))
        if self.away or not self.served or version not in (None, *self.served):
            raise ModelUnavailable(model)
        quantiles = np.tile(np.array(self.quantiles, dtype=np.float32), (len(asked), 1))
        return Answer(version=version or max(self.served), quantiles=quantiles)

    def is_away(self, model: str) -> bool:
        return False

    async def available_versions(self, model: str) -> frozenset[int]:
        if self.away:
            raise ModelUnavailable(model)
        return self.served


class GivenLabels:
    """Labels of every model, none at first."""

    def __init__(self, given: Labels | None = None) -> None:
        self.given = given

    def labels(self, model: str) -> Labels | None:
        return self.given


class AsGiven:
    """Bands that are right as the model gives them."""

    def stretch(self, subject: Subject, version: int) -> Stretch:
        return AS_GIVEN


class StoredForecasts:
    """Stored forecasts in a list."""

    def __init__(self) -> None:
        self.forecasts: list[Forecast] = []

    async def add(self, forecasts: Sequence[Forecast]) -> None:
        self.forecasts += forecasts

    async def get(self, name: str) -> Forecast:
        for forecast in self.forecasts:
            if forecast.name == name:
                return forecast
        raise NotFound("FORECAST_NOT_FOUND", f"there is no {name}")

    async def page(
        self, asset: AssetId, issued: TimeRange | None, before: Position | None, size: int
    ) -> Sequence[Forecast]:
        found = [
            f
            for f in self.forecasts
            if f.asset == asset
            and (issued is None or issued.contains(f.issue_time))
            and (before is None or _key(f) < (before.issue_time, before.name))
        ]
        return sorted(found, key=_key, reverse=True)[:size]

    async def issued_in(
        self, assets: Sequence[AssetId], issued: TimeRange
    ) -> AsyncIterator[Forecast]:
        for forecast in sorted(self.forecasts, key=_key):
            if forecast.asset in assets and issued.contains(forecast.issue_time):
                yield forecast


class OutcomeCount:
    """Keeps what became of forecasts."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def answered(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes += outcomes


def _key(forecast: Forecast) -> tuple[datetime, str]:
    return forecast.issue_time, forecast.name
