"""What a caller waits while ten others have year-long solves worked on, and vanish."""

import asyncio
import statistics
import sys
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import grpc

from tests.bench.optimizer.measure import served
from tests.bench.optimizer.wire import home_proto
from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc

ABUSERS = 10
CALLS = 300
VANISH_SECONDS = 2.0
PAUSE_SECONDS = 0.02
"""Between two calls of the good caller."""


def year_long_request(runs: int = 24) -> optimizer_pb2.SolveRequest:
    """A request of about a megabyte that no solver finishes, with a year of time."""
    problem = home_proto()
    site, count = problem.sites[0], problem.horizon.count
    for number in range(runs):
        asset = site.assets.add(name=f"sites/bench/assets/run-{number}")
        asset.deferrable_load.interruptible_run.energy_wh = 4_000 + 500 * number
        rating = asset.deferrable_load.rating
        rating.max_power_w = rating.min_power_w = 700 + 90 * number
        rating.min_on_duration.FromTimedelta(timedelta(minutes=45))
        rating.min_off_duration.FromTimedelta(timedelta(minutes=30))
    while problem.ByteSize() < 1_000_000:
        asset = site.assets.add(name=f"sites/bench/assets/load-{len(site.assets)}")
        asset.fixed_load.powers_w.extend([300.0 + len(site.assets)] * count)
    request = optimizer_pb2.SolveRequest(problem=problem)
    request.options.gap_ratio = 0
    request.options.time_limit.FromTimedelta(timedelta(days=365))
    return request


async def measure_blockade() -> dict[str, Any]:
    """Measure a good caller's waits: undisturbed, and beside the abusers."""
    async with served() as target:
        await _good_calls(target)
        alone = await _good_calls(target)
        abusers = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.optimizer.blockade", target
        )
        await asyncio.sleep(3)
        beside = await _good_calls(target)
        abusers.kill()
        await abusers.wait()
    return {
        "alone": alone,
        "beside_abusers": beside,
        "p99_ratio": round(beside["p99_ms"] / alone["p99_ms"], 2),
        "goal_p99_ratio": 3,
    }


async def _good_calls(target: str) -> dict[str, float]:
    request = optimizer_pb2.SolveRequest(problem=home_proto())
    waits = []
    async with grpc.aio.insecure_channel(target) as channel:
        stub = optimizer_pb2_grpc.OptimizerServiceStub(channel)
        for _ in range(CALLS):
            started = time.perf_counter()
            await stub.Solve(request, timeout=30)
            waits.append((time.perf_counter() - started) * 1e3)
            await asyncio.sleep(PAUSE_SECONDS)
    return {
        "p50_ms": round(statistics.median(waits), 2),
        "p99_ms": round(statistics.quantiles(waits, n=100)[98], 2),
        "max_ms": round(max(waits), 2),
    }


async def abuse(target: str) -> None:
    """Ask for a year, hang up, and ask again, over a connection of its own each time."""
    request = year_long_request()
    options = [("grpc.use_local_subchannel_pool", 1)]
    while True:
        async with grpc.aio.insecure_channel(target, options=options) as channel:
            stub = optimizer_pb2_grpc.OptimizerServiceStub(channel)
            with suppress(grpc.aio.AioRpcError):
                await stub.Solve(request, timeout=VANISH_SECONDS)
            await asyncio.sleep(0.1)


async def _abuse_at_once(target: str) -> None:
    await asyncio.gather(*(abuse(target) for _ in range(ABUSERS)))


if __name__ == "__main__":
    asyncio.run(_abuse_at_once(sys.argv[1]))
