"""What is to be judged, and what was found."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

import numpy as np
from psycopg import AsyncConnection

from wattmesh_metering.adapters.arrays import IntArray, TimeArray, cursor_for_arrays
from wattmesh_metering.adapters.placed_histories import placed_readings
from wattmesh_metering.adapters.postgres_announcements import PostgresAnnouncements
from wattmesh_metering.adapters.receipts import unpack
from wattmesh_metering.app.ports import DeviceCount
from wattmesh_metering.app.validate import ChangedSpan, Surroundings, Validation
from wattmesh_metering.domain.arrivals import Touched
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Ints, from_microseconds, to_microseconds
from wattmesh_metering.domain.recent import RecentReadings, joined, no_readings
from wattmesh_metering.domain.vee.flags import Flag, FlagKind
from wattmesh_metering.domain.vee.judging import NEIGHBOURS, Judgement, RaisedFlag
from wattmesh_runtime.database import Database

_FLAGS_AT_ONCE = 1_000
_LOCK_KEY = int.from_bytes(hashlib.sha256(b"wattmesh/validation").digest()[:8], signed=True)
_WAIT = "SELECT pg_advisory_xact_lock(%s)"
_ALONE = "SELECT pg_try_advisory_xact_lock(%s)"

_TAKE = """
DELETE FROM arrivals WHERE arrival_key IN (
    SELECT arrival_key FROM arrivals ORDER BY arrival_key LIMIT %s)
RETURNING arrival_key, touched
"""
_AROUND = f"""
WITH span AS (
    SELECT * FROM unnest(%s::integer[], %s::integer[], %s::timestamptz[], %s::timestamptz[])
        AS span (place, point_key, first, last)
), rows AS MATERIALIZED (
    SELECT span.place, kept.measure_time, kept.value
    FROM span CROSS JOIN LATERAL (
        (SELECT measure_time, value FROM readings
         WHERE point_key = span.point_key AND measure_time < span.first
         ORDER BY measure_time DESC LIMIT {NEIGHBOURS})
        UNION ALL
        (SELECT measure_time, value FROM readings
         WHERE point_key = span.point_key AND measure_time BETWEEN span.first AND span.last)
        UNION ALL
        (SELECT measure_time, value FROM readings
         WHERE point_key = span.point_key AND measure_time > span.last
         ORDER BY measure_time LIMIT {NEIGHBOURS})
    ) AS kept
)
SELECT place,
    string_agg(timestamptz_send(measure_time), ''), string_agg(float8send(value), '')
FROM rows GROUP BY place ORDER BY place
"""
_REACH = """
WITH reach AS (
    SELECT * FROM unnest(%s::integer[], %s::integer[], %s::timestamptz[], %s::timestamptz[])
        AS reach (place, point_key, first, last)
)
"""
# A gap is the matter of the readings beside it: what changed elsewhere says nothing of it.
_RAISED = """
WITH reach AS (
    SELECT * FROM unnest(%s::integer[], %s::integer[], %s::timestamptz[], %s::timestamptz[],
        %s::timestamptz[], %s::timestamptz[])
        AS reach (place, point_key, first, last, changed_first, changed_last)
)
SELECT place, flag_key, kind, start_time, end_time, excludes, lift, message
FROM reach JOIN reading_flags USING (point_key)
WHERE clear_time IS NULL AND start_time BETWEEN first AND last
  AND (kind <> 'gap' OR start_time <= changed_last AND end_time >= changed_first)
"""
_DECLARED = f"""
{_REACH}
SELECT place, measure_time FROM reach JOIN register_resets USING (point_key)
WHERE measure_time BETWEEN first AND last
UNION
SELECT place, exchange_time FROM reach JOIN meter_exchanges USING (point_key)
WHERE exchange_time BETWEEN first AND last
"""
_RAISE = """
INSERT INTO reading_flags
    (point_key, start_time, end_time, kind, excludes, lift, message, raise_time)
SELECT *, %s FROM unnest(%s::integer[], %s::timestamptz[], %s::timestamptz[], %s::text[],
    %s::boolean[], %s::float8[], %s::text[])
"""
_CLEAR = "UPDATE reading_flags SET clear_time = %s WHERE flag_key = ANY(%s)"
_COUNT = """
INSERT INTO device_counts (source_key, device, stored, telegrams)
SELECT * FROM unnest(%s::integer[], %s::text[], %s::bigint[], %s::bigint[])
ON CONFLICT (source_key, device) DO UPDATE SET
    stored = device_counts.stored + excluded.stored,
    telegrams = device_counts.telegrams + excluded.telegrams
"""


class PostgresValidationStore:
    """Hands out what arrived, to one process at a time.

    Parameters: `recent` holds what this process kept by itself, and saves reading it back, as long
    as by `announcements` nobody else keeps readings.
    """

    def __init__(
        self, database: Database, announcements: PostgresAnnouncements, recent: RecentReadings
    ) -> None:
        self._database = database
        self._announcements = announcements
        self._recent = recent

    @asynccontextmanager
    async def turn(self, most: int) -> AsyncIterator[Validation]:
        """Take what arrived in at most so many commits; nothing while another replica judges."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_ALONE, (_LOCK_KEY,))
            taken: list[tuple[int, bytes]] = []
            if await cursor.fetchone() == (True,):
                cursor = await connection.execute(_TAKE, (most,))
                taken = sorted(await cursor.fetchall())
                if taken and await self._announcements.others(connection):
                    self._recent.clear()
            arrived = [unpack(touched) for _, touched in taken]
            commits = [key for key, _ in taken]
            judging = PostgresValidation(connection, arrived, commits, self._recent)
            try:
                yield judging
            except BaseException:
                self._recent.clear()  # it comes again, to whoever judges then
                raise
        judging.done()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Validation]:
        """Judge what is asked for, once nobody else judges."""
        async with self._database.transaction() as connection:
            await connection.execute(_WAIT, (_LOCK_KEY,))
            yield PostgresValidation(connection)


class PostgresValidation:
    """One turn of judging in its transaction."""

    def __init__(
        self,
        connection: AsyncConnection,
        arrived: Sequence[Touched] = (),
        commits: Sequence[int] = (),
        recent: RecentReadings | None = None,
    ) -> None:
        self._connection = connection
        self._arrived = arrived
        self._commits = commits
        self._recent = recent
        self._seen: tuple[Ints, Ints, Histories] | None = None

    @property
    def arrived(self) -> Sequence[Touched]:
        """What came and is not judged yet."""
        return self._arrived

    async def around(self, spans: Sequence[ChangedSpan]) -> Surroundings:
        """Return what is kept in and next to the spans."""
        firsts_us = np.array([span.first_us for span in spans], np.int64)
        lasts_us = np.array([span.last_us for span in spans], np.int64)
        keys = np.array([span.key for span in spans], np.int64)
        histories = await self._histories(keys, firsts_us, lasts_us)
        self._seen = keys, lasts_us, histories
        found: Ints = np.diff(histories.ends, prepend=0).nonzero()[0]
        if not len(found):
            return Surroundings(histories=histories, raised={})
        begins, ends = _ends(histories, found)
        reach = (
            *(IntArray(found), IntArray(keys[found])),
            *(TimeArray(histories.times_us[begins]), TimeArray(histories.times_us[ends])),
        )
        of_found = TimeArray(firsts_us[found]), TimeArray(lasts_us[found])
        return Surroundings(
            histories=replace(histories, resets_us=await self._declared(reach)),
            raised=await self._raised((*reach, *of_found)),
        )

    def done(self) -> None:
        """Take note that the turn is committed."""
        if self._recent is not None and self._seen is not None:
            self._recent.judged(self._commits, *self._seen)

    async def _histories(self, keys: Ints, firsts_us: Ints, lasts_us: Ints) -> Histories:
        """Return what is kept in and next to spans; only what is not known here is read."""
        if self._recent is None:
            known, remembered = np.zeros(len(keys), np.bool_), no_readings()
        else:
            known, remembered = self._recent.of(self._commits, keys, firsts_us)
        asked: Ints = (~known).nonzero()[0]
        read = no_readings()
        if len(asked):
            cursor = cursor_for_arrays(self._connection)
            spans = TimeArray(firsts_us[asked]), TimeArray(lasts_us[asked])
            await cursor.execute(_AROUND, (IntArray(asked), IntArray(keys[asked]), *spans))
            read = placed_readings(await cursor.fetchall())
        return joined([remembered, read], len(keys))

    async def keep(self, judgements: Sequence[Judgement], now: datetime) -> None:
        """Raise and clear flags."""
        raised = [(each.point_key, flag) for each in judgements for flag in each.raised]
        if cleared := [key for each in judgements for key in each.cleared]:
            await self._connection.execute(_CLEAR, (now, cleared))
        for first in range(0, len(raised), _FLAGS_AT_ONCE):
            await self._raise(raised[first : first + _FLAGS_AT_ONCE], now)

    async def _raise(self, raised: Sequence[tuple[int, Flag]], now: datetime) -> None:
        await self._connection.execute(
            _RAISE,
            (
                now,
                [key for key, _ in raised],
                [from_microseconds(flag.first_us) for _, flag in raised],
                [from_microseconds(flag.last_us) for _, flag in raised],
                [flag.kind.value for _, flag in raised],
                [flag.excludes for _, flag in raised],
                [flag.lift for _, flag in raised],
                [flag.message for _, flag in raised],
            ),
        )

    async def count(self, counts: Sequence[tuple[int, DeviceCount]]) -> None:
        """Add to what is counted of devices."""
        columns_ = (
            [source for source, _ in counts],
            [count.device.name for _, count in counts],
            [count.stored for _, count in counts],
            [count.measure_times for _, count in counts],
        )
        await self._connection.execute(_COUNT, columns_)

    async def _declared(self, reach: Sequence[IntArray | TimeArray]) -> dict[int, Ints]:
        cursor = cursor_for_arrays(self._connection)
        await cursor.execute(_DECLARED, reach)
        times: dict[int, list[int]] = {}
        for place, moment in await cursor.fetchall():
            times.setdefault(place, []).append(to_microseconds(moment))
        return {place: np.array(sorted(found), np.int64) for place, found in times.items()}

    async def _raised(self, reach: Sequence[IntArray | TimeArray]) -> dict[int, list[RaisedFlag]]:
        cursor = cursor_for_arrays(self._connection)
        await cursor.execute(_RAISED, reach)
        raised: dict[int, list[RaisedFlag]] = {}
        for place, key, kind, first, last, excludes, lift, message in await cursor.fetchall():
            flag = Flag(
                kind=FlagKind(kind),
                first_us=to_microseconds(first),
                last_us=to_microseconds(last),
                message=message,
                excludes=excludes,
                lift=lift,
            )
            raised.setdefault(place, []).append(RaisedFlag(key=key, flag=flag))
        return raised


def _ends(histories: Histories, places: Ints) -> tuple[Ints, Ints]:
    """Return the rows of the first and the last reading of places that have readings."""
    ends = histories.ends[places]
    firsts: Ints = np.where(places > 0, histories.ends[places - 1], 0)
    return firsts, ends - 1
