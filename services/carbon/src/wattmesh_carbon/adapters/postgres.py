"""Intensities in PostgreSQL."""

import math
from datetime import datetime, timedelta

import numpy as np

from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database

_REVISED = """
INSERT INTO superseded_intensities SELECT old.*, %(now)s FROM intensities AS old
JOIN unnest(%(starts)s::timestamptz[], %(values)s::double precision[]) AS row (start_time, value)
    ON row.start_time = old.start_time
WHERE old.zone = %(zone)s AND old.basis = %(basis)s
    AND (old.gco2e_per_kwh, old.end_time, old.source)
        IS DISTINCT FROM (row.value, row.start_time + %(resolution)s, %(source)s::text)
"""
_PUBLISH = """
INSERT INTO intensities (zone, basis, start_time, end_time, gco2e_per_kwh, source, publish_time)
SELECT %(zone)s, %(basis)s, start_time, start_time + %(resolution)s, value, %(source)s, %(now)s
FROM unnest(%(starts)s::timestamptz[], %(values)s::double precision[]) AS row (start_time, value)
ON CONFLICT (zone, basis, start_time) DO UPDATE SET end_time = excluded.end_time,
    gco2e_per_kwh = excluded.gco2e_per_kwh, source = excluded.source,
    publish_time = excluded.publish_time
WHERE (intensities.gco2e_per_kwh, intensities.end_time, intensities.source)
    IS DISTINCT FROM (excluded.gco2e_per_kwh, excluded.end_time, excluded.source)
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(zone)s || ' ' || %(basis)s, 0))"

_READ = """
SELECT start_time, end_time, gco2e_per_kwh, source FROM intensities
WHERE zone = %(zone)s AND basis = %(basis)s AND start_time < %(end)s AND end_time > %(start)s
ORDER BY start_time
"""
_READ_AS_OF = """
SELECT start_time, end_time, gco2e_per_kwh, source FROM intensities
WHERE zone = %(zone)s AND basis = %(basis)s AND start_time < %(end)s AND end_time > %(start)s
    AND publish_time <= %(as_of)s
UNION ALL
SELECT start_time, end_time, gco2e_per_kwh, source FROM superseded_intensities
WHERE zone = %(zone)s AND basis = %(basis)s AND start_time < %(end)s AND end_time > %(start)s
    AND publish_time <= %(as_of)s AND superseded_time > %(as_of)s
ORDER BY start_time
"""

Row = tuple[datetime, datetime, float, str]


class PostgresIntensityStore:
    """Intensities in the table `intensities`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(self, intensity: Intensity, publish_time: datetime) -> int:
        """Store the known intervals; one that is there already is revised, and its past is kept."""
        series = intensity.gco2e_per_kwh
        known = [
            (start, float(value))
            for start, value in zip(series.times(), series.values, strict=True)
            if math.isfinite(value)
        ]
        values = {
            "zone": intensity.zone.name,
            "basis": intensity.basis.value,
            "resolution": series.resolution,
            "source": intensity.source,
            "now": publish_time,
            "starts": [start for start, _ in known],
            "values": [value for _, value in known],
        }
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK, values)
            await connection.execute(_REVISED, values)
            await connection.execute(_PUBLISH, values)
        return len(known)

    async def read(
        self,
        zone: ZoneId,
        basis: Basis,
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None = None,
    ) -> tuple[Series, str]:
        """Return what was published over `span`, NaN where nothing was, and its newest source."""
        values = {"zone": zone.name, "basis": basis.value, "start": span.start, "end": span.end}
        query = _READ if as_of is None else _READ_AS_OF
        async with self._database.connection() as connection:
            cursor = await connection.execute(query, {**values, "as_of": as_of})
            rows: list[Row] = await cursor.fetchall()
        return series_from_rows(rows, span, resolution), rows[-1][3] if rows else ""


def series_from_rows(rows: list[Row], span: TimeRange, resolution: timedelta) -> Series:
    """Return the mean per interval over `span` of intervals of any length; NaN where not covered.

    Rows are in order of time; where two overlap, the later one holds.
    """
    step = _common_step(rows, span, resolution)
    cells = np.full(span.count(step), np.nan)
    for start, end, value, _ in rows:
        first = max((start - span.start) // step, 0)
        cells[first : max((end - span.start) // step, 0)] = value
    per_interval = resolution // step
    return Series(span.start, resolution, cells.reshape(-1, per_interval).mean(axis=1))


def _common_step(rows: list[Row], span: TimeRange, resolution: timedelta) -> timedelta:
    """Return the longest step on which every bound lies [whole seconds]."""
    seconds = math.gcd(
        round(resolution.total_seconds()),
        *(round((bound - span.start).total_seconds()) for row in rows for bound in row[:2]),
    )
    return timedelta(seconds=max(seconds, 1))
