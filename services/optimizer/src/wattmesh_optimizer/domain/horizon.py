"""The intervals a plan is made for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.time import TimeRange, to_utc
from wattmesh_optimizer.domain.checks import Floats, refuse

MAX_COUNT = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Horizon:
    """`count` intervals of length `resolution` from `start` on.

    Error: InvalidArgument for a resolution outside (0, 1 day] or a count outside 1..10000.
    """

    start: datetime
    resolution: timedelta
    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", to_utc(self.start))
        if not timedelta(0) < self.resolution <= timedelta(days=1):
            raise refuse("horizon.resolution", f"{self.resolution} is not within (0, 1 day]")
        if not 1 <= self.count <= MAX_COUNT:
            raise refuse("horizon.count", f"{self.count} is not within 1..{MAX_COUNT}")

    @property
    def hours(self) -> float:
        """Length of an interval [h]."""
        return self.resolution / timedelta(hours=1)

    @property
    def end(self) -> datetime:
        """End of the last interval."""
        return self.start + self.count * self.resolution

    @property
    def range(self) -> TimeRange:
        """From the start of the first to the end of the last interval."""
        return TimeRange(self.start, self.end)

    def time(self, index: int) -> datetime:
        """Return the start of interval `index` (`count`: the horizon's end)."""
        return self.start + index * self.resolution

    def position(self, moment: datetime) -> float:
        """Return where `moment` lies, in intervals since the start: 1.5 is half-way in the 2nd."""
        return (moment - self.start) / self.resolution

    def coverage(self, start: datetime, end: datetime) -> Floats:
        """Return which part of each interval lies in `[start, end)`, 0-1.

        With hours from 12:00 on, `coverage(12:30, 14:00)` is `[0.5, 1, 0, ...]`.
        """
        edges = np.arange(self.count + 1, dtype=np.float64)
        clipped = np.clip(edges, self.position(start), max(self.position(end), -1.0))
        return np.diff(clipped)

    def touched(self, ranges: Iterable[TimeRange]) -> NDArray[np.bool_]:
        """Return which intervals overlap any of `ranges`."""
        mask = np.zeros(self.count, dtype=np.bool_)
        for span in ranges:
            mask |= self.coverage(span.start, span.end) > 0
        return mask
