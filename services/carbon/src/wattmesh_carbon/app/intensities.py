"""Publish, read and forecast intensities; clean windows from them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_carbon.app.ports import ForecastStore, IntensityStore
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_carbon.domain.issued import AHEAD, Issued, PastForecasts
from wattmesh_carbon.domain.pattern import HISTORY, forecast_pattern, newest_known
from wattmesh_carbon.domain.spread import LEAD, Spread, spread, spread_of_issued
from wattmesh_carbon.domain.window import Run, Window, best_stretches, best_window
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time

QUARTER = timedelta(minutes=15)
PATTERN = "pattern"
"""The source of what is expected by the daily pattern."""
LONGEST = 40_000
"""The most intervals that one request may ask for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """A forecast, and how far it may be off; None: too little was published to tell."""

    intensity: Intensity
    spread: Spread | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Question:
    """What is expected, as it was known at `as_of` (None: all that is), which is `now`."""

    zone: ZoneId
    basis: Basis
    span: TimeRange
    resolution: timedelta
    now: datetime
    as_of: datetime | None


class Intensities:
    """The use cases around one store of intensities, and one of publishers' forecasts."""

    def __init__(self, store: IntensityStore, forecasts: ForecastStore, clock: Clock) -> None:
        self._store = store
        self._forecasts = forecasts
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

    async def take_forecast(self, forecast: Intensity) -> bool:
        """Keep a publisher's forecast, and say whether it was new. Error: InvalidArgument."""
        now, issued = self._clock.now(), forecast.issue_time
        if issued is None:
            raise InvalidArgument("MISSING_FIELD", "a forecast was issued", field="issue_time")
        require(
            issued - now <= AHEAD,
            "FUTURE_INTENSITY",
            f"{forecast.source} says that it was issued at {issued.isoformat()}",
            "issue_time",
        )
        return await self._forecasts.keep(forecast, issued, now)

    async def forecast(
        self,
        zone: ZoneId,
        basis: Basis,
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None = None,
    ) -> Intensity:
        """Return what a publisher expects, where that is fresh, else what the daily pattern says.

        Error: NotFound when neither is new enough to go by.
        """
        check_span(span, resolution)
        asked = self._question(zone, basis, span, resolution, as_of)
        issued = await self._forecasts.newest(zone, basis, span, resolution, asked.now)
        if issued is None or not issued.is_fresh(asked.now):
            return await self._by_pattern(asked, too_old=issued)
        found = Intensity(
            zone=zone,
            basis=basis,
            gco2e_per_kwh=issued.gco2e_per_kwh,
            source=issued.source,
            issue_time=issued.issue_time,
        )
        if issued.reaches:
            return found
        pattern = await self._by_pattern(asked)
        return replace(
            found,
            gco2e_per_kwh=issued.filled_by(pattern.gco2e_per_kwh),
            newest_time=pattern.newest_time,
            pattern_ratio=issued.missing_ratio,
        )

    def _question(
        self,
        zone: ZoneId,
        basis: Basis,
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None,
    ) -> _Question:
        return _Question(
            zone=zone,
            basis=basis,
            span=span,
            resolution=resolution,
            now=self._clock.now() if as_of is None else as_of,
            as_of=as_of,
        )

    async def _by_pattern(self, asked: _Question, too_old: Issued | None = None) -> Intensity:
        history = await self._history(asked)
        try:
            newest = newest_known(history, asked.now)
        except NotFound as error:
            raise _refused(error, too_old, asked.now) from error
        return Intensity(
            zone=asked.zone,
            basis=asked.basis,
            gco2e_per_kwh=_not_negative(forecast_pattern(history, asked.span), asked.basis),
            source=PATTERN,
            issue_time=asked.now,
            newest_time=newest,
        )

    async def outlook(
        self,
        zone: ZoneId,
        basis: Basis,
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None = None,
        *,
        with_spread: bool,
    ) -> Outlook:
        """Return what is expected and, if asked for, how far it may be off. As `forecast`."""
        expected = await self.forecast(zone, basis, span, resolution, as_of)
        if not with_spread:
            return Outlook(intensity=expected, spread=None)
        history = await self._history(self._question(zone, basis, span, resolution, as_of))
        found = await self._spread(expected, history)
        if found is not None and basis is Basis.AVERAGE:
            held = {ratio: values.clip(min=0.0) for ratio, values in found.quantiles.items()}
            found = replace(found, quantiles=held)
        return Outlook(intensity=expected, spread=found)

    async def _spread(self, expected: Intensity, history: Series) -> Spread | None:
        series, issue_time = expected.gco2e_per_kwh, expected.issue_time
        if expected.source == PATTERN or issue_time is None:
            return spread(history, series)
        issued = await self._forecasts.issued(
            PastForecasts(
                zone=expected.zone,
                basis=expected.basis,
                source=expected.source,
                issue_range=TimeRange(history.start + HISTORY / 2, history.end),
                resolution=series.resolution,
                lead=LEAD // series.resolution * series.resolution,
            )
        )
        return spread_of_issued(
            history, [each.gco2e_per_kwh for each in issued], series, issue_time
        )

    async def _history(self, asked: _Question) -> Series:
        begin = floor_time(asked.now - HISTORY, timedelta(days=1))
        known = TimeRange(begin, floor_time(asked.now, asked.resolution))
        history, _ = await self._store.read(
            asked.zone, asked.basis, known, asked.resolution, asked.as_of
        )
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


def _refused(error: NotFound, too_old: Issued | None, now: datetime) -> NotFound:
    """Return why there is no forecast: nothing lately, and of which age a publisher's is."""
    if too_old is None:
        return error
    hours = (now - too_old.issue_time) / timedelta(hours=1)
    return NotFound(
        error.reason, f"{error.message}; the forecast of {too_old.source} is {hours:.0f} h old"
    )
