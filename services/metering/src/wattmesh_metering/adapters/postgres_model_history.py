"""What changed in the site model since a revision: the records know at which they changed."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from psycopg import AsyncConnection

from wattmesh_kernel.errors import Internal
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import Device, PublishedPrices
from wattmesh_kernel.time import TimeRange, to_utc
from wattmesh_metering.adapters.documents import COLUMNS, document_from_body, record_from_row
from wattmesh_metering.domain.records import EndedDevice, ModelNews, Record, RecordKind
from wattmesh_runtime.database import Database

log = logging.getLogger(__name__)

_REVISION = "SELECT revision FROM revisions ORDER BY revision DESC LIMIT 1"
_KNOWN = "SELECT EXISTS (SELECT FROM revisions WHERE revision = %s)"
_RECORDS = f"SELECT {COLUMNS} FROM records WHERE revision > %s ORDER BY revision, name"
_ENDED = "SELECT body, end_time FROM ended_devices WHERE revision > %s ORDER BY revision"
_POINTS = """
SELECT points.device, points.quantity, points.point_key
FROM points JOIN records ON records.name = points.device
WHERE records.revision > %s AND NOT points.removed
"""
_PUBLISHED = """
SELECT tariff, start_time, end_time FROM revisions
WHERE revision > %s AND tariff IS NOT NULL ORDER BY revision
"""


class PostgresModelHistory:
    """Answers from the tables, each answer as of one instant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def revision(self) -> int:
        """Return the newest revision."""
        async with self._database.connection() as connection:
            return await _newest(connection)

    async def since(self, revision: int) -> ModelNews:
        """Return what changed since a revision, or the whole model when that is not known."""
        async with self._database.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            newest = await _newest(connection)
            (known,) = (await _rows(connection, _KNOWN, revision))[0]
            after = revision if known else 0
            published = await _rows(connection, _PUBLISHED, after) if known else []
            return ModelNews(
                revision=newest,
                whole=not known,
                records=tuple(_records(await _rows(connection, _RECORDS, after))),
                ended=tuple(_ended(await _rows(connection, _ENDED, after))),
                point_keys=_point_keys(await _rows(connection, _POINTS, after)),
                published=tuple(_published(row) for row in published),
            )


async def _newest(connection: AsyncConnection) -> int:
    cursor = await connection.execute(_REVISION)
    (revision,) = await cursor.fetchone() or (0,)
    return int(revision)


async def _rows(
    connection: AsyncConnection, query: str, revision: int
) -> Sequence[tuple[Any, ...]]:
    cursor = await connection.execute(query.encode(), (revision,))
    return await cursor.fetchall()


def _records(rows: Iterable[tuple[Any, ...]]) -> Iterator[Record]:
    """Give what can be read: one that only a newer replica understands is missing here alone."""
    for row in rows:
        try:
            yield record_from_row(row)
        except Internal as error:
            log.warning("left out of the site model: %s", error)


def _ended(rows: Iterable[tuple[Any, ...]]) -> Iterator[EndedDevice]:
    for body, end_time in rows:
        try:
            device = document_from_body(RecordKind.DEVICE, bytes(body)).resource
        except Internal as error:
            log.warning("left out of the past: %s", error)
        else:
            if isinstance(device, Device):
                yield EndedDevice(device=device, end_time=to_utc(end_time))


def _point_keys(rows: Iterable[tuple[Any, ...]]) -> tuple[tuple[str, dict[str, int]], ...]:
    found: dict[str, dict[str, int]] = {}
    for device, quantity, key in rows:
        found.setdefault(device, {})[quantity] = key
    return tuple(found.items())


def _published(row: tuple[Any, ...]) -> PublishedPrices:
    tariff, start, end = row
    return PublishedPrices(
        tariff=TariffId.parse(tariff), span=TimeRange(to_utc(start), to_utc(end))
    )
