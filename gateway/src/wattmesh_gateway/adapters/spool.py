"""The spool: readings on disk until metering has them, and what was counted on the way."""

import asyncio
import logging
import math
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from wattmesh_gateway.adapters import quarantine, spool_rows
from wattmesh_gateway.adapters.spool_database import SpoolDatabase, SpoolFull
from wattmesh_gateway.domain.intake import Intake, Origin
from wattmesh_gateway.domain.reading import Batch, Reading, SpoolStatus
from wattmesh_gateway.domain.reading_columns import ReadingColumns
from wattmesh_gateway.domain.telegram import refused_reading
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.quantities import Quality
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.tasks import cancel_until_ended

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST_GROUP = 5_000
_REST_RATIO = 3.0
_LONGEST_REST_SECONDS = 0.05
"""After a commit the file is left to others for so much longer than it took: what comes meanwhile
is committed together, and a command does not wait behind devices that talk without a pause."""
_FULL_DISK_SECONDS = 1.0
"""How often a full disk is tried, unless metering took something before."""
_ACKS_PER_PRUNE = 200


_COUNTED = {Origin.TELEGRAM: "readings_received", Origin.POLL: "readings_polled"}


@dataclass(frozen=True, slots=True)
class _Waiting:
    intake: Intake
    stored: "asyncio.Future[None]"


class SqliteSpool:
    """An async context manager. Intakes that wait together are committed together.

    `limit` is the most readings it holds: `append` waits while it is full, so that an MQTT
    telegram stays unacknowledged with the broker rather than getting lost here. So it does while
    the disk is full; what metering acknowledges makes room again.
    """

    def __init__(self, database: SpoolDatabase, limit: int) -> None:
        self._database = database
        self._limit = limit
        self._waiting: deque[_Waiting] = deque()
        self._wanted = asyncio.Event()
        self._changed = asyncio.Condition()
        self._held = 0
        self._newest = 0
        self._acks = 0
        self._point_ids: dict[PointId, int] = {}
        self._points: dict[int, PointId] = {}
        self._writer: asyncio.Task[None] | None = None
        self._full = LossLog(log, "room on the spool's disk")

    async def __aenter__(self) -> Self:
        self._held, self._newest = await self._database.run(spool_rows.contents)
        self._writer = asyncio.create_task(self._write_all())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            await cancel_until_ended(self._writer)
        for each in self._waiting:
            each.stored.cancel()

    async def append(self, intake: Intake) -> None:
        """Put an intake on disk; return when it is there. Waits while the spool is full."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(intake, stored))
        self._wanted.set()
        await stored

    async def next_batch(self, after: int, limit: int) -> Batch:
        """Return up to `limit` readings with a sequence above `after`; wait for the first."""
        rows: list[spool_rows.Row] = []
        while not rows:
            async with self._changed:
                await self._changed.wait_for(lambda: self._held > 0 and self._newest > after)
            rows = await self._database.run(lambda db: spool_rows.rows_after(db, after, limit))
        return Batch(sequence=rows[-1][0], readings=await self._readings(rows))

    async def acknowledge(self, sequence: int) -> None:
        """Delete every reading up to a sequence: metering has them."""
        self._acks += 1
        prune = self._acks % _ACKS_PER_PRUNE == 0
        removed = await self._database.run(
            lambda db: spool_rows.remove(db, sequence, prune), frees=True
        )
        async with self._changed:
            self._held -= removed
            self._changed.notify_all()

    async def set_aside(self, batch: Batch, reason: str) -> None:
        """Put a batch that metering will never take into the quarantine, reading by reading."""
        removed = await self._database.run(lambda db: _set_aside(db, batch, reason))
        async with self._changed:
            self._held -= removed
            self._changed.notify_all()

    async def status(self) -> SpoolStatus:
        """Return counts and contents."""
        return await self._database.run(_status)

    async def _write_all(self) -> None:
        while True:
            await self._wanted.wait()
            async with self._changed:
                await self._changed.wait_for(lambda: self._held < self._limit)
            began = asyncio.get_running_loop().time()
            await self._write_when_room(self._take())
            spent = asyncio.get_running_loop().time() - began
            await asyncio.sleep(min(_REST_RATIO * spent, _LONGEST_REST_SECONDS))

    def _take(self) -> Sequence[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        while self._waiting and size < _LARGEST_GROUP:
            group.append(self._waiting.popleft())
            size += len(group[-1].intake.readings)
        if not self._waiting:
            self._wanted.clear()
        return group

    async def _write_when_room(self, group: Sequence[_Waiting]) -> None:
        """Write; on a full disk wait and try again: what comes waits with whoever has sent it."""
        while True:
            try:
                await self._write(group)
            except SpoolFull as error:
                self._full.lost(error)
                await self._until_room()
            else:
                self._full.back()
                return

    async def _until_room(self) -> None:
        held = self._held
        try:
            async with asyncio.timeout(_FULL_DISK_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._held < held)
        except TimeoutError:
            pass  # others may have made room

    async def _write(self, group: Sequence[_Waiting]) -> None:
        intakes = [each.intake for each in group]
        try:
            added, newest = await self._database.run(lambda db: self._insert(db, intakes))
        except SpoolFull:
            self._point_ids.clear()
            raise
        except Exception as error:  # whoever waits is told, and the next group may fare better
            self._point_ids.clear()
            _resolve(group, error)
            return
        async with self._changed:
            self._held += added
            self._newest = max(self._newest, newest)
            self._changed.notify_all()
        _resolve(group, None)

    def _insert(self, db: sqlite3.Connection, intakes: Iterable[Intake]) -> tuple[int, int]:
        """Store what is new; return how many readings that was and the newest sequence."""
        total = 0
        for intake in intakes:
            added = spool_rows.insert(db, self._rows(db, intake.readings))
            total += added
            spool_rows.count(db, "telegrams_received", intake.telegrams)
            spool_rows.count(db, "readings_rejected", intake.rejected)
            spool_rows.count(db, _COUNTED[intake.origin], added)
            quarantine.discard(db, intake.replayed)
            spool_rows.count(db, "telegrams_quarantined", quarantine.keep(db, intake.quarantined))
        return total, spool_rows.newest_sequence(db) if total else 0

    def _rows(
        self, db: sqlite3.Connection, readings: Sequence[Reading]
    ) -> Sequence[spool_rows.NewRow]:
        if isinstance(readings, ReadingColumns):
            ids = [self._point_id(db, point) for point in readings.points]
            places = map(ids.__getitem__, readings.places)
            measured = [Quality.MEASURED.value] * len(readings)
            return list(zip(places, readings.times_us, readings.values, measured, strict=True))
        return [
            (
                self._point_id(db, each.point),
                (each.measure_time - _EPOCH) // _MICROSECOND,
                each.value,
                each.quality.value,
            )
            for each in readings
        ]

    def _point_id(self, db: sqlite3.Connection, point: PointId) -> int:
        known = self._point_ids.get(point)
        if known is None:
            db.execute("INSERT OR IGNORE INTO points (name) VALUES (?)", (point.name,))
            row = db.execute("SELECT id FROM points WHERE name = ?", (point.name,)).fetchone()
            known = self._point_ids[point] = int(row[0])
        return known

    async def _readings(self, rows: Sequence[spool_rows.Row]) -> Sequence[Reading]:
        """Return the readings of rows, in columns if all are sound, as nearly all are."""
        _, ids, times_us, values, qualities = zip(*rows, strict=True)
        distinct = list(dict.fromkeys(ids))
        if not self._points.keys() >= set(distinct):
            await self._read_points()
        points = [self._points[each] for each in distinct if each in self._points]
        sound = len(points) == len(distinct) and set(qualities) == {Quality.MEASURED.value}
        if not (sound and all(map(math.isfinite, values))):
            readings = [await self._reading(row) for row in rows]
            return [each for each in readings if each is not None]
        place = {each: number for number, each in enumerate(distinct)}
        places = [place[each] for each in ids]
        return ReadingColumns(points=points, places=places, times_us=times_us, values=values)

    async def _reading(self, row: spool_rows.Row) -> Reading | None:
        """Return a reading; None, logged, for what an older gateway or a fault of the disk left."""
        try:
            return await self._sound_reading(row)
        except (ValueError, KeyError, WattmeshError) as error:
            log.error("reading %d of the spool is passed over: %r", row[0], error)
            return None

    async def _sound_reading(self, row: spool_rows.Row) -> Reading:
        _, point_id, time_us, value, quality = row
        return Reading(
            point=self._points[point_id],
            measure_time=_EPOCH + time_us * _MICROSECOND,
            value=value,
            quality=Quality(quality),
        )

    async def _read_points(self) -> None:
        names = await self._database.run(
            lambda db: db.execute("SELECT id, name FROM points").fetchall()
        )
        self._points = dict(_parsed(names))


def _parsed(names: Iterable[tuple[int, str]]) -> Iterator[tuple[int, PointId]]:
    for id_, name in names:
        with suppress(WattmeshError):  # what is read of it is passed over, and said
            yield id_, PointId.parse(name)


def _resolve(group: Sequence[_Waiting], error: Exception | None) -> None:
    for each in group:
        if each.stored.done():  # whoever waited was cancelled
            continue
        if error is None:
            each.stored.set_result(None)
        else:
            each.stored.set_exception(error)


def _set_aside(db: sqlite3.Connection, batch: Batch, reason: str) -> int:
    kept = [refused_reading(reading, reason) for reading in batch.readings]
    spool_rows.count(db, "telegrams_quarantined", quarantine.keep(db, kept))
    removed = db.execute("DELETE FROM readings WHERE sequence <= ?", (batch.sequence,)).rowcount
    spool_rows.count(db, "readings_rejected", removed)
    return removed


def _status(db: sqlite3.Connection) -> SpoolStatus:
    names = {each.name for each in fields(SpoolStatus)}
    rows = db.execute("SELECT name, value FROM counters").fetchall()
    counters = {name: int(value) for name, value in rows if name in names}
    (held,) = db.execute("SELECT COUNT(*) FROM readings").fetchone()
    oldest = db.execute("SELECT measure_time_us FROM readings ORDER BY sequence LIMIT 1").fetchone()
    (set_aside,) = db.execute("SELECT COUNT(*) FROM quarantine").fetchone()
    return SpoolStatus(
        **counters,
        telegrams_in_quarantine=set_aside,
        readings_spooled=held,
        oldest_spooled_time=None if oldest is None else _EPOCH + oldest[0] * _MICROSECOND,
    )
