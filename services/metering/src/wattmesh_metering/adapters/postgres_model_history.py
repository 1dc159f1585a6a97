"""What changed in the site model since a revision: the records know at which they changed."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wattmesh_kernel.errors import Internal
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import Device, PublishedPrices
from wattmesh_kernel.time import TimeRange, to_utc
from wattmesh_metering.adapters.documents import document_from_body, record_from_row
from wattmesh_metering.domain.records import EndedDevice, ModelNews, Record, RecordKind
from wattmesh_runtime.database import Database

log = logging.getLogger(__name__)

# One statement, so one instant: what each row is, two texts, a message, a number and two times.
_SINCE = """
WITH since AS (
    SELECT coalesce((SELECT revision FROM revisions WHERE revision = %s), 0) AS revision
)
SELECT 'revision', NULL, NULL, NULL::bytea, max(revision), NULL::timestamptz, NULL::timestamptz
FROM revisions
UNION ALL SELECT 'since', NULL, NULL, NULL, revision, NULL, NULL FROM since
UNION ALL SELECT 'record', kind, NULL, body, records.revision, delete_time, NULL
FROM records, since WHERE records.revision > since.revision
UNION ALL SELECT 'ended', NULL, NULL, body, ended_devices.revision, end_time, NULL
FROM ended_devices, since WHERE ended_devices.revision > since.revision
UNION ALL SELECT 'point', points.device, points.quantity, NULL, points.point_key, NULL, NULL
FROM since JOIN records ON records.revision > since.revision AND records.kind = 'device'
JOIN points ON points.device = records.name WHERE NOT points.removed
UNION ALL SELECT 'published', tariff, NULL, NULL, revisions.revision, start_time, end_time
FROM revisions, since
WHERE since.revision > 0 AND revisions.revision > since.revision AND tariff IS NOT NULL
"""

Row = tuple[Any, ...]


class PostgresModelHistory:
    """Answers from the tables, each answer as of one instant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, revision: int) -> ModelNews:
        """Return what changed since a revision, or the whole model when that is not known."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_SINCE, (revision,))
            rows = await cursor.fetchall()
        return _news(rows)


def _news(rows: Sequence[Row]) -> ModelNews:
    of_kind: defaultdict[str, list[Row]] = defaultdict(list)
    for what, *row in rows:
        of_kind[what].append(tuple(row))
    for found in of_kind.values():
        found.sort(key=_number)
    return ModelNews(
        revision=_number(of_kind["revision"][0]),
        whole=not _number(of_kind["since"][0]),
        records=tuple(_records(of_kind["record"])),
        ended=tuple(_ended(of_kind["ended"])),
        point_keys=_point_keys(of_kind["point"]),
        published=tuple(map(_published, of_kind["published"])),
    )


def _number(row: Row) -> int:
    return int(row[3])


def _records(rows: Iterable[Row]) -> Iterator[Record]:
    """Give what can be read: one that only a newer replica understands is missing here alone."""
    for kind, _, body, revision, delete_time, _ in rows:
        try:
            yield record_from_row((kind, body, revision, delete_time))
        except Internal as error:
            log.warning("left out of the site model: %s", error)


def _ended(rows: Iterable[Row]) -> Iterator[EndedDevice]:
    for _, _, body, _, end_time, _ in rows:
        try:
            device = document_from_body(RecordKind.DEVICE, bytes(body)).resource
        except Internal as error:
            log.warning("left out of the past: %s", error)
        else:
            if isinstance(device, Device):
                yield EndedDevice(device=device, end_time=to_utc(end_time))


def _point_keys(rows: Iterable[Row]) -> tuple[tuple[str, dict[str, int]], ...]:
    found: dict[str, dict[str, int]] = {}
    for device, quantity, _, key, _, _ in rows:
        found.setdefault(device, {})[quantity] = key
    return tuple(found.items())


def _published(row: Row) -> PublishedPrices:
    tariff, _, _, _, start, end = row
    return PublishedPrices(
        tariff=TariffId.parse(tariff), span=TimeRange(to_utc(start), to_utc(end))
    )
