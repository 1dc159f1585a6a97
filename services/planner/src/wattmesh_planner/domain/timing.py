"""When a plan is due, and for which interval."""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import TimeRange, ceil_time

WAVE = 25
"""Scopes planned together: enough to share calls, few enough not to swamp the optimizer."""
_SPREAD_RATIO = 0.5
"""The part of the lead over which waves are spread; the rest is for making the last one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """How often, how far and how early is planned.

    A plan for the interval that starts at T is computed at T - lead and covers [T, T + horizon).
    """

    resolution: timedelta
    horizon: timedelta
    lead: timedelta

    def __post_init__(self) -> None:
        """Refuse rhythms that cannot be kept."""
        if not timedelta(0) < self.lead <= self.resolution:
            raise InvalidArgument(
                "INVALID_LEAD", "the lead must be positive and within an interval"
            )
        if self.horizon < self.resolution or self.horizon % self.resolution:
            raise InvalidArgument(
                "INVALID_HORIZON", "the horizon must be a multiple of the resolution"
            )

    def target(self, start: datetime) -> TimeRange:
        """Return what the plan whose first interval begins at `start` covers."""
        return TimeRange.of(start, self.horizon)

    def issue_time(self, scope: str, start: datetime, scopes: int) -> datetime:
        """Return when the plan of a scope for the interval from `start` on is to be made.

        `scopes` in all are planned here, in waves that begin one after the other in the first half
        of the lead; a scope always has the same place among as many. With 100 scopes and a lead of
        4 min there are 4 waves, which begin 30 s apart.
        """
        waves = -(-scopes // WAVE) or 1
        wave = zlib.crc32(scope.encode()) % waves
        return start - self.lead + wave * self.lead * _SPREAD_RATIO / waves

    def upcoming(self, now: datetime) -> datetime:
        """Return the start of the next interval whose plan can still be made before it begins."""
        return ceil_time(now, self.resolution)


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """The next interval to plan, and those that passed without anybody planning them."""

    next_start: datetime
    missed: tuple[datetime, ...]


def due_after(last_start: datetime | None, now: datetime, rhythm: Rhythm) -> Due:
    """Return what is due when the interval from `last_start` was the last one dealt with.

    An interval that has begun but not ended is still planned, late; one that has ended was missed.
    With nothing planned ever, the first interval that can be planned with the whole lead is due,
    and nothing was missed.
    """
    if last_start is None:
        return Due(next_start=rhythm.upcoming(now + rhythm.lead), missed=())
    start, missed = last_start + rhythm.resolution, []
    while start + rhythm.resolution <= now:
        missed.append(start)
        start += rhythm.resolution
    return Due(next_start=start, missed=tuple(missed))
