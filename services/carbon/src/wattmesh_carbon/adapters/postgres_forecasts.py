"""Forecasts of publishers in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from wattmesh_carbon.adapters.postgres import Row, series_from_rows
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_carbon.domain.issued import EVERY, KEPT, Issued, PastForecasts
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database

_KEEP = """
INSERT INTO issued_forecasts
    (zone, basis, issue_time, source, known_time, start_time, resolution, gco2e_per_kwh)
VALUES (%(zone)s, %(basis)s, %(issued)s, %(source)s, %(now)s, %(start)s, %(resolution)s, %(values)s)
ON CONFLICT (zone, basis, issue_time, source) DO NOTHING
"""
_FORGET = """
DELETE FROM issued_forecasts
WHERE zone = %(zone)s AND basis = %(basis)s AND issue_time < %(oldest)s
"""
_NEWEST = """
SELECT source, issue_time, start_time, resolution, gco2e_per_kwh FROM issued_forecasts
WHERE zone = %(zone)s AND basis = %(basis)s AND issue_time <= %(as_of)s AND known_time <= %(as_of)s
ORDER BY issue_time DESC, source LIMIT 1
"""
_ISSUED = """
SELECT DISTINCT ON (floor(extract(epoch FROM issue_time) / %(every)s))
    source, issue_time, start_time, resolution, gco2e_per_kwh FROM issued_forecasts
WHERE zone = %(zone)s AND basis = %(basis)s AND source = %(source)s
    AND issue_time >= %(start)s AND issue_time < %(end)s AND known_time <= %(end)s
ORDER BY floor(extract(epoch FROM issue_time) / %(every)s), issue_time
"""

_Found = tuple[str, datetime, datetime, timedelta, list[float]]


class PostgresForecastStore:
    """Forecasts in the table `issued_forecasts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, forecast: Intensity, issue_time: datetime, now: datetime) -> bool:
        """Keep a forecast, and say whether it was new; those that are too old are forgotten."""
        values = {
            "zone": forecast.zone.name,
            "basis": forecast.basis.value,
            "issued": issue_time,
            "source": forecast.source,
            "now": now,
            "start": forecast.gco2e_per_kwh.start,
            "resolution": forecast.gco2e_per_kwh.resolution,
            "values": forecast.gco2e_per_kwh.values.tolist(),
            "oldest": now - KEPT,
        }
        async with self._database.transaction() as connection:
            kept = await connection.execute(_KEEP, values)
            await connection.execute(_FORGET, values)
        return kept.rowcount > 0

    async def newest(
        self, zone: ZoneId, basis: Basis, span: TimeRange, resolution: timedelta, as_of: datetime
    ) -> Issued | None:
        """Return the newest forecast that was known, over a span; NaN where it has nothing."""
        values = {"zone": zone.name, "basis": basis.value, "as_of": as_of}
        async with self._database.connection() as connection:
            cursor = await connection.execute(_NEWEST, values)
            found: _Found | None = await cursor.fetchone()
        return None if found is None else _issued(found, span, resolution)

    async def issued(self, asked: PastForecasts) -> Sequence[Issued]:
        """Read one forecast of each six hours."""
        values = {
            "zone": asked.zone.name,
            "basis": asked.basis.value,
            "source": asked.source,
            "start": asked.issue_range.start,
            "end": asked.issue_range.end,
            "every": EVERY.total_seconds(),
        }
        async with self._database.connection() as connection:
            cursor = await connection.execute(_ISSUED, values)
            rows: list[_Found] = await cursor.fetchall()
        return [
            _issued(row, TimeRange.of(_on_raster(row[1], asked), asked.lead), asked.resolution)
            for row in rows
        ]


def _on_raster(moment: datetime, asked: PastForecasts) -> datetime:
    start = asked.issue_range.start
    return start + (moment - start) // asked.resolution * asked.resolution


def _issued(found: _Found, span: TimeRange, resolution: timedelta) -> Issued:
    source, issue_time, start, step, values = found
    rows: list[Row] = [
        (start + n * step, start + (n + 1) * step, value, source) for n, value in enumerate(values)
    ]
    within = [row for row in rows if row[0] < span.end and row[1] > span.start]
    series = (
        series_from_rows(within, span, resolution)
        if within
        else Series.filled(span, resolution, float("nan"))
    )
    return Issued(source=source, issue_time=issue_time, gco2e_per_kwh=series)
