"""Measured data that nobody can look ahead in."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


class LookAhead(FailedPrecondition):
    """Somebody asked for a measured value that the clock has not reached."""

    def __init__(self, asked: datetime, now: datetime) -> None:
        super().__init__(
            "LOOK_AHEAD",
            f"{asked.isoformat()} was asked for at {now.isoformat()}: not measured yet",
        )


class MeasuredSeries:
    """A measured series that is handed out only as the clock passes.

    The physics of a device may have the value of the interval that is running; history is handed
    out only for intervals that have ended. Everything else is a LookAhead error.
    """

    def __init__(self, series: Series, clock: Clock) -> None:
        self._series = series
        self._clock = clock

    @property
    def start(self) -> datetime:
        """The start of the first interval."""
        return self._series.start

    @property
    def end(self) -> datetime:
        """The end of the last interval."""
        return self._series.end

    @property
    def resolution(self) -> timedelta:
        """The length of every interval."""
        return self._series.resolution

    def current(self, moment: datetime) -> float | None:
        """Return the value of the interval that `moment` lies in; None when nothing was measured.

        Error: LookAhead when the clock has not reached `moment`.
        """
        now = self._clock.now()
        if moment > now:
            raise LookAhead(moment, now)
        value = self._series.at(moment)
        return None if math.isnan(value) else value

    def next_change(self, moment: datetime) -> datetime | None:
        """Return the first interval bound after `moment`; None after the end of the data."""
        index = (moment - self._series.start) // self._series.resolution
        if index >= len(self._series):
            return None
        return self._series.start + max(index + 1, 0) * self._series.resolution

    def history(self, span: TimeRange) -> Series:
        """Return the values of `span`, NaN where nothing was measured.

        Error: LookAhead when an interval of `span` has not ended.
        """
        window = self._series.window(span)
        now = self._clock.now()
        if window.end > now:
            raise LookAhead(window.end, now)
        return window


def next_change(series: Iterable[MeasuredSeries], moment: datetime) -> datetime | None:
    """Return the first interval bound of any of the series after `moment`."""
    bounds = (each.next_change(moment) for each in series)
    return min((bound for bound in bounds if bound is not None), default=None)
