"""Fetch intensities and forecasts from their publishers, again and again."""

import logging
from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from wattmesh_carbon.app.intensities import Intensities
from wattmesh_carbon.app.ports import ForecastSource, Source
from wattmesh_carbon.domain.intensity import Intensity
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_runtime.aio.containment import Containment

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=15)
BACK = timedelta(days=1)
"""Publishers revise: so much of the past is asked for again each time."""


class FollowSources:
    """Asks each source in turn; one that fails is said once, and the others go on."""

    def __init__(
        self,
        clock: Clock,
        intensities: Intensities,
        sources: Sequence[Source],
        forecasting: Sequence[ForecastSource] = (),
    ) -> None:
        self._clock = clock
        self._intensities = intensities
        self._sources = sources
        self._forecasting = forecasting
        self._contained = Containment(log, "following sources of intensities")

    async def run(self) -> None:
        """Fetch for ever."""
        while True:
            await self.fetch()
            await self.fetch_forecasts()
            await self._clock.sleep_until(self._clock.now() + EVERY)

    async def fetch(self) -> int:
        """Fetch what is new of each source, and return how many intervals were stored."""
        now, stored = self._clock.now(), 0
        span = TimeRange(floor_time(now - BACK, timedelta(hours=1)), now)
        for number, source in enumerate(self._sources, start=1):
            with self._contained.each(f"source {number}, of {source.zone}"):
                found = await source.fetch(span)
                ended = None if found is None else _ended(found, span)
                stored += 0 if ended is None else await self._intensities.publish(ended)
        return stored

    async def fetch_forecasts(self) -> int:
        """Fetch the newest forecast of each publisher, and return how many were new."""
        now, new = self._clock.now(), 0
        for number, source in enumerate(self._forecasting, start=1):
            with self._contained.each(f"forecasts {number}, of {source.zone}"):
                found = await source.forecast(now)
                new += found is not None and await self._intensities.take_forecast(found)
        return new


def _ended(found: Intensity, span: TimeRange) -> Intensity | None:
    """Return the intervals that are over; None when none is known."""
    series = found.gco2e_per_kwh
    whole = (span.end - series.start) // series.resolution
    if whole <= 0 or not np.isfinite(series.values[:whole]).any():
        return None
    return Intensity(
        zone=found.zone,
        basis=found.basis,
        gco2e_per_kwh=series.with_values(series.values[:whole]),
        source=found.source,
    )
