"""Rows of a file onto the regular UTC raster of a Series.

Rows in UTC are put where they belong. Rows on a local wall clock are read the other way round: each
UTC interval looks up the row of its local time. So the hour that the clock skips in spring is never
used, and the hour that it repeats in autumn serves both times when there is one row for it; where
there are two rows, the first is the first time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import floor_time

Rows = NDArray[np.intp]


class RowRaster:
    """Which row of a file holds which UTC interval; -1 where none does."""

    def __init__(self, start: datetime, resolution: timedelta, rows: Rows) -> None:
        self.start = start
        self.resolution = resolution
        self._rows = rows

    def series(self, values: NDArray[np.float64]) -> Series:
        """Return a column as a series; NaN where the file has no row or no value."""
        padded = np.append(values, np.nan)
        series = Series(self.start, self.resolution, padded[self._rows])
        return _on_epoch_raster(series)


def utc_raster(times: Sequence[datetime], resolution: timedelta) -> RowRaster:
    """Return the raster of rows with UTC times; InvalidArgument when two rows share an interval."""
    start, end = min(times), max(times) + resolution
    rows = np.full((end - start) // resolution, -1, dtype=np.intp)
    for row, moment in enumerate(times):
        index, rest = divmod(moment - start, resolution)
        if rest or rows[index] != -1:
            raise _not_alone(row, moment, resolution)
        rows[index] = row
    return RowRaster(start, resolution, rows)


def local_raster(times: Sequence[datetime], resolution: timedelta, zone: ZoneInfo) -> RowRaster:
    """Return the raster of rows with naive local times; InvalidArgument as for `utc_raster`."""
    first, rows_at = min(times), dict[datetime, list[int]]()
    for row, moment in enumerate(times):
        rows = rows_at.setdefault(moment, [])
        rows.append(row)
        if (moment - first) % resolution or len(rows) > _times_of(moment, zone):
            raise _not_alone(row, moment, resolution)
    start = first.replace(tzinfo=zone).astimezone(UTC)
    end = max(times).replace(tzinfo=zone, fold=1).astimezone(UTC) + resolution
    found = [
        _row_of(rows_at, (start + index * resolution).astimezone(zone))
        for index in range((end - start) // resolution)
    ]
    return RowRaster(start, resolution, np.array(found, dtype=np.intp))


def _times_of(local: datetime, zone: ZoneInfo) -> int:
    """Return how often the zone's wall clock shows a time: twice when autumn repeats it."""
    early, late = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return 2 if early is not None and late is not None and early > late else 1


def _not_alone(row: int, moment: datetime, resolution: timedelta) -> InvalidArgument:
    return InvalidArgument(
        "INVALID_ROWS",
        f"row {row + 1}: {moment.isoformat()} is not alone in an interval of {resolution}",
        field="data",
    )


def _row_of(rows_at: dict[datetime, list[int]], local: datetime) -> int:
    rows = rows_at.get(local.replace(tzinfo=None, fold=0), [-1])
    return rows[min(local.fold, len(rows) - 1)]


def _on_epoch_raster(series: Series) -> Series:
    """Return the series on intervals that lie on the UTC raster of their own length.

    Hours of a zone that is half an hour off UTC become half hours: each value holds for both.
    """
    resolution = series.resolution
    while floor_time(series.start, resolution) != series.start:
        resolution /= 2
    return series.to_resolution(resolution)
