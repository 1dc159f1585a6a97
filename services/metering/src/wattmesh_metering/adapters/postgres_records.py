"""The site model in its tables."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from psycopg import AsyncConnection

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.quantities import QUANTITIES
from wattmesh_kernel.sites import Asset, Device
from wattmesh_metering.adapters.documents import COLUMNS, record_from_row
from wattmesh_metering.adapters.known_when import AS_KNOWN, KNOWN_COLUMNS, known_record
from wattmesh_metering.adapters.revisions import alone, next_revision
from wattmesh_metering.app.ports import (
    FirstRequest,
    RecordChange,
    RepeatedRequest,
    RequestIdTaken,
    RequestOutcome,
)
from wattmesh_metering.domain.records import (
    KEPT_KINDS,
    Document,
    Record,
    RecordKind,
    refers,
)
from wattmesh_runtime.database import Database

_SELECT = f"SELECT {COLUMNS} FROM records"
_KEEP = """
INSERT INTO record_versions (name, revision, kind, body, known_time, deleted)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_LIVING = "delete_time IS NULL"

_FILTERS = {
    "site": "site = %s",
    "gateway": "gateway = %s",
    "sites": "name = ANY(string_to_array(%s, ' '))",
    "group": f"name IN (SELECT unnest(refers) FROM records WHERE name = %s AND {_LIVING})",
}

_PUT = """
INSERT INTO records (name, kind, site, gateway, refers, body, etag, revision)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (name) DO UPDATE SET
    gateway = excluded.gateway, refers = excluded.refers, body = excluded.body,
    etag = excluded.etag, revision = excluded.revision, delete_time = NULL
"""
_DELETE = "UPDATE records SET delete_time = %s, revision = %s WHERE name = %s"
_END_DEVICE = "INSERT INTO ended_devices (name, revision, body, end_time) VALUES (%s, %s, %s, %s)"

_ADD_REQUEST = """
INSERT INTO create_requests (kind, request_id, name, fingerprint) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
RETURNING name
"""
_REQUEST = "SELECT name, fingerprint FROM create_requests WHERE kind = %s AND request_id = %s"

_REMOVE_POINTS = """
UPDATE points SET removed = true
WHERE name = ANY(%s)
RETURNING name,
    EXISTS (SELECT FROM readings WHERE readings.point_key = points.point_key)
"""
_ADD_POINTS = """
INSERT INTO points (device, name, quantity, kind)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[])
ON CONFLICT (name) DO UPDATE SET removed = false
"""


class PostgresRecords:
    """Reads records, and opens changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def change(self) -> AsyncIterator[RecordChange]:
        """Change the model, alone among all replicas.

        In a pipeline: what nobody waits for the answer of costs no round trip of its own.
        """
        async with self._database.transaction() as connection, connection.pipeline():
            await alone(connection)
            yield PostgresRecordChange(connection)

    async def get(self, name: str) -> Record | None:
        """Return the record of that name, unless it is deleted."""
        async with self._database.connection_for_caller() as connection:
            cursor = await connection.execute(f"{_SELECT} WHERE name = %s AND {_LIVING}", (name,))
            row = await cursor.fetchone()
        return None if row is None else record_from_row(row)

    async def get_as_known(self, name: str, known_by: datetime) -> Record | None:
        """Return a site as it was known at a time, or first, unless it was deleted by then."""
        parameters = {"name": name, "known_by": known_by}
        async with self._database.connection_for_caller() as connection:
            cursor = await connection.execute(f"SELECT {KNOWN_COLUMNS} {AS_KNOWN}", parameters)
            row = await cursor.fetchone()
        return None if row is None else known_record(row)

    async def list(
        self, kind: RecordKind, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[Record]:
        """Return at most `limit` that follow `after`, by name."""
        conditions = ["kind = %s", "name > %s", _LIVING, *(_FILTERS[key] for key in filters)]
        query = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY name LIMIT %s"
        parameters = (kind, after, *filters.values(), limit)
        async with self._database.connection_for_caller() as connection:
            cursor = await connection.execute(query.encode(), parameters)
            return [record_from_row(row) for row in await cursor.fetchall()]


class PostgresRecordChange:
    """One change of the model on its way into the tables."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def request(self, document: Document, request_id: str) -> RequestOutcome:
        """Take note of a request, and say whether it came before.

        One from before fingerprints were made this way is known by its name alone.
        """
        digest = bytes.fromhex(document.etag)
        parameters = (document.kind, request_id, document.name, digest)
        added = await self._connection.execute(_ADD_REQUEST, parameters)
        if await added.fetchone():
            return FirstRequest()
        cursor = await self._connection.execute(_REQUEST, (document.kind, request_id))
        name, first = await cursor.fetchone() or ("", b"")
        same = name == document.name and first in (None, digest)
        return RepeatedRequest() if same else RequestIdTaken()

    async def find(self, name: str) -> Record | None:
        """Return the record of that name, be it deleted."""
        cursor = await self._connection.execute(f"{_SELECT} WHERE name = %s", (name,))
        row = await cursor.fetchone()
        return None if row is None else record_from_row(row)

    async def present(self, names: Collection[str]) -> frozenset[str]:
        """Return those of the names that are there and not deleted."""
        cursor = await self._connection.execute(
            f"SELECT name FROM records WHERE name = ANY(%s) AND {_LIVING}", (list(names),)
        )
        return frozenset(name for (name,) in await cursor.fetchall())

    async def referring(
        self, names: Collection[str], kind: RecordKind | None = None
    ) -> Sequence[Record]:
        """Return what refers to one of the names and is not deleted, by name."""
        cursor = await self._connection.execute(
            f"{_SELECT} WHERE refers && %s::text[] AND {_LIVING}"
            " AND (%s::text IS NULL OR kind = %s) ORDER BY name",
            (list(names), kind, kind),
        )
        return [record_from_row(row) for row in await cursor.fetchall()]

    async def put(self, document: Document, kept: Record | None, now: datetime | None) -> Record:
        """Keep a document in the place of the kept one, or as a new one."""
        revision = await next_revision(self._connection)
        resource = document.resource
        await self._connection.execute(
            _PUT,
            (
                document.name,
                document.kind,
                resource.id.site.name if isinstance(resource, Asset | Device) else None,
                resource.gateway.name if isinstance(resource, Device) else None,
                sorted(refers(resource)),
                document.body,
                document.etag,
                revision,
            ),
        )
        await self._keep_version(document, revision, now)
        if isinstance(resource, Device):
            before = None if kept is None else kept.resource
            await self._put_points(resource, before if isinstance(before, Device) else None)
        return Record(document=document, revision=revision)

    async def delete(self, record: Record, now: datetime) -> None:
        """Mark a record as deleted; a device leaves behind what it did."""
        revision = await next_revision(self._connection)
        await self._connection.execute(_DELETE, (now, revision, record.name))
        await self._keep_version(record.document, revision, now, deleted=True)
        if isinstance(record.resource, Device):
            ended = (record.name, revision, record.document.body, now)
            await self._connection.execute(_END_DEVICE, ended)

    async def _keep_version(
        self, document: Document, revision: int, now: datetime | None, *, deleted: bool = False
    ) -> None:
        if document.kind in KEPT_KINDS:
            version = (document.name, revision, document.kind, document.body, now, deleted)
            await self._connection.execute(_KEEP, version)

    async def _put_points(self, device: Device, before: Device | None) -> None:
        points = sorted(device.points)
        given_up = frozenset() if before is None else before.points - device.points
        if given_up:
            await self._remove_points([device.point(each).name for each in sorted(given_up)])
        names = [device.point(point).name for point in points]
        kinds = [QUANTITIES[point].kind.value for point in points]
        await self._connection.execute(_ADD_POINTS, (device.name, names, points, kinds))

    async def _remove_points(self, names: Sequence[str]) -> None:
        cursor = await self._connection.execute(_REMOVE_POINTS, (names,))
        if blocked := [name for name, has_readings in await cursor.fetchall() if has_readings]:
            raise FailedPrecondition(
                "POINT_HAS_READINGS", f"{blocked[0]} has readings and cannot be removed"
            )
