"""How the numbers are taken."""

import gc
import resource
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc

from tests.bench.optimizer.bare import RecordingSolver, highs_model, solve_bare
from tests.bench.optimizer.cases import home
from tests.bench.optimizer.wire import home_proto
from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc, problem_pb2
from wattmesh_kernel.clock import SystemClock
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.plan import plan_to_proto
from wattmesh_optimizer.api.problem import problem_from_proto
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.app.warm import WarmStarts
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.settings import OptimizerSettings
from wattmesh_optimizer.wiring import wire
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import serve_for_test

GAP_RATIO = 0.001


def timed(task: Callable[[], Any]) -> tuple[float, float]:
    """Return CPU and wall time of a task [ms]; the CPU of all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    task()
    return (time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3


def measure_case(
    build: Callable[[], Problem], goal_ms: float, goal_ratio: float, repeats: int
) -> dict[str, Any]:
    """Measure one case: problem in, plan out, in turn with a bare solve of the same matrix."""
    problem, recorder = build(), RecordingSolver()
    options = SolveOptions(gap_ratio=GAP_RATIO)
    plan = SolvePlan(recorder)(problem, options)
    if recorder.last is None or plan.solver is None:
        raise RuntimeError("nothing was solved")
    model, solve = highs_model(recorder.last), SolvePlan(OrToolsSolver())
    solve_bare(model, GAP_RATIO)
    ours, bare = [], []
    for _ in range(repeats):
        ours.append(timed(lambda: solve(problem, options)))
        bare.append(timed(lambda: solve_bare(model, GAP_RATIO)))
    cpu, wall = (statistics.median(sample[which] for sample in ours) for which in (0, 1))
    bare_cpu, bare_wall = (statistics.median(sample[which] for sample in bare) for which in (0, 1))
    return {
        "cpu_ms": round(cpu, 2),
        "wall_ms": round(wall, 2),
        "bare_cpu_ms": round(bare_cpu, 2),
        "bare_wall_ms": round(bare_wall, 2),
        "ratio": round(cpu / bare_cpu, 2),
        "goal_cpu_ms": goal_ms,
        "goal_ratio": goal_ratio,
        "repeats": repeats,
        "rows": plan.solver.row_count,
        "columns": plan.solver.column_count,
        "entries": plan.solver.entry_count,
        "integers": plan.solver.integer_count,
        "gap_ratio": plan.solver.gap_ratio,
        "cost": round(plan.total_cost, 6),
    }


def measure_windows(repeats: int) -> dict[str, Any]:
    """Measure successive windows of a week at 15 minutes, each an interval later, one solver."""
    problem = home(168, 15)
    solve = SolvePlan(OrToolsSolver(), warm_starts=WarmStarts())
    first = timed(lambda: solve(problem, SolveOptions()))
    samples = []
    for number in range(1, repeats + 1):
        later = replace(
            problem,
            horizon=replace(
                problem.horizon, start=problem.horizon.start + number * timedelta(minutes=15)
            ),
        )
        samples.append(timed(lambda later=later: solve(later, SolveOptions())))  # type: ignore[misc]
    return {
        "first_cpu_ms": round(first[0], 2),
        "later_cpu_ms": round(statistics.median(sample[0] for sample in samples), 2),
    }


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The service as it runs, worker processes and all; yields its target."""
    settings = OptimizerSettings()
    runtime = Runtime(settings, SystemClock(), Telemetry("bench"))
    async with wire(settings, runtime) as service, serve_for_test(*service.register) as target:
        yield target


async def measure_grpc(repeats: int) -> dict[str, Any]:
    """Measure what a call adds to the use case, over real gRPC on loopback."""
    proto = home_proto()
    problem, options = problem_from_proto(proto), SolveOptions()
    solve = SolvePlan(OrToolsSolver())
    calls = max(100, repeats)
    direct, remote, cpu = [], [], [0.0, 0.0]
    async with served() as target, grpc.aio.insecure_channel(target) as channel:
        stub = optimizer_pb2_grpc.OptimizerServiceStub(channel)
        request = optimizer_pb2.SolveRequest(problem=proto)
        await stub.Solve(request)
        for _ in range(calls):
            spent, waited = timed(lambda: solve(problem, options))
            direct.append(waited)
            cpu[0] += spent
            started, before = time.perf_counter(), time.process_time()
            await stub.Solve(request)
            remote.append((time.perf_counter() - started) * 1e3)
            cpu[1] += (time.process_time() - before) * 1e3
    converting = [timed(lambda: problem_from_proto(proto))[1] for _ in range(calls)]
    plan = solve(problem, options)
    answering = [timed(lambda: plan_to_proto(plan))[1] for _ in range(calls)]
    direct_ms, remote_ms = statistics.median(direct), statistics.median(remote)
    return {
        "direct_p50_ms": round(direct_ms, 2),
        "grpc_p50_ms": round(remote_ms, 2),
        "added_p50_ms": round(remote_ms - direct_ms, 2),
        "goal_added_p50_ms": 2,
        "door_cpu_mean_ms": round(cpu[1] / calls, 2),
        "problem_from_proto_p50_ms": round(statistics.median(converting), 2),
        "plan_to_proto_p50_ms": round(statistics.median(answering), 2),
        "calls": calls,
    }


def measure_memory(calls: int) -> dict[str, Any]:
    """Measure resident memory over many solves, request bytes in and response bytes out."""
    request, solve = home_proto().SerializeToString(), SolvePlan(OrToolsSolver())
    options, sizes = SolveOptions(), []
    for number in range(calls + 1):
        problem = problem_from_proto(problem_pb2.Problem.FromString(request))
        plan_to_proto(solve(problem, options)).SerializeToString()
        if number % max(1, calls // 10) == 0:
            gc.collect()
            sizes.append(round(_resident_mb(), 1))
    return {
        "calls": calls,
        "resident_mb": sizes,
        "growth_after_first_tenth_mb": round(sizes[-1] - sizes[min(1, len(sizes) - 1)], 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _resident_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20
