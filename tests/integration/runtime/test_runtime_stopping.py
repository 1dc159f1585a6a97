"""A stop ends in time, whatever hangs: the database, a caller, a loop of the process itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.fakes.eventually import within
from tests.fakes.probe_service import ProbeService, ProbeStub, text
from tests.fakes.running_probe import ProbeProcess, serving, started
from tests.fakes.stoppable_postgres import kill_server, standing_still
from tests.fakes.stopwatch import Stopwatch
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_runtime.testing import channel_for_test, serve_for_test

GRACE = "0.5"
BOUND_SECONDS = 0.2 + 0.5 + 3 + 1
"""Notice, grace, unwinding, and the last second."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of this test alone."""
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        yield server


async def seconds_to_end(probe: ProbeProcess) -> tuple[int, float]:
    """Tell it to stop; return its exit status and how long it took."""
    with Stopwatch() as watch:
        probe.process.terminate()
        async with within(45):
            code = await probe.end()
    return code, watch.seconds


async def test_a_stop_ends_while_the_database_hangs_and_calls_wait_for_it(
    server: EmbeddedPostgres,
) -> None:
    assert server.pid is not None
    async with (
        serving(database_url=server.url(), grace_seconds=GRACE) as probe,
        channel_for_test(probe.target) as channel,
    ):
        stub = ProbeStub(channel)
        await stub.Unary(text("count"))
        with standing_still(server.pid):
            waiting = [asyncio.ensure_future(stub.Unary(text("hold"))) for _ in range(6)]
            await asyncio.sleep(1)
            _, seconds = await seconds_to_end(probe)
            assert seconds < BOUND_SECONDS + 1
            for each in waiting:
                with suppress(grpc.aio.AioRpcError):
                    await each


async def test_a_stop_ends_a_start_that_waits_for_a_database_that_hangs(
    server: EmbeddedPostgres,
) -> None:
    assert server.pid is not None
    with standing_still(server.pid):
        async with started(database_url=server.url(), grace_seconds=GRACE) as probe:
            await probe.wait_for("wiring begins")
            await asyncio.sleep(1)
            code, seconds = await seconds_to_end(probe)
    assert code == 0, probe.log
    assert seconds < BOUND_SECONDS + 1


async def test_a_stop_ends_soundly_while_the_database_is_away(server: EmbeddedPostgres) -> None:
    async with serving(database_url=server.url(), grace_seconds=GRACE) as probe:
        kill_server(server)
        await asyncio.sleep(2)
        code, seconds = await seconds_to_end(probe)
    assert code == 0
    assert seconds < BOUND_SECONDS


async def test_a_caller_that_never_hangs_up_does_not_hold_up_a_stop() -> None:
    async def speak_for_ever() -> AsyncIterator[StringValue]:
        while True:
            yield text("0")
            await asyncio.sleep(0.1)

    async with (
        serving(grace_seconds=GRACE) as probe,
        channel_for_test(probe.target) as channel,
    ):
        stub = ProbeStub(channel)
        endless = [
            asyncio.ensure_future(stub.Collect(speak_for_ever())),
            asyncio.ensure_future(stub.Unary(text("600"), timeout=700)),
        ]
        await asyncio.sleep(0.5)
        code, seconds = await seconds_to_end(probe)
        for each in endless:
            each.cancel()
    assert code == 0
    assert seconds < 3


async def test_no_call_fails_because_one_of_two_servers_stops_as_it_arrives() -> None:
    """gRPC answers CANCELLED to calls that arrived and were not taken up: they are made again."""
    done, stopped = 0, asyncio.Event()

    async def call_on(stub: ProbeStub) -> None:
        nonlocal done
        while not stopped.is_set():
            await stub.Unary(text("on and on"))
            done += 1

    async with AsyncExitStack() as going, serve_for_test(ProbeService().register) as stays:
        goes = await going.enter_async_context(serve_for_test(ProbeService().register))
        async with channel_for_test(f"ipv4:{goes},{stays}") as channel:
            calls = [asyncio.create_task(call_on(ProbeStub(channel))) for _ in range(40)]
            await asyncio.sleep(0.3)
            await going.aclose()
            before = done
            await asyncio.sleep(0.1)
            stopped.set()
            await asyncio.gather(*calls)
    assert done > before > 0


async def test_a_process_that_blocks_itself_is_ended_by_force_and_says_so() -> None:
    async with serving(tenacious="1", grace_seconds=GRACE) as probe:
        code, seconds = await seconds_to_end(probe)
    assert code == 1
    assert seconds < BOUND_SECONDS + 1
    assert "does not stop" in probe.log
