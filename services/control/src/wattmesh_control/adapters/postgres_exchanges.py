"""What plans count on at grid connections, in PostgreSQL: one row for each schedule."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Any

from psycopg import AsyncConnection

from wattmesh_control.adapters.rows import Row
from wattmesh_control.app.submission import Submission
from wattmesh_control.domain.exchange import (
    ExchangeInterval,
    ExchangeSchedule,
    StandingExchange,
)
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_kernel.worth import EnergyWorth
from wattmesh_runtime.database import Database
from wattmesh_runtime.documents import DocumentCodec

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Columns:
    """A schedule as its document has it: one list for each thing that intervals say.

    Every plan writes one, of a hundred intervals and more: an object for each of them would be
    ten times as long.
    """

    site: SiteId
    start: datetime
    start_us: list[int]
    """Microseconds since `start`."""
    duration_us: list[int]
    net_power_w: list[float | None]
    peak_power_w: list[float | None]
    averaging_us: list[int | None]
    worth: list[EnergyWorth | None] = field(default_factory=list)
    """Up to the last interval of which it is said; plans say it of the first ones alone."""


_COLUMNS = DocumentCodec[_Columns](_Columns)
_OBJECTS = DocumentCodec[ExchangeSchedule](ExchangeSchedule)

# What begins at or after the new one gives way, and what is over goes on the way.
_PUT = """
WITH gone AS (
    DELETE FROM exchanges
    WHERE site = %(site)s AND owner = %(owner)s
      AND (start_time >= %(start)s OR end_time <= %(now)s)
)
INSERT INTO exchanges (site, owner, priority, source, start_time, end_time, document)
VALUES (%(site)s, %(owner)s, %(priority)s, %(source)s, %(start)s, %(end)s, %(document)s)
"""

_NEWEST = "SELECT coalesce(max(number), 0) FROM exchanges"

_STANDING = """
SELECT number, owner, priority, document FROM exchanges
WHERE end_time > %(now)s AND site = ANY(%(sites)s) AND (
    start_time > %(now)s OR NOT EXISTS (
        SELECT FROM exchanges AS newer
        WHERE newer.site = exchanges.site AND newer.owner = exchanges.owner
          AND newer.end_time > %(now)s AND newer.start_time <= %(now)s
          AND (newer.start_time, newer.number) > (exchanges.start_time, exchanges.number)
    )
)
ORDER BY number
"""


async def write(connection: AsyncConnection[Row], submission: Submission, now: datetime) -> None:
    """Put what a submission counts on in the place of what its owner did."""
    for schedule in submission.exchanges:
        await connection.execute(
            _PUT,
            {
                "site": schedule.site.name,
                "start": schedule.span.start,
                "end": schedule.span.end,
                "document": _to_json(schedule),
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
        """Return the schedules of sites that count now or later, oldest first.

        Of an owner's that have begun that is the newest.
        """
        names = [each.name for each in sites]
        async with self._database.connection() as connection:
            rows = await (
                await connection.execute(_STANDING, {"now": now, "sites": names})
            ).fetchall()
        return [
            StandingExchange(
                number=number,
                owner=owner,
                priority=priority,
                schedule=_from_document(document),
            )
            for number, owner, priority, document in rows
        ]


def _to_json(schedule: ExchangeSchedule) -> str:
    start, intervals = schedule.span.start, schedule.intervals
    columns = _Columns(
        site=schedule.site,
        start=start,
        start_us=[(each.span.start - start) // _MICROSECOND for each in intervals],
        duration_us=[each.span.duration // _MICROSECOND for each in intervals],
        net_power_w=[each.net_power_w for each in intervals],
        peak_power_w=[each.peak_power_w for each in intervals],
        averaging_us=[
            None if each.averaging is None else each.averaging // _MICROSECOND for each in intervals
        ],
        worth=[each.worth for each in intervals[: _telling(intervals)]],
    )
    return _COLUMNS.to_json(columns).decode()


def _telling(intervals: Sequence[ExchangeInterval]) -> int:
    """Return how many intervals there are up to the last that says what energy is worth."""
    said = (number for number, each in enumerate(intervals, 1) if each.worth is not None)
    return max(said, default=0)


def _from_document(document: Any) -> ExchangeSchedule:
    """Return a schedule, of a row with an object for each interval too: older replicas' rows."""
    if "intervals" in document:
        return _OBJECTS.from_document(document)
    columns = _COLUMNS.from_document(document)
    rows = zip(
        *(columns.start_us, columns.duration_us),
        *(columns.net_power_w, columns.peak_power_w, columns.averaging_us),
        strict=True,
    )
    worths = chain(columns.worth, repeat(None))
    return ExchangeSchedule(
        site=columns.site,
        intervals=tuple(
            ExchangeInterval(
                span=_span(columns.start + start_us * _MICROSECOND, duration_us),
                net_power_w=net_power_w,
                peak_power_w=peak_power_w,
                averaging=None if averaging_us is None else averaging_us * _MICROSECOND,
                worth=worth,
            )
            for (start_us, duration_us, net_power_w, peak_power_w, averaging_us), worth in zip(
                rows, worths, strict=False
            )
        ),
    )


def _span(start: datetime, duration_us: int) -> TimeRange:
    return TimeRange(start, start + duration_us * _MICROSECOND)
