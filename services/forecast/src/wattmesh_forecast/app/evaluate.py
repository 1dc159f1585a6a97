"""Comparing issued forecasts with what came, and with the naive forecast."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_forecast.app.each_history import required_power_w
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.ports import ForecastStore, History
from wattmesh_forecast.domain.evaluation import NAIVE_DAYS, Score, score
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The score of forecasts, and how many of them there were by source."""

    score: Score
    by_source: Mapping[str, int]


class EvaluateForecasts:
    """Reads stored forecasts and metered power, and compares them."""

    def __init__(
        self, *, store: ForecastStore, history: History, sites: FollowedSites, clock: Clock
    ) -> None:
        self._store = store
        self._history = history
        self._sites = sites
        self._clock = clock

    async def __call__(
        self,
        assets: Sequence[AssetId],
        issued: TimeRange,
        measured_by: datetime | None,
        counts: Callable[[Forecast], bool] = lambda forecast: True,
    ) -> Evaluation:
        """Return the score, pooled over assets and lead times, of the forecasts that count.

        Errors: InvalidArgument when the assets are not all of one kind, NotFound, Unavailable.
        """
        subjects = {each.asset: each for each in self._sites.required(assets)}
        if len({each.kind for each in subjects.values()}) != 1:
            raise InvalidArgument("MIXED_KINDS", "the assets must be of one kind", field="assets")
        forecasts = [
            forecast
            async for forecast in self._store.issued_in(assets, issued)
            if forecast.kind is subjects[forecast.asset].kind and counts(forecast)
        ]
        now = self._clock.now()
        until = now if measured_by is None else min(measured_by, now)
        total = Score()
        for resolution in sorted({forecast.resolution for forecast in forecasts}):
            alike = [forecast for forecast in forecasts if forecast.resolution == resolution]
            total += await self._score(alike, subjects, resolution, until)
        return Evaluation(score=total, by_source=Counter(f.source for f in forecasts))

    async def _score(
        self,
        forecasts: Sequence[Forecast],
        subjects: Mapping[AssetId, Subject],
        resolution: timedelta,
        until: datetime,
    ) -> Score:
        first = min(forecast.start for forecast in forecasts) - timedelta(days=NAIVE_DAYS)
        end = min(max(forecast.range.end for forecast in forecasts), floor_time(until, resolution))
        if end <= first:
            return Score()
        assets = sorted({forecast.asset for forecast in forecasts})
        span = TimeRange(first, end)
        power = await required_power_w(self._history, assets, span, resolution)
        return await asyncio.to_thread(_total, forecasts, power, subjects)


def _total(
    forecasts: Sequence[Forecast],
    power: Mapping[AssetId, Series],
    subjects: Mapping[AssetId, Subject],
) -> Score:
    return sum((score(f, power[f.asset], subjects[f.asset].zone) for f in forecasts), Score())
