"""A regular time series: values of consecutive intervals, NaN where missing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import TimeRange, check_resolution, floor_time, to_utc


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values of consecutive intervals `[start + i * resolution, start + (i + 1) * resolution)`.

    `values` has shape `(n,)`, float64, read-only; NaN means missing, never 0. Power is the mean
    over the interval, energy the sum. Error: InvalidArgument for a naive start, a resolution that
    is not positive or values of another shape.
    """

    start: datetime
    resolution: timedelta
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        check_resolution(self.resolution)
        values = np.array(self.values, dtype=np.float64)
        if values.ndim != 1:
            raise InvalidArgument(
                "INVALID_SERIES", f"values must have one axis, not {values.ndim}", field="values"
            )
        values.setflags(write=False)
        object.__setattr__(self, "start", to_utc(self.start))
        object.__setattr__(self, "values", values)

    @classmethod
    def filled(cls, span: TimeRange, resolution: timedelta, value: float) -> Self:
        """Return a series over `span` with the same value in every interval."""
        return cls(span.start, resolution, np.full(span.count(resolution), value))

    @property
    def end(self) -> datetime:
        """The end of the last interval."""
        return self.start + len(self) * self.resolution

    @property
    def range(self) -> TimeRange:
        """The time from the start of the first to the end of the last interval."""
        return TimeRange(self.start, self.end)

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Series):
            return NotImplemented
        return (
            self.start == other.start
            and self.resolution == other.resolution
            and np.array_equal(self.values, other.values, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def times(self) -> list[datetime]:
        """Return the start of every interval."""
        return self.range.starts(self.resolution)

    def at(self, moment: datetime) -> float:
        """Return the value of the interval that contains `moment`; NaN outside and when missing."""
        index = (moment - self.start) // self.resolution
        return float(self.values[index]) if 0 <= index < len(self) else float("nan")

    def with_values(self, values: ArrayLike) -> "Series":
        """Return a series with the same intervals from `start` on and other values."""
        return Series(self.start, self.resolution, np.asarray(values, dtype=np.float64))

    def window(self, span: TimeRange) -> "Series":
        """Return the part over `span`, NaN where this series has nothing.

        Error: InvalidArgument when the start of `span` is not on this series' raster.
        """
        return Series(span.start, self.resolution, self.values_over(span))

    def values_over(self, span: TimeRange) -> NDArray[np.float64]:
        """Return the values over `span`, NaN where this series has nothing; not to be written to.

        Error: InvalidArgument when the start of `span` is not on this series' raster.
        """
        offset, rest = divmod(span.start - self.start, self.resolution)
        if rest:
            raise InvalidArgument(
                "OFF_RASTER",
                f"{span.start.isoformat()} is not on the raster of {self.start.isoformat()} "
                f"every {self.resolution}",
                field="start_time",
            )
        count = span.count(self.resolution)
        first, last = max(offset, 0), min(offset + count, len(self))
        if last - first == count:
            return self.values[first:last]
        values = np.full(count, np.nan)
        if first < last:
            values[first - offset : last - offset] = self.values[first:last]
        return values

    def to_resolution(self, resolution: timedelta) -> "Series":
        """Return the series on another resolution: the mean when coarser, held when finer.

        Coarser blocks lie on the UTC epoch raster; a block of which any part is missing is missing.
        `[1, 3, 5, nan]` at 15 min becomes `[2, nan]` at 30 min, and `[2]` at 30 min becomes
        `[2, 2]` at 15 min: means (power, prices), not sums. Error: InvalidArgument unless one
        resolution is a whole multiple of the other.
        """
        check_resolution(resolution)
        if not self.resolution % resolution:
            return Series(
                self.start, resolution, np.repeat(self.values, self.resolution // resolution)
            )
        if resolution % self.resolution:
            raise InvalidArgument(
                "INVALID_RESOLUTION",
                f"{resolution} and {self.resolution} are not multiples of one another",
                field="resolution",
            )
        return self._mean_blocks(resolution)

    def _mean_blocks(self, resolution: timedelta) -> "Series":
        start = floor_time(self.start, resolution)
        blocks = -((start - self.end) // resolution)
        whole = self.window(TimeRange(start, start + blocks * resolution))
        return Series(start, resolution, whole.values.reshape(blocks, -1).mean(axis=1))
