"""The intervals of a query."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from wattmesh_kernel.checks import require
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_metering.domain.readings import Floats, Ints, to_microseconds

MAX_INTERVALS = 1_000_000
"""Most intervals of one answer, over all its series."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Intervals:
    """Equal intervals that fill a range.

    Error: InvalidArgument unless the resolution is positive and whole seconds, the range is not
    empty and both its ends are on the UTC raster of the resolution.
    """

    range: TimeRange
    resolution: timedelta

    def __post_init__(self) -> None:
        require(
            self.resolution > timedelta(0) and not self.resolution.microseconds,
            "INVALID_RESOLUTION",
            "the resolution must be positive and whole seconds",
            "resolution",
        )
        for field, end in (
            ("range.start_time", self.range.start),
            ("range.end_time", self.range.end),
        ):
            require(
                floor_time(end, self.resolution) == end,
                "OFF_RASTER",
                f"{end.isoformat()} is not on the raster of {self.resolution}",
                field,
            )
        require(not self.range.empty, "EMPTY_RANGE", "the range is empty", "range")
        require_size(self.count)

    @property
    def count(self) -> int:
        """How many intervals there are."""
        return self.range.duration // self.resolution

    def bounds_us(self) -> Ints:
        """Return the starts of all intervals and the end of the last [us since 1970]."""
        step = self.resolution // timedelta(microseconds=1)
        return to_microseconds(self.range.start) + step * np.arange(self.count + 1)

    def series(self, values: Floats) -> Series:
        """Return one value per interval as a series."""
        return Series(self.range.start, self.resolution, values)


def require_size(intervals: int) -> None:
    """Raise InvalidArgument when an answer would have more than MAX_INTERVALS intervals."""
    require(
        intervals <= MAX_INTERVALS,
        "RANGE_TOO_LONG",
        f"an answer has at most {MAX_INTERVALS} intervals, not {intervals}",
        "range",
    )
