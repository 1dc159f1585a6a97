"""Sources of weather and what they told, in PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection

from wattmesh_forecast.adapters.weather_rows import (
    ADD_REPORT,
    HEAD_COLUMNS,
    PUT_SOURCE,
    REPORT_COLUMNS,
    SOURCE_COLUMNS,
    head_from_row,
    report_from_row,
    row_of_report,
    row_of_source,
    source_from_row,
)
from wattmesh_forecast.app.weather.ports import ReportHead, ReportPosition
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather.known import Candidate
from wattmesh_forecast.domain.weather.told import (
    KeptSource,
    WeatherKind,
    WeatherReport,
    WeatherSource,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database

_SOURCE = f"SELECT {SOURCE_COLUMNS} FROM weather_sources WHERE segment = %s"
_SOURCES = f"""
SELECT {SOURCE_COLUMNS} FROM weather_sources
WHERE NOT deleted AND segment > %s ORDER BY segment LIMIT %s
"""
_ADD_PLACE = """
INSERT INTO weather_places (source, latitude_degrees, longitude_degrees)
VALUES (%(source)s, %(latitude)s, %(longitude)s) ON CONFLICT DO NOTHING
"""
_REQUEST = """
INSERT INTO weather_requests (request_id, names) VALUES (%s, %s)
ON CONFLICT (request_id) DO UPDATE SET request_id = excluded.request_id RETURNING names
"""
_ANY = "SELECT 1 FROM weather_places LIMIT 1"
_REPORT = f"SELECT {REPORT_COLUMNS} FROM weather_told WHERE name = %s"
_REPORTS = f"""
SELECT {HEAD_COLUMNS} FROM weather_told
WHERE (%(source)s = '' OR source = %(source)s)
  AND (%(start)s::timestamptz IS NULL OR end_time > %(start)s)
  AND (%(end)s::timestamptz IS NULL OR start_time < %(end)s)
  AND (%(time)s::timestamptz IS NULL OR (issue_time, name) < (%(time)s, %(name)s))
ORDER BY issue_time DESC, name DESC LIMIT %(limit)s
"""
# The nearest place of each source that is near enough.
_NEAREST = """
SELECT DISTINCT ON (source) source, latitude_degrees, longitude_degrees, kind, priority, distance_m
FROM weather_places JOIN weather_sources ON segment = source, LATERAL (
    SELECT 2 * 6371000 * asin(least(1, sqrt(
        sin(radians(latitude_degrees - %(latitude)s) / 2) ^ 2
        + cos(radians(latitude_degrees)) * cos(radians(%(latitude)s))
        * sin(radians(longitude_degrees - %(longitude)s) / 2) ^ 2
    ))) AS distance_m
) AS way
WHERE (%(source)s = '' OR source = %(source)s)
  AND (max_distance_m IS NULL OR distance_m <= max_distance_m
       AND abs(latitude_degrees - %(latitude)s) <= max_distance_m / 110000)
ORDER BY source, distance_m
"""
# From the newest report back to those that tell of the range's beginning, each the newest that
# begins before; and ahead to older ones that end later.
_CHAIN = f"""
WITH RECURSIVE of_place AS NOT MATERIALIZED (
    SELECT * FROM weather_told
    WHERE source = %(source)s AND latitude_degrees = %(latitude)s
      AND longitude_degrees = %(longitude)s AND member = 0 AND issue_time <= %(by)s
), newest AS (
    SELECT name, issue_time, start_time, end_time, 1 AS place FROM of_place
    WHERE start_time < %(end)s ORDER BY issue_time DESC, name DESC LIMIT 1
), back AS (
    SELECT * FROM newest
    UNION ALL
    SELECT older.* FROM back, LATERAL (
        SELECT name, issue_time, start_time, end_time, back.place + 1 FROM of_place
        WHERE issue_time <= back.issue_time AND start_time < back.start_time
          AND end_time > %(start)s
        ORDER BY issue_time DESC, name DESC LIMIT 1
    ) AS older
    WHERE back.start_time > %(start)s AND back.place < 3000
), ahead AS (
    SELECT * FROM newest
    UNION ALL
    SELECT older.* FROM ahead, LATERAL (
        SELECT name, issue_time, start_time, end_time, ahead.place + 1 FROM of_place
        WHERE issue_time <= ahead.issue_time AND end_time > ahead.end_time
          AND issue_time > %(by)s - interval '10 days'
        ORDER BY issue_time DESC, name DESC LIMIT 1
    ) AS older
    WHERE ahead.end_time < %(end)s AND ahead.place < 100
)
SELECT {REPORT_COLUMNS} FROM weather_told
WHERE name IN (SELECT name FROM back UNION SELECT name FROM ahead)
"""


class PostgresWeatherStore:
    """WeatherStore and WeatherSources in tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, source: WeatherSource, reports: Sequence[WeatherReport]) -> None:
        """Keep what a source told, and the source itself where it is not there."""
        async with self._database.transaction() as connection:
            if await _source(connection, source.segment) is None:
                new = KeptSource(source=source, revision=1)
                await connection.execute(PUT_SOURCE, row_of_source(new))
            await _add(connection, reports)

    async def candidates(
        self, place: Location, span: TimeRange, known_by: datetime, source: str = ""
    ) -> Sequence[Candidate]:
        """Return what was told by a time about a range at a place, by each source's nearest."""
        here = {
            "latitude": place.latitude_degrees,
            "longitude": place.longitude_degrees,
            "source": source,
        }
        found = list[Candidate]()
        async with self._database.connection() as connection:
            cursor = await connection.execute(_NEAREST, here)
            for segment, latitude, longitude, kind, priority, away_m in await cursor.fetchall():
                told = WeatherKind(kind)
                # What is usual is told once, of some year: its newest report is all of it.
                last = datetime.max.replace(tzinfo=UTC)
                ends = (last, last) if told is WeatherKind.CLIMATOLOGY else (span.start, span.end)
                values = {
                    "source": segment,
                    "latitude": latitude,
                    "longitude": longitude,
                    "start": ends[0],
                    "end": ends[1],
                    "by": known_by,
                }
                rows = await (await connection.execute(_CHAIN, values)).fetchall()
                found += [
                    Candidate(
                        report=report_from_row(row),
                        kind=told,
                        priority=priority,
                        distance_m=away_m,
                    )
                    for row in rows
                ]
        return found

    async def any(self) -> bool:
        """Return whether anything was told of any place."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(_ANY)).fetchone()
        return row is not None

    async def source(self, segment: str) -> KeptSource | None:
        """Return a source, also a deleted one."""
        async with self._database.connection() as connection:
            return await _source(connection, segment)

    async def sources(self, after: str, limit: int) -> Sequence[KeptSource]:
        """Return sources that tell something, by name, those after a segment."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_SOURCES, (after, limit))
            return [source_from_row(row) for row in await cursor.fetchall()]

    async def put(self, kept: KeptSource, before: KeptSource | None, request_id: str) -> bool:
        """Keep a source unless it has changed since `before`; False: it has, or is there.

        InvalidArgument when the request's id belongs to another.
        """
        async with self._database.transaction() as connection:
            await connection.execute("LOCK TABLE weather_sources IN SHARE ROW EXCLUSIVE MODE")
            found = await _source(connection, kept.source.segment)
            if found != before:
                return False
            if request_id:
                await _first(connection, f"create:{request_id}", [kept.source.name])
            await connection.execute(PUT_SOURCE, row_of_source(kept))
            return True

    async def first_answer(self, request_id: str) -> Sequence[str] | None:
        """Return what a request made when it came first."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "SELECT names FROM weather_requests WHERE request_id = %s", (request_id,)
            )
            row = await cursor.fetchone()
        return None if row is None else list(row[0])

    async def publish(self, reports: Sequence[WeatherReport], request_id: str) -> None:
        """Keep what was told; InvalidArgument when the request's id belongs to another."""
        async with self._database.transaction() as connection:
            if request_id:
                await _first(connection, f"publish:{request_id}", [each.name for each in reports])
            await _add(connection, reports)

    async def report(self, name: str) -> WeatherReport | None:
        """Return a report."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(_REPORT, (name,))).fetchone()
        return None if row is None else report_from_row(row)

    async def heads(
        self, source: str, span: TimeRange | None, before: ReportPosition | None, limit: int
    ) -> Sequence[ReportHead]:
        """Return reports without their series, the newest issue first."""
        values: dict[str, Any] = {
            "source": source,
            "start": None if span is None else span.start,
            "end": None if span is None else span.end,
            "time": None if before is None else before.issue_time,
            "name": None if before is None else before.name,
            "limit": limit,
        }
        async with self._database.connection() as connection:
            cursor = await connection.execute(_REPORTS, values)
            return [head_from_row(row) for row in await cursor.fetchall()]


async def _source(connection: AsyncConnection, segment: str) -> KeptSource | None:
    row = await (await connection.execute(_SOURCE, (segment,))).fetchone()
    return None if row is None else source_from_row(row)


async def _first(connection: AsyncConnection, request_id: str, names: list[str]) -> None:
    row = await (await connection.execute(_REQUEST, (request_id, names))).fetchone()
    if row is not None and list(row[0]) != names:
        raise InvalidArgument(
            "REQUEST_ID_TAKEN", "the request id belongs to another request", field="request_id"
        )


async def _add(connection: AsyncConnection, reports: Sequence[WeatherReport]) -> None:
    rows = [row_of_report(each) for each in reports]
    async with connection.cursor() as cursor:
        await cursor.executemany(_ADD_PLACE, rows)
        await cursor.executemany(ADD_REPORT, rows)
