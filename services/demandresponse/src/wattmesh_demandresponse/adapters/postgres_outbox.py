"""Call-backs that wait, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.types.json import Jsonb

from wattmesh_demandresponse.app.call_backs import Waiting
from wattmesh_demandresponse.domain.subscriptions import CallBack
from wattmesh_runtime.database import Database

_TOLD = """
INSERT INTO call_backs_told (revision) VALUES (%s)
ON CONFLICT (one) DO UPDATE SET revision = excluded.revision
"""
_PUT = """
INSERT INTO call_backs (subscription, create_time, url, token, body) VALUES (%s, %s, %s, %s, %s)
"""
_WAITING = """
SELECT id, subscription, create_time, url, token, body FROM (
    SELECT *, row_number() OVER (PARTITION BY subscription ORDER BY id) AS place FROM call_backs
) AS queued WHERE place <= %s ORDER BY id
"""
_SHORTEN = """
DELETE FROM call_backs WHERE create_time < %s OR id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY subscription ORDER BY id DESC) AS place
        FROM call_backs
    ) AS queued WHERE place > %s
)
"""


class PostgresOutbox:
    """The outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def told_until(self) -> int | None:
        """Return up to which revision of the records subscribers were told; None: never yet."""
        async with self._database.connection() as connection:
            cursor = await connection.execute("SELECT revision FROM call_backs_told")
            row = await cursor.fetchone()
        return None if row is None else int(row[0])

    async def put(
        self,
        call_backs: Sequence[tuple[str, CallBack]],
        now: datetime,
        *,
        told_until: int | None = None,
    ) -> None:
        """Keep call-backs of subscriptions, with the revision: all of it, or nothing."""
        rows = [
            (subscription, now, each.url, each.token, Jsonb(each.body))
            for subscription, each in call_backs
        ]
        async with self._database.transaction() as connection:
            if rows:
                async with connection.cursor() as cursor:
                    await cursor.executemany(_PUT, rows)
            if told_until is not None:
                await connection.execute(_TOLD, (told_until,))

    async def waiting(self, each: int) -> Sequence[Waiting]:
        """Return the oldest of each subscription, at most `each`, in their order."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_WAITING, (each,))).fetchall()
        return [
            Waiting(
                id=row[0],
                subscription=row[1],
                create_time=row[2],
                call_back=CallBack(url=row[3], token=row[4], body=row[5]),
            )
            for row in rows
        ]

    async def done(self, ids: Sequence[int]) -> None:
        """Forget call-backs."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM call_backs WHERE id = ANY(%s)", (list(ids),))

    async def shorten(self, most: int, before: datetime) -> int:
        """Forget those of long ago, and all but the newest `most` of each; return how many."""
        async with self._database.connection() as connection:
            return (await connection.execute(_SHORTEN, (before, most))).rowcount
