"""Alerts and silences, in PostgreSQL."""

import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from wattmesh_alerting.app.ports import AlertQuery, KeptAlert
from wattmesh_alerting.domain.alert import Acknowledgement, Alert
from wattmesh_alerting.domain.silence import Silence
from wattmesh_runtime.database import Database
from wattmesh_runtime.documents import DocumentCodec

_ALERTS = DocumentCodec[Alert](Alert)
_ACKNOWLEDGEMENTS = DocumentCodec[Acknowledgement](Acknowledgement)
_SILENCES = DocumentCodec[Silence](Silence)

_SELECT = "SELECT document, revision, acknowledgement FROM alerts"
_PUT = """
INSERT INTO alerts (name, rule, site, fire_time, end_time, revision, document)
SELECT name, rule, site, fire_time, end_time, %(revision)s, document::jsonb
FROM unnest(%(names)s::text[], %(rules)s::text[], %(sites)s::text[], %(fired)s::timestamptz[],
    %(ended)s::timestamptz[], %(documents)s::text[])
    AS new (name, rule, site, fire_time, end_time, document)
ON CONFLICT (name) DO UPDATE SET
    end_time = excluded.end_time, revision = excluded.revision, document = excluded.document
"""
_PAGE = f"""{_SELECT}
WHERE (%(site)s::text IS NULL OR site = %(site)s)
    AND (%(firing)s::boolean IS NULL OR (end_time IS NULL) = %(firing)s)
    AND (%(rules)s::text[] IS NULL OR rule = ANY(%(rules)s))
    AND (%(start)s::timestamptz IS NULL OR fire_time >= %(start)s)
    AND (%(end)s::timestamptz IS NULL OR fire_time < %(end)s)
    AND (%(after)s::timestamptz IS NULL OR (fire_time, name) < (%(after)s, %(name)s))
ORDER BY fire_time DESC, name DESC LIMIT %(limit)s
"""
_ACKNOWLEDGE = """
UPDATE alerts SET acknowledgement = %s::jsonb, revision = %s WHERE name = %s
RETURNING document, revision, acknowledgement
"""
_SILENCE = """
INSERT INTO silences (name, request_id, create_time, expire_time, document)
VALUES (%(name)s, %(request_id)s, %(create_time)s, %(expire_time)s, %(document)s)
ON CONFLICT (request_id) DO NOTHING
"""
_NEWEST = "SELECT coalesce(max(revision), 0) FROM alerts"
_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_LOCK_KEY = int.from_bytes(hashlib.sha256(b"wattmesh/alerting").digest()[:8], signed=True)


class PostgresAlertStore:
    """AlertStore. Revisions are committed in their order: writers wait for each other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, alerts: Collection[Alert]) -> None:
        """Keep alerts as they are now; what people did about them stays."""
        sites = [each.condition.site for each in alerts]
        values = {
            "names": [each.name for each in alerts],
            "rules": [each.condition.rule.value for each in alerts],
            "sites": [None if site is None else site.name for site in sites],
            "fired": [each.fire_time for each in alerts],
            "ended": [each.end_time for each in alerts],
            "documents": [_ALERTS.to_json(each).decode() for each in alerts],
        }
        async with self._change() as (connection, revision):
            await connection.execute(_PUT, {**values, "revision": revision})

    async def firing(self) -> Sequence[KeptAlert]:
        """Return the alerts that are not over."""
        return await self._read(f"{_SELECT} WHERE end_time IS NULL ORDER BY name", ())

    async def get(self, name: str) -> KeptAlert | None:
        """Return the alert of that name."""
        async with self._database.connection_for_caller() as connection:
            found = await _alerts(connection, f"{_SELECT} WHERE name = %s", (name,))
        return found[0] if found else None

    async def page(
        self, query: AlertQuery, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[KeptAlert]:
        """Return at most `limit` alerts, newest first, that follow a place in that order."""
        span = query.fire_range
        values = {
            "site": None if query.site is None else query.site.name,
            "firing": query.firing,
            "rules": [each.value for each in query.rules] or None,
            "start": None if span is None else span.start,
            "end": None if span is None else span.end,
            "after": None if after is None else after[0],
            "name": "" if after is None else after[1],
            "limit": limit,
        }
        async with self._database.connection_for_caller() as connection:
            return await _alerts(connection, _PAGE, values)

    async def since(self, revision: int) -> tuple[int, Sequence[KeptAlert]]:
        """Return the newest revision, and the alerts that changed after the one given."""
        if revision < 0:
            async with self._database.connection() as connection:
                row = await (await connection.execute(_NEWEST)).fetchone()
            return (0 if row is None else int(row[0])), ()
        found = await self._read(f"{_SELECT} WHERE revision > %s ORDER BY revision", (revision,))
        return max([revision, *(each.revision for each in found)]), found

    async def acknowledge(self, name: str, acknowledgement: Acknowledgement) -> KeptAlert | None:
        """Keep who took an alert on; None: there is no such alert."""
        document = _ACKNOWLEDGEMENTS.to_json(acknowledgement).decode()
        async with self._change() as (connection, revision):
            cursor = await connection.execute(_ACKNOWLEDGE, (document, revision, name))
            row = await cursor.fetchone()
        return None if row is None else _kept(row)

    async def silence(self, silence: Silence, request_id: str) -> Silence:
        """Keep a silence; a repeat of the request returns the first one."""
        name = hashlib.blake2s(request_id.encode(), digest_size=8).hexdigest()
        named = replace(silence, name=f"silences/{name}")
        values = {
            "name": named.name,
            "request_id": request_id,
            "create_time": named.create_time,
            "expire_time": named.expire_time,
            "document": _SILENCES.to_json(named).decode(),
        }
        async with self._database.transaction() as connection:
            await connection.execute(_SILENCE, values)
            cursor = await connection.execute(
                "SELECT document FROM silences WHERE request_id = %s", (request_id,)
            )
            ((document,),) = await cursor.fetchall()
        return _SILENCES.from_document(document)

    async def silences(self, now: datetime) -> Sequence[Silence]:
        """Return the silences that have not ended, newest first."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "SELECT document FROM silences WHERE expire_time > %s"
                " ORDER BY create_time DESC, name",
                (now,),
            )
            return [_SILENCES.from_document(row[0]) for row in await cursor.fetchall()]

    async def end_silence(self, name: str, now: datetime) -> bool:
        """End a silence; False: there is none in force."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "UPDATE silences SET expire_time = %s WHERE name = %s AND expire_time > %s",
                (now, name, now),
            )
            return cursor.rowcount > 0

    @asynccontextmanager
    async def _change(self) -> AsyncIterator[tuple[AsyncConnection, int]]:
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK, (_LOCK_KEY,))
            row = await (await connection.execute(_NEWEST)).fetchone()
            yield connection, 1 + (0 if row is None else int(row[0]))

    async def _read(self, query: str, values: Any) -> list[KeptAlert]:
        async with self._database.connection() as connection:
            return await _alerts(connection, query, values)


async def _alerts(connection: AsyncConnection, query: str, values: Any) -> list[KeptAlert]:
    cursor = await connection.execute(query.encode(), values)
    return [_kept(row) for row in await cursor.fetchall()]


def _kept(row: tuple[Any, ...]) -> KeptAlert:
    document, revision, acknowledgement = row
    return KeptAlert(
        alert=_ALERTS.from_document(document),
        revision=revision,
        acknowledgement=(
            None if acknowledgement is None else _ACKNOWLEDGEMENTS.from_document(acknowledgement)
        ),
    )
