"""Sharing named work: what one process does alone, several do together."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.leases import FakeLeases, LeaseTable
from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.aio.leased_work import LeasedWork
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.aio.tasks import cancel_until_ended

NAMES = frozenset(f"sites/home-{number}" for number in range(10))


class Workers:
    """Says which names are worked on, and that no name is worked on twice."""

    def __init__(self) -> None:
        self.busy: set[str] = set()
        self.started = 0

    async def work(self, lease: Lease) -> None:
        assert lease.name not in self.busy
        self.busy.add(lease.name)
        self.started += 1
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            self.busy.discard(lease.name)


@asynccontextmanager
async def running(work: LeasedWork) -> AsyncIterator[LeasedWork]:
    task = asyncio.create_task(work.run())
    try:
        yield work
    finally:
        await cancel_until_ended(task)


def sharer(table: LeaseTable, workers: Workers) -> tuple[FakeLeases, LeasedWork]:
    leases = FakeLeases(table)
    work = LeasedWork(leases, workers.work, poll_seconds=0.02)
    work.want(NAMES)
    return leases, work


async def test_one_process_does_everything() -> None:
    workers = Workers()
    leases, work = sharer(LeaseTable(), workers)
    async with running(work):
        await eventually(lambda: workers.busy == NAMES)
        assert leases.held.keys() == NAMES
    assert not leases.held


async def test_a_second_process_is_given_its_share() -> None:
    table, workers = LeaseTable(), Workers()
    _, one = sharer(table, workers)
    _, other = sharer(table, workers)
    async with running(one):
        await eventually(lambda: one.running == NAMES)
        async with running(other):
            await eventually(lambda: len(one.running) == len(other.running) == 5)
            await eventually(lambda: workers.busy == NAMES)


async def test_what_a_dead_process_did_is_taken_over() -> None:
    table, workers = LeaseTable(), Workers()
    leases, one = sharer(table, workers)
    _, other = sharer(table, workers)
    async with running(other), running(one):
        await eventually(lambda: len(one.running) == len(other.running) == 5)
        leases.away = True
        leases.lose_all()
        await eventually(lambda: other.running == NAMES)
        assert not one.running


async def test_a_process_that_is_up_but_takes_nothing_leaves_nothing_undone() -> None:
    table, workers = LeaseTable(), Workers()
    _, work = sharer(table, workers)
    await FakeLeases(table).look([])
    async with running(work):
        await eventually(lambda: workers.busy == NAMES)
        started = workers.started
        await asyncio.sleep(0.2)
        assert workers.started == started, "nothing is handed to and fro"


async def test_work_that_is_no_longer_wanted_ends_and_new_work_begins_at_once() -> None:
    workers = Workers()
    leases = FakeLeases()
    work = LeasedWork(leases, workers.work, poll_seconds=60)
    work.want(["a", "b"])
    async with running(work):
        await eventually(lambda: workers.busy == {"a", "b"})
        work.want(["b", "c"])
        await eventually(lambda: workers.busy == {"b", "c"})
        assert leases.held.keys() == {"b", "c"}
        assert workers.started == 3


async def test_a_name_that_is_given_up_while_it_is_claimed_is_free_for_others() -> None:
    """As when a gateway dials in to the process that is just about to share its shard."""
    table, workers = LeaseTable(), Workers()
    work: LeasedWork

    class Interrupted(FakeLeases):
        async def claim(self, names: Collection[str]) -> list[Lease]:
            leases = await super().claim(names)
            work.want(["b"])
            return leases

    leases = Interrupted(table)
    work = LeasedWork(leases, workers.work, poll_seconds=60)
    work.want(["a"])
    async with running(work):
        await eventually(lambda: workers.busy == {"b"})
        assert await FakeLeases(table).try_acquire("a") is not None


async def test_work_that_fails_is_tried_again_after_a_growing_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = 0

    async def fail(lease: Lease) -> None:
        nonlocal tries
        tries += 1
        raise RuntimeError("broken")

    work = LeasedWork(FakeLeases(), fail, poll_seconds=0.02)
    work.want(["a"])
    async with running(work):
        await eventually(lambda: tries == 2)
        await asyncio.sleep(0.5)
    assert tries == 2
    assert len(caplog.records) == 2


async def test_work_is_ended_before_the_loss_of_its_lease_is_raised() -> None:
    leases, workers = FakeLeases(), Workers()
    lease = await leases.try_acquire("a")
    assert lease is not None
    working = asyncio.create_task(lease.run(workers.work(lease)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert workers.busy

    leases.lose_all()

    with pytest.raises(Unavailable) as caught:
        await working
    assert caught.value.reason == "LEASE_LOST"
    assert not workers.busy
