"""Solves end with their callers and their limits, and hold nobody up."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from tests.bench.optimizer.blockade import year_long_request
from tests.bench.optimizer.wire import home_proto
from tests.fakes.eventually import eventually, within
from tests.fakes.stopwatch import Stopwatch
from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc, plan_pb2
from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.errors import ResourceExhausted
from wattmesh_optimizer.settings import OptimizerSettings
from wattmesh_optimizer.wiring import wire
from wattmesh_runtime.errors import error_from_rpc
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import serve_for_test

if TYPE_CHECKING:  # the asynchronous stub exists for the type checker only
    from wattmesh.optimizer.v1.optimizer_pb2_grpc import OptimizerServiceAsyncStub as Stub

GOOD = optimizer_pb2.SolveRequest(problem=home_proto())


@asynccontextmanager
async def served(settings: OptimizerSettings) -> AsyncIterator[str]:
    runtime = Runtime(settings, SystemClock(), Telemetry("optimizer-test"))
    async with wire(settings, runtime) as service, serve_for_test(*service.register) as target:
        yield target


@asynccontextmanager
async def caller(target: str) -> AsyncIterator["Stub"]:
    """A caller of its own: with a connection that it shares with no other."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        yield optimizer_pb2_grpc.OptimizerServiceStub(channel)


def hard_request() -> optimizer_pb2.SolveRequest:
    """A small one that takes long."""
    request = year_long_request()
    del request.problem.sites[0].assets[28:]
    assert request.ByteSize() < 100_000
    return request


def workers() -> list[int]:
    """The living workers of this process's optimizer: its forker's children."""
    living = {int(entry.name): entry for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    forkers = {pid for pid in living if _parent(pid) == os.getpid() and _forks(pid)}
    return [pid for pid in living if _parent(pid) in forkers]


def _parent(pid: int) -> int | None:
    """Return a living process's parent."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state in "ZX" else int(parent)


def _forks(pid: int) -> bool:
    try:
        return b"wattmesh_optimizer.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.parametrize("request_of", [year_long_request, hard_request])
async def test_ten_year_long_solves_hold_nobody_up(request_of: object) -> None:
    assert callable(request_of)
    request = request_of()
    async with served(OptimizerSettings()) as target, caller(target) as good:
        async with asyncio.TaskGroup() as group:

            async def abuse() -> None:
                async with caller(target) as stub:
                    await stub.Solve(request)

            abusers = [group.create_task(abuse()) for _ in range(10)]
            await asyncio.sleep(1)
            async with within(20):
                for _ in range(5):
                    await good.Solve(GOOD)
            assert not all(task.done() for task in abusers)
            for task in abusers:
                task.cancel()
        await eventually(lambda: len(workers()) <= 2 + 2)


async def test_no_more_workers_come_than_there_are_places_for() -> None:
    """Several that become long at once are each replaced, and not by two."""
    settings = OptimizerSettings(solve_processes=4, solve_long_processes=1)
    async with served(settings) as target, caller(target) as stub:
        calls = [asyncio.ensure_future(stub.Solve(hard_request())) for _ in range(4)]
        await eventually(lambda: len(workers()) >= 8, 30)
        await asyncio.sleep(0.5)  # in which further ones would come
        assert len(workers()) == 8
        for call in calls:
            call.cancel()
        await eventually(lambda: len(workers()) <= 5)


async def test_a_solve_ends_with_its_caller() -> None:
    settings = OptimizerSettings(solve_processes=1, solve_long_processes=1)
    async with served(settings) as target, caller(target) as stub:
        (idle,) = workers()
        call = stub.Solve(hard_request())
        await asyncio.sleep(0.5)
        call.cancel()
        await eventually(lambda: idle not in workers())
        await stub.Solve(GOOD)


CUT_OFF = {plan_pb2.SOLVE_STATUS_TIME_LIMIT, plan_pb2.SOLVE_STATUS_FALLBACK}
"""A busy machine may leave no time for a better plan than that of the rules."""


async def test_no_solve_outlives_the_longest_time() -> None:
    settings = OptimizerSettings(solve_longest_seconds=1)
    async with served(settings) as target, caller(target) as stub:
        with Stopwatch() as watch:
            plan = (await stub.Solve(hard_request())).plan
        assert watch.seconds < 30
        assert plan.solver.status in CUT_OFF


async def test_a_caller_that_asks_for_too_much_is_told_when_to_come_back() -> None:
    settings = OptimizerSettings(solve_long_processes=1)
    async with served(settings) as target, caller(target) as stub:
        calls = [asyncio.ensure_future(stub.Solve(year_long_request())) for _ in range(12)]
        done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        for call in waiting:
            call.cancel()
        error = next(iter(done)).exception()
        assert isinstance(error, grpc.aio.AioRpcError)
        told = error_from_rpc(error)
        assert isinstance(told, ResourceExhausted)
        assert (told.reason, told.retry_after) == ("TOO_BUSY", timedelta(seconds=2))


async def test_a_worker_that_dies_costs_its_job_alone() -> None:
    settings = OptimizerSettings(solve_processes=1)
    async with served(settings) as target, caller(target) as stub:
        (worker,) = workers()
        call = asyncio.ensure_future(stub.Solve(hard_request()))
        await asyncio.sleep(0.2)
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await stub.Solve(GOOD)


async def test_a_problem_that_takes_too_much_memory_is_refused() -> None:
    settings = OptimizerSettings(solve_memory_bytes=2**20)
    async with served(settings) as target, caller(target) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Solve(year_long_request())
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_no_process_is_left_behind() -> None:
    async with served(OptimizerSettings()) as target, caller(target) as stub:
        await stub.Solve(GOOD)
        there = workers()
        assert there
    await eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in there))
