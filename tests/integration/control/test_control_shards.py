"""Several processes of control on one database: each gateway is looked after by exactly one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from tests.fakes.control_gateway import obey, say_nothing
from tests.fakes.control_metering import ControlMetering, home
from tests.fakes.control_process import BATTERY, HOUR, ControlWorld, eventually, running_control
from tests.fakes.eventually import within
from tests.fakes.manual_clock import ManualClock
from tests.fakes.stopwatch import Stopwatch
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh_kernel.ids import GatewayId

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOMES = 12


class Pair:
    """Two processes of control, `a` and `b`; each home has a gateway of its own."""

    def __init__(self, database_url: str) -> None:
        self.clock = ManualClock(T0)
        resources = [
            each
            for number in range(1, HOMES + 1)
            for each in home(f"home-{number}", GatewayId(f"g{number}"))
        ]
        self.metering = ControlMetering(*resources)
        self._url = database_url
        self._stacks = dict[str, AsyncExitStack]()

    async def start(self, name: str) -> ControlWorld:
        stack = self._stacks[name] = AsyncExitStack()
        return await stack.enter_async_context(
            running_control(self._url, self.clock, self.metering, shard_poll_seconds=0.2)
        )

    async def kill(self, name: str) -> None:
        """End a process without a word to anybody."""
        await self._stacks.pop(name).aclose()

    async def close(self) -> None:
        for name in list(self._stacks):
            await self.kill(name)


@pytest.fixture
async def pair(database_url: str) -> AsyncIterator[Pair]:
    pair = Pair(database_url)
    yield pair
    await pair.close()


async def shared(world: ControlWorld) -> None:
    """Wait until both processes hold shards, and none is free."""

    async def there() -> bool | None:
        rows = await world.rows(
            "SELECT count(*) FROM control.leases WHERE holder IS NOT NULL GROUP BY holder"
        )
        counts = sorted(count for (count,) in rows)
        return True if sum(counts) == HOMES + 1 and len(counts) == 2 else None

    await eventually(there)


async def test_shards_without_a_stream_are_shared_and_taken_over(pair: Pair) -> None:
    first = await pair.start("a")
    second = await pair.start("b")
    await shared(first)
    for number in range(1, HOMES + 1):
        device = f"sites/home-{number}/devices/battery"
        await (first if number % 2 else second).submit(T0 + HOUR, [1.0, 2.0], device=device)
    pair.clock.set(T0 + HOUR)
    await all_made(first, HOMES)
    await pair.kill("b")
    pair.clock.set(T0 + 2 * HOUR)
    await all_made(first, 2 * HOMES)
    commands = await first.commands()
    assert len({(each.device, each.range.start_time.seconds) for each in commands}) == 2 * HOMES


async def all_made(world: ControlWorld, count: int) -> None:
    async def there() -> bool | None:
        return True if len(await world.commands()) >= count else None

    await eventually(there)
    await asyncio.sleep(0.3)
    assert len(await world.commands()) == count, "no command twice"


async def test_a_call_to_any_process_reaches_the_gateway_at_once(pair: Pair) -> None:
    first, second = await pair.start("a"), await pair.start("b")
    async with first.gateway(name="gateways/g1") as gateway:
        waits = list[float]()
        for count in range(1, 6):
            begun = time.monotonic()
            await second.override(100.0 * count, HOUR)
            answered = time.monotonic()
            await gateway.dispatched(count)
            waits.append(time.monotonic() - max(begun, answered))
        assert sorted(waits)[2] < 0.5, waits
        await second.command_in(pb.COMMAND_STATE_VERIFIED)
        issued = (await second.commands())[-1]
        await second.stub.CancelCommand(pb.CancelCommandRequest(name=issued.name))
        (cancel,) = await gateway.cancelled(1)
        assert cancel.command == issued.name


async def test_watchers_see_the_changes_of_all_processes(pair: Pair) -> None:
    first, second = await pair.start("a"), await pair.start("b")
    call = second.stub.WatchCommands(pb.WatchCommandsRequest(parent=BATTERY))
    await call.initial_metadata()
    async with first.gateway(name="gateways/g1"):
        await first.submit(T0, [1000.0])
        state = pb.COMMAND_STATE_PENDING
        async with within(10):
            while state != pb.COMMAND_STATE_VERIFIED:
                state = (await call.read()).command.state
    call.cancel()


async def test_the_newest_stream_wins_whichever_process_it_is_at(pair: Pair) -> None:
    first, second = await pair.start("a"), await pair.start("b")
    async with first.gateway(say_nothing, "gateways/g1") as older:
        await first.submit(T0, [1000.0])
        (sent,) = await older.dispatched(1)
        with Stopwatch() as watch:
            async with second.gateway(obey, "gateways/g1") as newer:
                assert watch.seconds < 5.0
                assert await older.call.code() == grpc.StatusCode.ABORTED
                assert await newer.dispatched(1) == [sent], "the same command: no second write"
                await second.command_in(pb.COMMAND_STATE_VERIFIED)
                pair.clock.set(T0 + 5 * MINUTE)
                await first.submit(T0, [2000.0])
                await newer.dispatched(2)
                assert len(older.dispatches) == 1


async def test_a_gateway_of_a_process_that_died_goes_on_at_another(pair: Pair) -> None:
    first, second = await pair.start("a"), await pair.start("b")
    async with first.gateway(name="gateways/g1") as gateway:
        await second.submit(T0, [1000.0, 2000.0])
        await gateway.dispatched(1)
        await first.command_in(pb.COMMAND_STATE_VERIFIED)
    await pair.kill("a")
    async with second.gateway(name="gateways/g1") as gateway:
        pair.clock.set(T0 + HOUR)
        await gateway.dispatched(1)
        await second.command_in(pb.COMMAND_STATE_VERIFIED)
        assert [each.value for each in await second.commands()] == [1000.0, 2000.0]
