"""Leases on a real PostgreSQL."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import psycopg
import pytest

from tests.fakes.database_line import DatabaseLine
from tests.fakes.eventually import eventually, within
from tests.fakes.stopwatch import Stopwatch
from wattmesh_kernel.errors import Aborted, Unavailable
from wattmesh_runtime.aio.leased_work import LeasedWork
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.aio.tasks import cancel_until_ended
from wattmesh_runtime.database import Database
from wattmesh_runtime.lease_epochs import check_epoch
from wattmesh_runtime.postgres_leases import PostgresLeases

NAMES = [f"sites/home-{number}" for number in range(1000)]

_HOLDER = """
import asyncio, sys
from wattmesh_runtime.postgres_leases import PostgresLeases

async def main() -> None:
    async with PostgresLeases(sys.argv[1], "planner") as leases:
        held = await leases.claim(sys.argv[2:])
        print(len(held), flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def lease_connections(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE '%-leases'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def advisory_locks(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
    assert row is not None
    return int(row[0])


def end_connections(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE '%-leases'"
        )


async def test_a_thousand_leases_cost_one_connection_and_one_lock(database_url: str) -> None:
    async with PostgresLeases(database_url, "planner") as leases:
        held = await leases.claim(NAMES)

        assert {lease.name for lease in held} == set(leases.held) == set(NAMES)
        assert lease_connections(database_url) == 1
        assert advisory_locks(database_url) == 1


async def test_forty_thousand_leases_do_not_fill_the_lock_table(database_url: str) -> None:
    names = [f"gateways/{number}" for number in range(40_000)]
    async with PostgresLeases(database_url, "control") as leases:
        assert len(await leases.claim(names)) == len(names)
        await leases.held[names[-1]].confirm()


async def test_a_name_is_never_held_twice(database_url: str) -> None:
    async with (
        PostgresLeases(database_url, "planner") as one,
        PostgresLeases(database_url, "planner") as other,
    ):
        claims = [leases.claim(NAMES[:50]) for _ in range(5) for leases in (one, other)]
        taken = [lease.name for leases in await asyncio.gather(*claims) for lease in leases]

        assert sorted(taken) == sorted(NAMES[:50])
        assert not one.held.keys() & other.held.keys()


async def test_namespaces_do_not_share_names(database_url: str) -> None:
    async with (
        PostgresLeases(database_url, "planner") as planner,
        PostgresLeases(database_url, "control") as control,
    ):
        assert await planner.try_acquire("a") is not None
        assert await control.try_acquire("a") is not None


async def test_a_released_lease_can_be_had_by_another_with_a_later_epoch(
    database_url: str,
) -> None:
    async with (
        PostgresLeases(database_url, "planner") as one,
        PostgresLeases(database_url, "planner") as other,
    ):
        first = await one.try_acquire("a")
        assert first is not None
        assert await one.try_acquire("a") is None
        assert await other.try_acquire("a") is None

        await first.release()
        await first.release()
        second = await other.try_acquire("a")

        assert second is not None
        assert second.epoch > first.epoch
        with pytest.raises(Unavailable):
            await first.confirm()


async def test_a_killed_process_loses_its_leases_at_once(database_url: str) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLDER, database_url, "a", "b", stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"2\n"
    async with PostgresLeases(database_url, "planner") as leases:
        assert await leases.claim(["a", "b"]) == []
        holder.send_signal(signal.SIGKILL)
        await holder.wait()
        with Stopwatch() as watch:
            await eventually(lambda: _has(leases, ["a", "b"]))

        assert watch.seconds < 2


async def _has(leases: PostgresLeases, names: list[str]) -> bool:
    with suppress(Unavailable):  # it may be dialling
        await leases.claim(names)
    return leases.held.keys() >= set(names)


async def test_an_ended_connection_loses_all_leases_and_their_owners_are_told(
    database_url: str,
) -> None:
    async with PostgresLeases(database_url, "planner", heartbeat_seconds=0.1) as leases:
        held = await leases.claim(NAMES[:100])
        working = asyncio.create_task(held[0].run(asyncio.sleep(60)))

        end_connections(database_url)

        with pytest.raises(Unavailable) as caught:
            await held[1].confirm()
        assert caught.value.reason == "LEASE_LOST"
        assert all(lease.lost.is_set() for lease in held)
        assert not leases.held
        with pytest.raises(Unavailable) as caught:
            await working
        assert caught.value.reason == "LEASE_LOST"


async def test_a_heartbeat_tells_who_does_not_ask(database_url: str) -> None:
    async with PostgresLeases(database_url, "planner", heartbeat_seconds=0.1) as leases:
        lease = await leases.try_acquire("a")
        assert lease is not None
        end_connections(database_url)

        async with within(2):
            await lease.lost.wait()
            await eventually(lambda: _has(leases, ["a"]))

        assert leases.held["a"].epoch > lease.epoch


async def test_a_paused_holders_late_write_is_refused(database_url: str) -> None:
    async with (
        PostgresLeases(database_url, "planner", heartbeat_seconds=60) as paused,
        Database(database_url, "planner") as database,
    ):
        outdated = await paused.try_acquire("a")
        assert outdated is not None
        async with database.transaction() as connection:
            await check_epoch(connection, outdated)
        end_connections(database_url)
        async with PostgresLeases(database_url, "planner") as successor:
            await eventually(lambda: _has(successor, ["a"]))
            assert not outdated.lost.is_set(), "nobody has told it yet"

            with pytest.raises(Aborted) as caught:
                async with database.transaction() as connection:
                    await check_epoch(connection, outdated)
        assert caught.value.reason == "LEASE_TAKEN_OVER"


async def test_a_lease_does_not_change_hands_under_a_fenced_transaction(
    database_url: str,
) -> None:
    async with (
        PostgresLeases(database_url, "planner", heartbeat_seconds=0.1) as one,
        PostgresLeases(database_url, "planner") as other,
        Database(database_url, "planner") as database,
    ):
        lease = await one.try_acquire("a")
        assert lease is not None
        async with database.transaction() as connection:
            await check_epoch(connection, lease)
            await lease.release()
            assert await other.try_acquire("a") is None

        await eventually(lambda: _has(other, ["a"]))


async def test_a_claim_that_was_broken_off_leaves_nothing_taken(database_url: str) -> None:
    async with (
        PostgresLeases(database_url, "planner", heartbeat_seconds=0.1) as one,
        PostgresLeases(database_url, "planner") as other,
    ):
        for _ in range(20):
            claim = asyncio.create_task(one.claim(NAMES[:200]))
            await asyncio.sleep(0.002)
            claim.cancel()
            await asyncio.wait({claim})
        await one.give_back(list(one.held.values()))

        await eventually(lambda: _has(other, NAMES[:200]))


async def test_a_database_that_is_away_is_one_line_and_growing_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dials = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dials
        dials += 1
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"postgresql://nobody@127.0.0.1:{port}/none?sslmode=disable&gssencmode=disable"
    with caplog.at_level(logging.INFO):
        async with server, PostgresLeases(url, "planner") as leases:
            work = LeasedWork(leases, never_called, poll_seconds=0.05)
            work.want(NAMES[:40])
            running = asyncio.create_task(work.run())
            await asyncio.sleep(3)
            with pytest.raises(Unavailable):
                await leases.try_acquire("a")
            running.cancel()
            await asyncio.wait({running})

    assert dials <= 5
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def never_called(lease: Lease) -> None:
    raise AssertionError(lease)


async def hold(lease: Lease) -> None:
    await asyncio.sleep(60)


@asynccontextmanager
async def running(work: LeasedWork) -> AsyncIterator[LeasedWork]:
    task = asyncio.create_task(work.run())
    try:
        yield work
    finally:
        await cancel_until_ended(task)


def sharer(leases: PostgresLeases, names: Iterable[str]) -> LeasedWork:
    work = LeasedWork(leases, hold, poll_seconds=0.1)
    work.want(names)
    return work


async def test_a_standby_dials_once_and_asks_once_for_all_names(database_url: str) -> None:
    async with (
        DatabaseLine(database_url).open() as line,
        PostgresLeases(database_url, "planner") as holder,
        PostgresLeases(line.url, "planner", heartbeat_seconds=60) as standby,
    ):
        await holder.claim(NAMES[:40])
        work = LeasedWork(standby, never_called, poll_seconds=0.2)
        work.want(NAMES[:40])
        async with running(work):
            await asyncio.sleep(0.5)
            before = line.requests
            await asyncio.sleep(2)

            assert 5 <= line.requests - before <= 11
            assert line.dials == 1


async def test_a_line_that_goes_dead_loses_the_leases_without_a_word(
    database_url: str,
) -> None:
    async with (
        DatabaseLine(database_url).open() as line,
        PostgresLeases(line.url, "planner", heartbeat_seconds=0.1, answer_seconds=0.5) as leases,
    ):
        lease = await leases.try_acquire("a")
        assert lease is not None
        line.go_dead()

        async with within(2):
            await lease.lost.wait()


async def test_two_share_the_work_and_one_takes_over_all_of_it(database_url: str) -> None:
    names = NAMES[:40]
    async with (
        PostgresLeases(database_url, "planner", heartbeat_seconds=0.1) as one,
        running(sharer(one, names)) as first,
    ):
        await eventually(lambda: first.running == set(names))
        async with (
            PostgresLeases(database_url, "planner", heartbeat_seconds=0.1) as other,
            running(sharer(other, names)) as second,
        ):
            await eventually(lambda: len(second.running) == len(first.running) == 20)
            assert not first.running & second.running
        await eventually(lambda: first.running == set(names))
