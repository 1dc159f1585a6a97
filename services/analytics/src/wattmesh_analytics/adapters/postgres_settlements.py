"""Settlements in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.settlement import Settled, Settlement
from wattmesh_kernel.errors import Aborted
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database
from wattmesh_runtime.documents import DocumentCodec

_SETTLEMENTS = DocumentCodec[Settlement](Settlement)
_NEWEST = """
SELECT DISTINCT ON (day) day, document, import_wh, export_wh FROM settlements
WHERE site = %s AND day BETWEEN %s AND %s ORDER BY day, version DESC
"""
_PUT = """
INSERT INTO settlements (site, day, version, document, import_wh, export_wh)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_GET = """
SELECT document FROM settlements WHERE site = %s AND day = %s AND %s IN (0, version)
ORDER BY version DESC LIMIT 1
"""
_PAGE = """
SELECT document FROM settlements AS one
WHERE site = %(site)s AND (day, version) > (%(day)s, %(version)s)
    AND (%(start)s::timestamptz IS NULL
        OR ((document -> 'range' ->> 'start')::timestamptz >= %(start)s
            AND (document -> 'range' ->> 'start')::timestamptz < %(end)s))
    AND (%(all)s OR NOT EXISTS (
        SELECT FROM settlements AS later
        WHERE later.site = one.site AND later.day = one.day AND later.version > one.version))
ORDER BY day, version LIMIT %(limit)s
"""


class PostgresSettlementStore:
    """SettlementStore, in the table `settlements`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, site: SiteId, first: date, last: date) -> Mapping[date, Settled]:
        """Return the newest version of each day from `first` to `last`."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_NEWEST, (site.name, first, last))
            rows: list[tuple[date, Any, bytes, bytes]] = await cursor.fetchall()
        return {day: _settled(*row) for day, *row in rows}

    async def put(self, settled: Sequence[Settled]) -> None:
        """Keep versions. Error: Aborted when somebody else has kept one of them."""
        async with self._database.transaction() as connection:
            for each in settled:
                one = each.settlement
                cursor = await connection.execute(
                    _PUT,
                    (
                        *(one.site.name, one.day, one.version),
                        _SETTLEMENTS.to_json(one).decode(),
                        each.energy.import_wh.values.astype("<f8").tobytes(),
                        each.energy.export_wh.values.astype("<f8").tobytes(),
                    ),
                )
                if not cursor.rowcount:
                    raise Aborted("DATABASE_CONFLICT", f"somebody else has settled {one.day}")

    async def get(self, site: SiteId, day: date, version: int) -> Settlement | None:
        """Return a version; 0: the newest."""
        async with self._database.connection_for_caller() as connection:
            cursor = await connection.execute(_GET, (site.name, day, version))
            row = await cursor.fetchone()
        return None if row is None else _SETTLEMENTS.from_document(row[0])

    async def page(
        self,
        site: SiteId,
        span: TimeRange | None,
        after: tuple[date, int] | None,
        limit: int,
        *,
        all_versions: bool,
    ) -> Sequence[Settlement]:
        """Return settlements by day and version, behind a place in that order."""
        day, version = after or (date(1, 1, 1), 0)
        values = {
            "site": site.name,
            "day": day,
            "version": version,
            "start": None if span is None else span.start,
            "end": None if span is None else span.end,
            "all": all_versions,
            "limit": limit,
        }
        async with self._database.connection_for_caller() as connection:
            rows = await (await connection.execute(_PAGE, values)).fetchall()
        return [_SETTLEMENTS.from_document(row[0]) for row in rows]


def _settled(document: Any, import_wh: bytes, export_wh: bytes) -> Settled:
    settlement = _SETTLEMENTS.from_document(document)
    into, out = (np.frombuffer(each, dtype="<f8") for each in (import_wh, export_wh))
    span = settlement.range
    resolution = span.duration / len(into)
    return Settled(
        settlement=settlement,
        energy=Energy(
            import_wh=Series(span.start, resolution, into),
            export_wh=Series(span.start, resolution, out),
        ),
    )
