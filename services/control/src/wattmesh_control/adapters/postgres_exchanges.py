"""What plans count on at grid connections, in PostgreSQL: one row for each schedule."""

from collections.abc import Collection, Sequence
from datetime import datetime

from psycopg import AsyncConnection

from wattmesh_control.adapters.rows import Row
from wattmesh_control.app.submission import Submission
from wattmesh_control.domain.exchange import ExchangeSchedule, StandingExchange
from wattmesh_kernel.ids import SiteId
from wattmesh_runtime.database import Database
from wattmesh_runtime.documents import DocumentCodec

_SCHEDULES = DocumentCodec[ExchangeSchedule](ExchangeSchedule)

# What begins at or after the new one gives way, and what is over goes on the way.
_PUT = """
WITH new AS (
    SELECT * FROM unnest(%(site)s::text[], %(start)s::timestamptz[], %(end)s::timestamptz[],
                         %(document)s::jsonb[]) AS new (site, start_time, end_time, document)
), gone AS (
    DELETE FROM exchanges USING new
    WHERE exchanges.site = new.site AND exchanges.owner = %(owner)s
      AND (exchanges.start_time >= new.start_time OR exchanges.end_time <= %(now)s)
)
INSERT INTO exchanges (site, owner, priority, source, start_time, end_time, document)
SELECT site, %(owner)s, %(priority)s, %(source)s, start_time, end_time, document FROM new
"""

_NEWEST = "SELECT coalesce(max(number), 0) FROM exchanges"

_STANDING = """
SELECT number, owner, priority, document FROM exchanges
WHERE end_time > %s AND site = ANY(%s) ORDER BY number
"""


async def write(connection: AsyncConnection[Row], submission: Submission, now: datetime) -> None:
    """Put what a submission counts on in the place of what its owner did."""
    schedules = submission.exchanges
    await connection.execute(
        _PUT,
        {
            "site": [each.site.name for each in schedules],
            "start": [each.span.start for each in schedules],
            "end": [each.span.end for each in schedules],
            "document": [_SCHEDULES.to_json(each).decode() for each in schedules],
            "owner": submission.owner,
            "priority": submission.priority,
            "source": submission.source,
            "now": now,
        },
    )


class PostgresExchanges:
    """ExchangeArchive: reads without locks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self) -> int:
        """Return the number of the schedule that was taken last; 0: there is none."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(_NEWEST)).fetchone()
        return 0 if row is None else int(row[0])

    async def standing(
        self, sites: Collection[SiteId], now: datetime
    ) -> Sequence[StandingExchange]:
        """Return the schedules of sites that have not ended, oldest first."""
        names = [each.name for each in sites]
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_STANDING, (now, names))).fetchall()
        return [
            StandingExchange(
                number=number,
                owner=owner,
                priority=priority,
                schedule=_SCHEDULES.from_document(document),
            )
            for number, owner, priority, document in rows
        ]
