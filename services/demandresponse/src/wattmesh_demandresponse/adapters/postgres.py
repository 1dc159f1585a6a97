"""What is kept, in PostgreSQL."""

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from wattmesh_demandresponse.adapters.rows import COLUMNS, ROW, record_from_row, row_of
from wattmesh_demandresponse.app.ports import Change, Query
from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.participation import Participation
from wattmesh_demandresponse.domain.records import Changes, Kind, Record, Resource
from wattmesh_kernel.programme_ids import EventId, ProgrammeId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database

_SELECT = f"SELECT {COLUMNS} FROM records WHERE "
_GET = f"{_SELECT} name = %s AND NOT deleted"
_LIST = f"""{_SELECT} kind = %(kind)s AND NOT deleted
    AND (%(programme)s::text IS NULL OR programme = %(programme)s)
    AND (%(event)s::text IS NULL OR event = %(event)s)
    AND (%(subject)s = '' OR subject = %(subject)s)
    AND (%(start)s::timestamptz IS NULL OR end_time > %(start)s)
    AND (%(end)s::timestamptz IS NULL OR start_time < %(end)s)
    AND (%(after)s = '' OR (place, name) > (
        coalesce((SELECT place FROM records WHERE name = %(after)s), '-infinity'), %(after)s
    ))
    ORDER BY place, name LIMIT %(limit)s
"""
_TYPES = {"start_time": "timestamptz", "end_time": "timestamptz", "due_time": "timestamptz"} | {
    "place": "double precision",
    "open": "boolean",
}
_ARRAYS = ", ".join(f"%({each})s::{_TYPES.get(each, 'text')}[]" for each in ROW)
_VALUES = ", ".join("document::jsonb" if each == "document" else each for each in ROW)
_CHANGES = ", ".join(f"{each} = excluded.{each}" for each in (*ROW[2:], "revision"))
_PUT = f"""
INSERT INTO records ({", ".join(ROW)}, revision)
SELECT {_VALUES}, %(revision)s FROM unnest({_ARRAYS}) AS new ({", ".join(ROW)})
ON CONFLICT (name) DO UPDATE SET {_CHANGES}, deleted = false
"""
_DELETE = """
UPDATE records SET deleted = true, open = false, due_time = NULL, revision = %s WHERE name = %s
"""
_NEWEST = "SELECT coalesce(max(revision), 0) FROM records"
_REQUEST = """
WITH new AS (
    INSERT INTO requests (kind, request_id, name) VALUES (%(kind)s, %(id)s, %(name)s)
    ON CONFLICT DO NOTHING RETURNING name
)
SELECT name FROM requests WHERE kind = %(kind)s AND request_id = %(id)s
"""
_ENROLMENTS = f"{_SELECT} kind = 'enrolment' AND programme = %s AND NOT deleted ORDER BY name"
_OPEN_EVENTS = f"{_SELECT} kind = 'event' AND programme = %s AND open AND NOT deleted ORDER BY name"
_EVENTS_IN = f"""{_SELECT} kind = 'event' AND programme = %s AND NOT deleted
    AND start_time >= %s AND start_time < %s ORDER BY name
"""
_PARTS = f"{_SELECT} kind = 'participation' AND event = %s AND NOT deleted ORDER BY name"
_DUE = f"{_SELECT} kind = %s AND due_time <= %s AND NOT deleted ORDER BY due_time LIMIT %s"
_ALL_OPEN = f"{_SELECT} kind = 'event' AND open AND NOT deleted ORDER BY place, name"
_PARTS_OF = f"{_SELECT} kind = 'participation' AND event = ANY(%s) AND NOT deleted ORDER BY name"
_RANGES = """
SELECT DISTINCT event.start_time, event.end_time
FROM records part JOIN records event ON event.name = part.event AND event.kind = 'event'
WHERE part.kind = 'participation' AND part.subject = %(subject)s
    AND event.end_time > %(start)s AND event.start_time < %(end)s
    AND event.end_time > event.start_time AND NOT part.deleted AND NOT event.deleted
    AND part.document ->> 'state' <> 'opted_out'
"""
_FOLLOWED = """ kind IN ('event', 'participation') AND NOT deleted
    AND (%(programme)s::text IS NULL OR programme = %(programme)s)
"""
_SNAPSHOT = f"{_SELECT} {_FOLLOWED} AND open ORDER BY kind, place, name"
_SINCE = f"{_SELECT} {_FOLLOWED} AND revision > %(revision)s ORDER BY kind, place, name"

_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_LOCK_KEY = int.from_bytes(hashlib.sha256(b"wattmesh/demandresponse").digest()[:8], signed=True)


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
        found = await self._read(_GET, (name,))
        return found[0] if found else None

    async def list(
        self, kind: Kind, query: Query, after: str, limit: int
    ) -> Sequence[Record[Resource]]:
        """Return at most `limit` that follow the one named `after`, in the order of their list."""
        parent, span = query.parent, query.span
        values = {
            "kind": kind.value,
            "programme": None if parent.programme is None else parent.programme.name,
            "event": None if parent.event is None else parent.event.name,
            "subject": query.subject,
            "start": None if span is None else span.start,
            "end": None if span is None else span.end,
            "after": after,
            "limit": limit,
        }
        return await self._read(_LIST, values)

    async def due(self, kind: Kind, now: datetime, limit: int) -> Sequence[Resource]:
        """Return at most `limit` of a kind that fall due by then, the longest due first."""
        return [each.resource for each in await self._read(_DUE, (kind.value, now, limit))]

    async def open_events(self) -> Sequence[tuple[Event, Sequence[Participation]]]:
        """Return every event that is not over, with its participations."""
        events = [each.resource for each in await self._read(_ALL_OPEN, ())]
        names = [each.id.name for each in events]
        parts: dict[EventId, list[Participation]] = defaultdict(list)
        for each in await self._read(_PARTS_OF, (names,)) if names else ():
            if isinstance(each.resource, Participation):
                parts[each.resource.id.event].append(each.resource)
        return [(each, parts[each.id]) for each in events if isinstance(each, Event)]

    async def event_ranges(self, subject: str, span: TimeRange) -> Sequence[TimeRange]:
        """Return when there were events of a site or group within a span."""
        values = {"subject": subject, "start": span.start, "end": span.end}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_RANGES, values)).fetchall()
        return [TimeRange(start, end) for start, end in rows]

    async def since(self, revision: int, programme: ProgrammeId | None) -> Changes:
        """Return what changed since a revision; below 0: everything that is open."""
        values = {"programme": None if programme is None else programme.name, "revision": revision}
        async with self._database.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            newest = (await (await connection.execute(_NEWEST)).fetchone() or (0,))[0]
            if revision >= newest:
                return Changes(revision=newest)
            found = await _all(connection, _SINCE if revision >= 0 else _SNAPSHOT, values)
        return Changes(
            revision=newest,
            events=tuple(_of(found, Event)),
            participations=tuple(_of(found, Participation)),
        )

    async def _read(self, query: str, values: Any) -> Sequence[Record[Resource]]:
        async with self._database.connection() as connection:
            return await _all(connection, query, values)


class PostgresChange:
    """One change on its way into the tables."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._revision: int | None = None

    async def find(self, name: str) -> Record[Resource] | None:
        """Return what is kept under a name, unless it is deleted."""
        found = await _all(self._connection, _GET, (name,))
        return found[0] if found else None

    async def put(
        self, resources: Sequence[tuple[Resource, datetime | None]]
    ) -> Sequence[Record[Resource]]:
        """Keep resources, each with when something of it falls due by itself."""
        if not resources:
            return ()
        revision = await self._next_revision()
        rows = [row_of(resource, due) for resource, due in resources]
        values = {column: [row[column] for row in rows] for column in ROW}
        await self._connection.execute(_PUT.encode(), {**values, "revision": revision})
        return [Record(resource=resource, revision=revision) for resource, _ in resources]

    async def delete(self, name: str) -> None:
        """Delete a resource; its past stays."""
        await self._connection.execute(_DELETE, (await self._next_revision(), name))

    async def first_answer(self, kind: Kind, request_id: str, name: str) -> str | None:
        """Take note of a request; return the name that it created before, None: it is new."""
        values = {"kind": kind.value, "id": request_id, "name": name}
        row = await (await self._connection.execute(_REQUEST, values)).fetchone()
        return None if row is None else str(row[0])

    async def enrolments(self, programme: ProgrammeId) -> Sequence[Enrolment]:
        """Return the enrolments of a programme, by name."""
        return await self._resources(_ENROLMENTS, (programme.name,), Enrolment)

    async def events(self, programme: ProgrammeId, span: TimeRange | None) -> Sequence[Event]:
        """Return the events of a programme that begin within a span; None: those still open."""
        if span is None:
            return await self._resources(_OPEN_EVENTS, (programme.name,), Event)
        return await self._resources(_EVENTS_IN, (programme.name, span.start, span.end), Event)

    async def participations(self, event: EventId) -> Sequence[Participation]:
        """Return the participations in an event, by name."""
        return await self._resources(_PARTS, (event.name,), Participation)

    async def _resources(self, query: str, values: Any, kind: type[Any]) -> list[Any]:
        return [
            each.resource
            for each in await _all(self._connection, query, values)
            if isinstance(each.resource, kind)
        ]

    async def _next_revision(self) -> int:
        """Return a revision above all that were kept before: one for all of a change."""
        if self._revision is None:
            row = await (await self._connection.execute(_NEWEST)).fetchone()
            self._revision = 1 + (0 if row is None else int(row[0]))
        return self._revision


def _of(records: Sequence[Record[Resource]], kind: type[Any]) -> list[Any]:
    return [each for each in records if isinstance(each.resource, kind)]


async def _all(connection: AsyncConnection, query: str, values: Any) -> list[Record[Resource]]:
    rows = await (await connection.execute(query.encode(), values)).fetchall()
    return [record_from_row(row) for row in rows]
