"""Comparing issued forecasts with what came, and with the naive forecast."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_forecast.app.past import read_sites
from wattmesh_forecast.app.ports import ForecastStore, History, SiteDirectory
from wattmesh_forecast.domain.evaluation import NAIVE_DAYS, Score, score
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.sites import Site
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, SiteId
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
        self, *, store: ForecastStore, history: History, sites: SiteDirectory, clock: Clock
    ) -> None:
        self._store = store
        self._history = history
        self._sites = sites
        self._clock = clock

    async def __call__(
        self, assets: Sequence[AssetId], issued: TimeRange, measured_by: datetime | None
    ) -> Evaluation:
        """Return the score, pooled over assets and lead times.

        Errors: InvalidArgument when the assets are not all of one kind, NotFound.
        """
        sites = await read_sites(self._sites, assets)
        if len({sites[asset.site].kind_of(asset) for asset in assets}) != 1:
            raise InvalidArgument("MIXED_KINDS", "the assets must be of one kind", field="assets")
        forecasts = [forecast async for forecast in self._store.issued_in(assets, issued)]
        now = self._clock.now()
        until = now if measured_by is None else min(measured_by, now)
        total = Score()
        for resolution in sorted({forecast.resolution for forecast in forecasts}):
            alike = [forecast for forecast in forecasts if forecast.resolution == resolution]
            total += await self._score(alike, sites, resolution, until)
        return Evaluation(score=total, by_source=Counter(f.source for f in forecasts))

    async def _score(
        self,
        forecasts: Sequence[Forecast],
        sites: Mapping[SiteId, Site],
        resolution: timedelta,
        until: datetime,
    ) -> Score:
        first = min(forecast.start for forecast in forecasts) - timedelta(days=NAIVE_DAYS)
        end = min(max(forecast.range.end for forecast in forecasts), floor_time(until, resolution))
        if end <= first:
            return Score()
        assets = sorted({forecast.asset for forecast in forecasts})
        power = await self._history.power_w(assets, TimeRange(first, end), resolution)
        return await asyncio.to_thread(_total, forecasts, power, sites)


def _total(
    forecasts: Sequence[Forecast], power: Mapping[AssetId, Series], sites: Mapping[SiteId, Site]
) -> Score:
    return sum((score(f, power[f.asset], sites[f.asset.site].zone) for f in forecasts), Score())
