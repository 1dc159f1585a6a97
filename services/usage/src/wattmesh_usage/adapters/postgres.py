"""What is needed, in PostgreSQL."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database
from wattmesh_usage.adapters.rows import COLUMNS, record_from_row, row_of
from wattmesh_usage.app.ports import Change
from wattmesh_usage.domain.departures import PastStay
from wattmesh_usage.domain.needs import ChargingNeed
from wattmesh_usage.domain.records import Changes, Kind, Parent, Record, Resource
from wattmesh_usage.domain.runs import DeferrableRun
from wattmesh_usage.domain.sessions import ChargingSession
from wattmesh_usage.domain.vehicles import Vehicle

_SELECT = f"SELECT {COLUMNS} FROM records WHERE "
_OF_PARENT = """
    (%(site)s::text IS NULL OR site = %(site)s OR site IS NULL)
    AND (%(asset)s::text IS NULL OR asset = %(asset)s OR asset IS NULL)
"""
_GET = f"{_SELECT} name = %s AND NOT deleted"
_LIST = f"""{_SELECT} kind = %(kind)s AND NOT deleted AND {_OF_PARENT}
    AND (%(start)s::timestamptz IS NULL OR end_time IS NULL OR end_time > %(start)s)
    AND (%(end)s::timestamptz IS NULL OR start_time IS NULL OR start_time < %(end)s)
    AND (%(after)s = '' OR (place, name) > (
        coalesce((SELECT place FROM records WHERE name = %(after)s), '-infinity'), %(after)s
    ))
    ORDER BY place, name LIMIT %(limit)s
"""
_PUT = """
INSERT INTO records (name, kind, site, asset, vehicle, start_time, end_time, place, open, revision,
    document)
VALUES (%(name)s, %(kind)s, %(site)s, %(asset)s, %(vehicle)s, %(start_time)s, %(end_time)s,
    %(place)s, %(open)s, %(revision)s, %(document)s)
ON CONFLICT (name) DO UPDATE SET vehicle = excluded.vehicle, start_time = excluded.start_time,
    end_time = excluded.end_time, place = excluded.place, open = excluded.open, deleted = false,
    revision = excluded.revision, document = excluded.document
"""
_DELETE = "UPDATE records SET deleted = true, open = false, revision = %s WHERE name = %s"
_NEWEST = "SELECT coalesce(max(revision), 0) FROM records"
_REQUEST = """
WITH new AS (
    INSERT INTO create_requests (kind, request_id, name) VALUES (%(kind)s, %(id)s, %(name)s)
    ON CONFLICT DO NOTHING RETURNING name
)
SELECT name FROM create_requests WHERE kind = %(kind)s AND request_id = %(id)s
"""
_SESSIONS_OF = f"""{_SELECT} kind = 'charging_session' AND asset = %s AND NOT deleted
    AND (end_time IS NULL OR end_time > %s)
"""
_OPEN = f"{_SELECT} kind = %s AND site = %s AND open AND NOT deleted ORDER BY place, name"
_PAST = """
SELECT session.vehicle, session.start_time, session.end_time, need.end_time,
    (session.document ->> 'charged_energy_wh')::double precision
FROM records session LEFT JOIN records need ON need.name = session.document ->> 'need'
WHERE session.kind = 'charging_session' AND session.site = %s AND NOT session.deleted
    AND session.end_time IS NOT NULL
ORDER BY session.end_time DESC LIMIT %s
"""
_OF_TOKEN = f"""{_SELECT} kind = 'vehicle' AND NOT deleted AND document -> 'tokens' ? %s
    ORDER BY name LIMIT 1
"""
_NEEDS_UNTIL = f"{_SELECT} kind = 'charging_need' AND open AND end_time <= %s AND NOT deleted"
_RUNS_UNTIL = f"{_SELECT} kind = 'deferrable_run' AND open AND end_time <= %s AND NOT deleted"
_SNAPSHOT = f"{_SELECT} open AND NOT deleted AND {_OF_PARENT} ORDER BY revision"
_SINCE = f"{_SELECT} revision > %(revision)s AND {_OF_PARENT} ORDER BY revision"

_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_LOCK_KEY = int.from_bytes(hashlib.sha256(b"wattmesh/usage").digest()[:8], signed=True)


class PostgresRecords:
    """Reads what is kept, and opens changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Change]:
        """Change something, alone among all replicas: revisions are committed in their order."""
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK, (_LOCK_KEY,))
            yield PostgresChange(connection)

    async def get(self, name: str) -> Record[Resource] | None:
        """Return what is kept under a name, unless it is deleted."""
        async with self._database.connection_for_caller() as connection:
            return await _one(connection, _GET, (name,))

    async def list(
        self, kind: Kind, parent: Parent, span: TimeRange | None, after: str, limit: int
    ) -> Sequence[Record[Resource]]:
        """Return at most `limit` that follow the one named `after`, in the order of their list."""
        values = {
            **_of(parent),
            "kind": kind.value,
            "start": None if span is None else span.start,
            "end": None if span is None else span.end,
            "after": after,
            "limit": limit,
        }
        async with self._database.connection_for_caller() as connection:
            return await _all(connection, _LIST, values)

    async def since(self, revision: int, parent: Parent) -> Changes:
        """Return what changed since a revision; everything that is open where that is not known."""
        async with (
            self._database.connection_for_caller() as connection,
            connection.transaction(),
        ):
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            newest = (await (await connection.execute(_NEWEST)).fetchone() or (0,))[0]
            if 0 < revision <= newest:
                values = {**_of(parent), "revision": revision}
                found = await _all(connection, _SINCE, values) if revision < newest else []
                return Changes(revision=newest, records=tuple(found))
            found = await _all(connection, _SNAPSHOT, _of(parent))
            return Changes(revision=newest, snapshot=True, records=tuple(found))


class PostgresChange:
    """One change on its way into the tables."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, name: str) -> Record[Resource] | None:
        """Return what is kept under a name, unless it is deleted."""
        return await _one(self._connection, _GET, (name,))

    async def put(self, resource: Resource) -> Record[Resource]:
        """Keep a resource."""
        revision = await self._next_revision()
        await self._connection.execute(_PUT, {**row_of(resource), "revision": revision})
        return Record(resource=resource, revision=revision)

    async def delete(self, name: str) -> None:
        """Delete a resource; its past stays."""
        await self._connection.execute(_DELETE, (await self._next_revision(), name))

    async def first_answer(self, kind: Kind, request_id: str, name: str) -> str | None:
        """Take note of a request; return the name that it created before, None: it is new."""
        values = {"kind": kind.value, "id": request_id, "name": name}
        row = await (await self._connection.execute(_REQUEST, values)).fetchone()
        return None if row is None else str(row[0])

    async def open_sessions(self, site: SiteId) -> Sequence[ChargingSession]:
        """Return the sessions of a site that have not ended."""
        found = await self._open(Kind.CHARGING_SESSION, site)
        return [each for each in found if isinstance(each, ChargingSession)]

    async def sessions_of(self, asset: AssetId, since: datetime) -> Sequence[ChargingSession]:
        """Return the sessions of a charge point that had not ended by then."""
        found = await _all(self._connection, _SESSIONS_OF, (asset.name, since))
        return [each.resource for each in found if isinstance(each.resource, ChargingSession)]

    async def open_needs(self, site: SiteId) -> Sequence[ChargingNeed]:
        """Return the needs of a site that are not final."""
        found = await self._open(Kind.CHARGING_NEED, site)
        return [each for each in found if isinstance(each, ChargingNeed)]

    async def past_stays(self, site: SiteId, most: int) -> Sequence[PastStay]:
        """Return the newest sessions of a site that have ended, with what was declared."""
        cursor = await self._connection.execute(_PAST, (site.name, most))
        return [
            PastStay(
                vehicle=vehicle or "",
                arrival_time=arrival,
                departure_time=departure,
                declared_time=declared,
                energy_wh=energy_wh,
            )
            for vehicle, arrival, departure, declared, energy_wh in await cursor.fetchall()
        ]

    async def vehicle_with(self, token: str) -> Vehicle | None:
        """Return the vehicle that identifies itself so."""
        found = await _one(self._connection, _OF_TOKEN, (token,))
        return found.resource if found and isinstance(found.resource, Vehicle) else None

    async def needs_until(self, moment: datetime) -> Sequence[ChargingNeed]:
        """Return the needs that are not final although their time has come."""
        found = await _all(self._connection, _NEEDS_UNTIL, (moment,))
        return [each.resource for each in found if isinstance(each.resource, ChargingNeed)]

    async def runs_until(self, moment: datetime) -> Sequence[DeferrableRun]:
        """Return the runs that are not final although their window has ended."""
        found = await _all(self._connection, _RUNS_UNTIL, (moment,))
        return [each.resource for each in found if isinstance(each.resource, DeferrableRun)]

    async def _open(self, kind: Kind, site: SiteId) -> Sequence[Resource]:
        found = await _all(self._connection, _OPEN, (kind.value, site.name))
        return [each.resource for each in found]

    async def _next_revision(self) -> int:
        """Return a revision above all that are kept."""
        row = await (await self._connection.execute(_NEWEST)).fetchone()
        return 1 + (0 if row is None else int(row[0]))


def _of(parent: Parent) -> dict[str, Any]:
    return {
        "site": None if parent.site is None else parent.site.name,
        "asset": None if parent.asset is None else parent.asset.name,
    }


async def _one(connection: AsyncConnection, query: str, values: Any) -> Record[Resource] | None:
    row = await (await connection.execute(query.encode(), values)).fetchone()
    return None if row is None else record_from_row(row)


async def _all(connection: AsyncConnection, query: str, values: Any) -> list[Record[Resource]]:
    rows = await (await connection.execute(query.encode(), values)).fetchall()
    return [record_from_row(row) for row in rows]
