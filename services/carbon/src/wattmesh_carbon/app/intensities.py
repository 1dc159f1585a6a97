"""Publish, read and forecast intensities; clean windows from them."""

from datetime import datetime, timedelta

from wattmesh_carbon.app.ports import IntensityStore
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_carbon.domain.pattern import HISTORY, forecast_pattern, newest_known
from wattmesh_carbon.domain.window import Run, Window, best_stretches, best_window
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time

QUARTER = timedelta(minutes=15)
LONGEST = 40_000
"""The most intervals that one request may ask for."""


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
        known = TimeRange(floor_time(now - HISTORY, timedelta(days=1)), floor_time(now, resolution))
        history, _ = await self._store.read(zone, basis, known, resolution)
        return Intensity(
            zone=zone,
            basis=basis,
            gco2e_per_kwh=_not_negative(forecast_pattern(history, span), basis),
            source="pattern",
            issue_time=now,
            newest_time=newest_known(history, now),
        )

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
