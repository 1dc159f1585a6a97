"""Publish, read and forecast intensities; clean windows from them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_carbon.app.ports import IntensityStore
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_carbon.domain.pattern import HISTORY, forecast_pattern, newest_known
from wattmesh_carbon.domain.spread import Spread, spread
from wattmesh_carbon.domain.window import Run, Window, best_stretches, best_window
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time

QUARTER = timedelta(minutes=15)
LONGEST = 40_000
"""The most intervals that one request may ask for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """A forecast, and how far it may be off; None: too little was published to tell."""

    intensity: Intensity
    spread: Spread | None


class Intensities:
    """The use cases around one store of intensities."""

    def __init__(self, store: IntensityStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def publish(self, intensity: Intensity) -> int:
        """Store measured intensities; InvalidArgument when an interval has not ended yet."""
        now = self._clock.now()
        if intensity.gco2e_per_kwh.end > now:
            raise InvalidArgument(
                "FUTURE_INTENSITY",
                f"{intensity.gco2e_per_kwh.range} has not passed at {now.isoformat()}",
                field="intensity",
            )
        return await self._store.publish(intensity, now)

    async def query(
        self,
        zone: ZoneId,
        basis: Basis,
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None = None,
    ) -> Intensity:
        """Return what was published, or had been by then."""
        check_span(span, resolution)
        series, source = await self._store.read(zone, basis, span, resolution, as_of)
        return Intensity(zone=zone, basis=basis, gco2e_per_kwh=series, source=source or "none")

    async def forecast(
        self, zone: ZoneId, basis: Basis, span: TimeRange, resolution: timedelta
    ) -> Intensity:
        """Return what is expected; NotFound when nothing was published in the last two days."""
        check_span(span, resolution)
        now = self._clock.now()
        history = await self._history(zone, basis, resolution, now)
        return Intensity(
            zone=zone,
            basis=basis,
            gco2e_per_kwh=_not_negative(forecast_pattern(history, span), basis),
            source="pattern",
            issue_time=now,
            newest_time=newest_known(history, now),
        )

    async def outlook(
        self,
        zone: ZoneId,
        basis: Basis,
        span: TimeRange,
        resolution: timedelta,
        *,
        with_spread: bool,
    ) -> Outlook:
        """Return what is expected and, if asked for, how far it may be off. As `forecast`."""
        expected = await self.forecast(zone, basis, span, resolution)
        if not with_spread:
            return Outlook(intensity=expected, spread=None)
        history = await self._history(zone, basis, resolution, self._clock.now())
        found = spread(history, expected.gco2e_per_kwh)
        if found is not None and basis is Basis.AVERAGE:
            held = {ratio: values.clip(min=0.0) for ratio, values in found.quantiles.items()}
            found = replace(found, quantiles=held)
        return Outlook(intensity=expected, spread=found)

    async def _history(
        self, zone: ZoneId, basis: Basis, resolution: timedelta, now: datetime
    ) -> Series:
        known = TimeRange(floor_time(now - HISTORY, timedelta(days=1)), floor_time(now, resolution))
        history, _ = await self._store.read(zone, basis, known, resolution)
        return history

    async def best_window(self, zone: ZoneId, basis: Basis, span: TimeRange, run: Run) -> Window:
        """Return when a run is cleanest, to the quarter of an hour."""
        expected = await self.forecast(zone, basis, span, QUARTER)
        if run.interruptible:
            return best_stretches(expected.gco2e_per_kwh, run.duration, run.min_stretch)
        return best_window(expected.gco2e_per_kwh, run.duration)


def check_span(span: TimeRange, resolution: timedelta) -> None:
    """Raise InvalidArgument unless a span has whole intervals, and not too many."""
    if not 0 < span.count(resolution) <= LONGEST:
        raise InvalidArgument(
            "INVALID_RANGE", f"ask for 1 to {LONGEST} intervals at a time", field="range"
        )
    if span.duration % resolution or floor_time(span.start, resolution) != span.start:
        raise InvalidArgument(
            "OFF_RASTER", f"{span} is not on the raster of {resolution}", field="range"
        )


def _not_negative(series: Series, basis: Basis) -> Series:
    return series.with_values(series.values.clip(min=0.0)) if basis is Basis.AVERAGE else series
