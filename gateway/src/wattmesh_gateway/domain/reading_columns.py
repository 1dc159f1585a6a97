"""Many readings in columns: a telegram may carry hundreds, which nobody looks at one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import overload

from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.ids import PointId

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReadingColumns(Sequence[Reading]):
    """Measured values, row i of all columns is one; a `Reading` is made of what is looked at.

    `places` says which of `points` a row is of, `times_us` when it was measured [µs since 1970];
    `values` are finite, in the unit of their point. The columns are of one length.
    """

    points: Sequence[PointId]
    places: Sequence[int]
    times_us: Sequence[int]
    values: Sequence[float]

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, which: int) -> Reading: ...
    @overload
    def __getitem__(self, which: slice) -> "ReadingColumns": ...
    def __getitem__(self, which: int | slice) -> "Reading | ReadingColumns":
        if isinstance(which, slice):
            return ReadingColumns(
                points=self.points,
                places=self.places[which],
                times_us=self.times_us[which],
                values=self.values[which],
            )
        return Reading(
            point=self.points[self.places[which]],
            measure_time=_EPOCH + self.times_us[which] * _MICROSECOND,
            value=self.values[which],
        )

    def newest(self) -> Iterator[Reading]:
        """Yield the newest reading of each point."""
        rows: dict[int, int] = {}
        for row, place in enumerate(self.places):
            if place not in rows or self.times_us[row] >= self.times_us[rows[place]]:
                rows[place] = row
        return (self[row] for row in rows.values())


def newest_of(readings: Sequence[Reading]) -> Sequence[Reading]:
    """Return what somebody wants to know who asks what is: of many times of a point the newest."""
    return list(readings.newest()) if isinstance(readings, ReadingColumns) else readings


def joined(parts: Sequence[Sequence[Reading]]) -> Sequence[Reading]:
    """Return the readings of all parts, one after the other, in columns if any part is."""
    if not any(isinstance(part, ReadingColumns) for part in parts):
        return [reading for part in parts for reading in part]
    points: list[PointId] = []
    places: list[int] = []
    times_us: list[int] = []
    values: list[float] = []
    for part in map(_in_columns, parts):
        first = len(points)
        points.extend(part.points)
        places.extend([first + place for place in part.places] if first else part.places)
        times_us.extend(part.times_us)
        values.extend(part.values)
    return ReadingColumns(points=points, places=places, times_us=times_us, values=values)


def _in_columns(readings: Sequence[Reading]) -> ReadingColumns:
    """Return measured readings in columns; drivers give no others."""
    if isinstance(readings, ReadingColumns):
        return readings
    return ReadingColumns(
        points=[each.point for each in readings],
        places=range(len(readings)),
        times_us=[(each.measure_time - _EPOCH) // _MICROSECOND for each in readings],
        values=[each.value for each in readings],
    )
