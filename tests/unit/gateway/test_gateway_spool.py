"""The spool keeps every reading once until metering has it, and counts exactly."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wattmesh_gateway.adapters.metering import batch_to_proto
from wattmesh_gateway.adapters.spool import SqliteSpool
from wattmesh_gateway.adapters.spool_database import SpoolDatabase, SpoolFull, SpoolInUse
from wattmesh_gateway.domain.intake import Intake, Origin
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.reading_columns import ReadingColumns, joined
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.quantities import Quality

START = datetime(2016, 9, 5, tzinfo=UTC)
POINT = PointId.parse("sites/home-1/devices/meter/points/active_power_w")


def readings(first: int, count: int) -> Sequence[Reading]:
    return [
        Reading(point=POINT, measure_time=START + timedelta(minutes=15 * index), value=float(index))
        for index in range(first, first + count)
    ]


def telegram(first: int, count: int = 1, *, rejected: int = 0) -> Intake:
    return Intake(
        origin=Origin.TELEGRAM, readings=readings(first, count), telegrams=1, rejected=rejected
    )


@asynccontextmanager
async def open_spool(path: Path, limit: int = 1000) -> AsyncIterator[SqliteSpool]:
    async with SpoolDatabase(path) as database, SqliteSpool(database, limit) as spool:
        yield spool


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "spool.sqlite"


async def test_a_batch_holds_readings_as_they_were(path: Path) -> None:
    estimated = Reading(point=POINT, measure_time=START, value=-0.1, quality=Quality.ESTIMATED)
    async with open_spool(path) as spool:
        await spool.append(Intake(origin=Origin.POLL, readings=[estimated]))
        batch = await spool.next_batch(0, 10)
    assert batch.readings == [estimated]


def columns(first: int, count: int) -> ReadingColumns:
    """The same readings as `readings` has, of two points in turns."""
    other = PointId.parse("sites/home-1/devices/meter/points/voltage_v")
    rows = readings(first, count)
    return ReadingColumns(
        points=[POINT, other],
        places=[index % 2 for index in range(count)],
        times_us=[int(each.measure_time.timestamp()) * 1_000_000 for each in rows],
        values=[each.value for each in rows],
    )


async def test_columns_of_readings_are_kept_once_and_go_on_as_they_came(path: Path) -> None:
    """Half of the second telegram was in the first; the third has one thing twice."""
    async with open_spool(path) as spool:
        await spool.append(Intake(origin=Origin.TELEGRAM, readings=columns(0, 10)))
        await spool.append(Intake(origin=Origin.TELEGRAM, readings=columns(4, 10)))
        twice = joined([columns(14, 2), readings(14, 1)])
        await spool.append(Intake(origin=Origin.TELEGRAM, readings=twice))
        batch = await spool.next_batch(0, 100)
        status = await spool.status()
    wanted = [*columns(0, 10), *columns(4, 10)[6:], *columns(14, 2)]
    assert list(batch.readings) == wanted
    assert (status.readings_received, status.readings_spooled) == (16, 16)
    message = batch_to_proto(batch)
    assert [message.points[place] for place in message.point_indices] == [
        each.point.name for each in wanted
    ]
    assert list(message.values) == [each.value for each in wanted]


async def test_batches_follow_with_growing_sequences(path: Path) -> None:
    async with open_spool(path) as spool:
        await spool.append(telegram(0, 5))
        first = await spool.next_batch(0, 3)
        second = await spool.next_batch(first.sequence, 3)
    assert [each.value for each in first.readings] == [0.0, 1.0, 2.0]
    assert [each.value for each in second.readings] == [3.0, 4.0]
    assert second.sequence > first.sequence > 0


async def test_what_is_not_acknowledged_is_there_after_a_restart(path: Path) -> None:
    async with open_spool(path) as spool:
        await spool.append(telegram(0, 4))
        batch = await spool.next_batch(0, 2)
        await spool.acknowledge(batch.sequence)
    async with open_spool(path) as spool:
        left = await spool.next_batch(0, 10)
    assert [each.value for each in left.readings] == [2.0, 3.0]


async def test_a_sequence_is_never_used_twice_even_when_the_spool_was_empty(path: Path) -> None:
    async with open_spool(path) as spool:
        await spool.append(telegram(0))
        before = (await spool.next_batch(0, 10)).sequence
        await spool.acknowledge(before)
    async with open_spool(path) as spool:
        await spool.append(telegram(1))
        assert (await spool.next_batch(0, 10)).sequence > before


async def test_waiting_for_a_batch_ends_when_there_is_one(path: Path) -> None:
    async with open_spool(path) as spool:
        waiting = asyncio.create_task(spool.next_batch(0, 10))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await spool.append(telegram(0))
        assert len((await waiting).readings) == 1


async def test_a_repeated_reading_is_kept_and_counted_once(path: Path) -> None:
    async with open_spool(path) as spool:
        await spool.append(telegram(0, 3))
        await spool.append(telegram(0, 3))
        status = await spool.status()
        assert (status.telegrams_received, status.readings_received) == (2, 3)
        assert status.readings_spooled == 3


async def test_a_reading_repeated_after_it_was_forwarded_stays_away(path: Path) -> None:
    async with open_spool(path) as spool:
        await spool.append(telegram(0, 3))
        await spool.acknowledge((await spool.next_batch(0, 10)).sequence)
    async with open_spool(path) as spool:
        await spool.append(telegram(0, 3))
        status = await spool.status()
    assert (status.readings_received, status.readings_forwarded) == (3, 3)
    assert status.readings_spooled == 0


async def test_every_way_in_is_counted_apart(path: Path) -> None:
    async with open_spool(path) as spool:
        await spool.append(telegram(0, 2, rejected=4))
        await spool.append(Intake(origin=Origin.POLL, readings=readings(10, 3)))
        status = await spool.status()
    assert status.readings_received == 2
    assert status.readings_polled == 3
    assert status.readings_rejected == 4
    assert status.oldest_spooled_time == START


async def test_a_full_spool_makes_the_giver_wait_and_drops_nothing(path: Path) -> None:
    async with open_spool(path, limit=3) as spool:
        await spool.append(telegram(0, 3))
        late = asyncio.create_task(spool.append(telegram(3, 2)))
        await asyncio.sleep(0.05)
        assert not late.done()
        await spool.acknowledge((await spool.next_batch(0, 1)).sequence)
        await late
        batch = await spool.next_batch(0, 10)
    assert [each.value for each in batch.readings] == [1.0, 2.0, 3.0, 4.0]


async def test_a_full_disk_makes_the_giver_wait_and_heals_once_metering_is_back(path: Path) -> None:
    async with (
        SpoolDatabase(path, reserve_bytes=1 << 16) as database,
        SqliteSpool(database, 100_000) as spool,
    ):
        await spool.append(telegram(0, 2_000))
        await database.run(_allow_no_more_pages)
        late = asyncio.create_task(spool.append(telegram(2_000, 600)))
        with pytest.raises(SpoolFull):
            await database.run(lambda db: db.execute(_FILL).rowcount)
        await asyncio.sleep(0.05)
        assert not late.done()
        taken = 0
        while taken < 2_000:
            batch = await spool.next_batch(taken, 500)
            taken = batch.sequence
            await spool.acknowledge(taken)
        await late
        status = await spool.status()
    assert (status.readings_received, status.readings_forwarded) == (2_600, 2_000)


async def test_what_makes_room_has_the_reserve_and_sets_it_up_again(path: Path) -> None:
    reserve = path.with_name(f"{path.name}-reserve")
    seen: list[bool] = []

    def work(db: sqlite3.Connection) -> None:
        seen.append(reserve.exists())
        if reserve.exists():
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise full

    async with SpoolDatabase(path, reserve_bytes=1 << 16) as database:
        assert reserve.stat().st_size == 1 << 16
        await database.run(work, frees=True)
        assert seen == [True, False]
        assert reserve.stat().st_size == 1 << 16


_FILL = "INSERT INTO counters VALUES (hex(randomblob(400000)), 1)"


def _allow_no_more_pages(db: sqlite3.Connection) -> None:
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")


async def test_givers_that_wait_together_are_committed_together(path: Path) -> None:
    async with open_spool(path) as spool:
        await asyncio.gather(*(spool.append(telegram(index)) for index in range(200)))
        assert (await spool.status()).readings_spooled == 200


async def test_a_giver_that_was_cancelled_does_not_stop_the_others(path: Path) -> None:
    async with open_spool(path) as spool:
        one = asyncio.create_task(spool.append(telegram(0)))
        two = asyncio.create_task(spool.append(telegram(1)))
        await asyncio.sleep(0)
        one.cancel()
        await two
        await spool.append(telegram(2))
        assert (await spool.status()).readings_spooled == 3


async def test_old_keys_are_forgotten_but_not_those_that_wait(path: Path) -> None:
    async with SpoolDatabase(path) as database, SqliteSpool(database, 10_000) as spool:
        await spool.append(telegram(0, 300))  # three days
        for sequence in range(1, 201):
            await spool.acknowledge(sequence)
        kept = await database.run(lambda db: db.execute("SELECT COUNT(*) FROM seen").fetchone()[0])
        # 100 wait; the newest day of 96 intervals lies inside of them.
        assert kept == 100


async def test_a_second_gateway_on_the_same_spool_fails_at_once(path: Path) -> None:
    async with SpoolDatabase(path):
        with pytest.raises(SpoolInUse, match=r"spool\.sqlite is in use"):
            await SpoolDatabase(path).__aenter__()


async def test_a_row_that_cannot_be_read_holds_up_neither_the_start_nor_the_others(
    path: Path,
) -> None:
    async with open_spool(path) as spool:
        await spool.append(telegram(0, 3))
    async with SpoolDatabase(path) as database:
        await database.run(
            lambda db: [
                db.execute("UPDATE readings SET value = 9e999 WHERE sequence = 1"),
                db.execute("UPDATE readings SET quality = 'splendid' WHERE sequence = 2"),
                db.execute("INSERT INTO counters VALUES ('of_a_later_version', 7)"),
            ]
        )
    async with open_spool(path) as spool:
        batch = await spool.next_batch(0, 10)
        assert [each.value for each in batch.readings] == [2.0]
        await spool.acknowledge(batch.sequence)
        assert (await spool.status()).readings_spooled == 0
