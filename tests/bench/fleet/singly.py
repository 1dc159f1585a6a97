"""Homes planned one by one through the service as it runs, with so many processes that solve."""

import asyncio
import time
from pathlib import Path
from typing import Any

import grpc

from tests.bench.optimizer.wire import problem_proto
from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc
from wattmesh_kernel.clock import SystemClock
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.settings import OptimizerSettings
from wattmesh_optimizer.wiring import wire
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import serve_for_test

CALLS_A_PROCESS = 3
"""Calls on their way for each process: it never waits for the next."""


async def plan_singly(homes: Problem, count: int, processes: int) -> dict[str, Any]:
    """Return how many plans an hour come back, and what they take of all processors."""
    requests = [
        optimizer_pb2.SolveRequest(problem=problem_proto(homes, site)) for site in homes.sites
    ]
    settings = OptimizerSettings(solve_processes=processes)
    runtime = Runtime(settings, SystemClock(), Telemetry("bench"))
    async with (
        wire(settings, runtime) as service,
        serve_for_test(*service.register) as target,
        grpc.aio.insecure_channel(target) as channel,
    ):
        stub = optimizer_pb2_grpc.OptimizerServiceStub(channel)
        await asyncio.gather(*(stub.Solve(each) for each in requests[:processes]))
        numbers = iter(range(count))

        async def ask() -> int:
            done = 0
            for number in numbers:
                response = await stub.Solve(requests[number % len(requests)])
                done += response.plan.solver.status != 0
            return done

        began, worked = time.perf_counter(), _worked_s()
        done = sum(await asyncio.gather(*(ask() for _ in range(CALLS_A_PROCESS * processes))))
        took, cpu_s = time.perf_counter() - began, _worked_s() - worked
    return {
        "processes": processes,
        "planned": done,
        "wall_s": round(took, 2),
        "plans_per_hour": round(done / took * 3600),
        "cpu_ms_a_plan": round(cpu_s / done * 1e3, 2),
    }


def _worked_s() -> float:
    """Return the processor time of this process and all below it [s], this client included."""
    parents: dict[int, int] = {}
    worked: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
            worked[int(folder.name)] = int(fields[11]) + int(fields[12])
    own, grown = {_own_id()}, True
    while grown:
        more = {each for each, parent in parents.items() if parent in own} - own
        own |= more
        grown = bool(more)
    return sum(worked.get(each, 0) for each in own) / 100


def _own_id() -> int:
    return int(Path("/proc/self/stat").read_text().split()[0])
