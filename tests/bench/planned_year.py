"""What analytics asks the planner for a year of KPIs: a stream, beside a call for each plan; JSON.

python -m tests.bench.planned_year --days 365
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.fakes.planner_home import HOME, HOUR, START
from wattmesh.optimizer.v1 import plan_pb2, problem_pb2
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_analytics.adapters.planner import GrpcPlanned
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_planner.adapters.postgres import PostgresPlanStore
from wattmesh_planner.api.servicer import PlannerServicer
from wattmesh_planner.app.query_exchanges import QueryExchanges
from wattmesh_planner.app.query_plans import QueryPlans
from wattmesh_planner.domain.plan import Plan, PlanState, plan_id
from wattmesh_runtime.aio.broadcast import Broadcast
from wattmesh_runtime.aio.tasks import map_at_most
from wattmesh_runtime.database import Database
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.testing import channel_for_test, serve_for_test

_QUARTER = timedelta(minutes=15)
_COUNT = 96
_ASSETS = 8


def _plan(number: int, rng: np.random.Generator) -> Plan:
    """A plan of a home with eight assets for a day by quarters of an hour, one each hour."""
    start = START + number * HOUR
    horizon = problem_pb2.Horizon(
        start_time=timestamp_to_proto(start), resolution=duration_to_proto(_QUARTER), count=_COUNT
    )
    solved = plan_pb2.SitePlan(
        site_name=HOME.name,
        import_powers_w=rng.uniform(0, 5_000, _COUNT),
        export_powers_w=np.zeros(_COUNT),
        assets=[
            plan_pb2.AssetPlan(
                asset_name=f"{HOME.name}/assets/a{each}", powers_w=rng.uniform(0, 900, _COUNT)
            )
            for each in range(_ASSETS)
        ],
    )
    return Plan(
        id=plan_id(HOME, start, 1),
        scope=HOME.name,
        sites=(HOME.name,),
        issue_time=start - HOUR / 4,
        accept_time=start - HOUR / 5,
        target=TimeRange.of(start, _COUNT * _QUARTER),
        resolution=_QUARTER,
        state=PlanState.MADE,
        sources={},
        problem=problem_pb2.Problem(horizon=horizon).SerializeToString(),
        solution=plan_pb2.Plan(horizon=horizon, sites=[solved]).SerializeToString(),
    )


async def _one_by_one(channel: Any, span: TimeRange) -> int:
    """Ask as analytics did before: the list, then each plan, eight at a time."""
    stub = planner_pb2_grpc.PlannerServiceStub(channel)
    request = planner_pb2.ListPlansRequest(
        parent=HOME.name, page_size=1000, start_range=time_range_to_proto(span)
    )
    names, calls = list[str](), 0
    while True:
        answer = await stub.ListPlans(request)
        calls += 1
        names += [each.name for each in answer.plans]
        request.page_token = answer.next_page_token
        if not request.page_token:
            break

    async def powers(name: str) -> list[float]:
        found = await stub.GetPlan(planner_pb2.GetPlanRequest(name=name))
        return list(found.plan.solution.sites[0].import_powers_w[:4])

    await map_at_most(8, powers, names)
    return calls + len(names)


async def _timed(work: Callable[[], Awaitable[Any]]) -> tuple[Any, dict[str, float]]:
    wall, cpu = time.monotonic(), time.process_time()
    found = await work()
    return found, {
        "seconds": round(time.monotonic() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
    }


async def _measured(database_url: str, days: int) -> dict[str, Any]:
    async with Database(database_url, "planner") as database:
        await migrate(database, "wattmesh_planner")
        store, rng = PostgresPlanStore(database), np.random.default_rng(1)
        for first in range(0, days * 24, 500):
            some = range(first, min(first + 500, days * 24))
            await store.add_failed([_plan(number, rng) for number in some])
        span = TimeRange.of(START, days * 24 * HOUR)
        unused: Any = None
        servicer = PlannerServicer(
            QueryPlans(store, Broadcast[Plan]()), QueryExchanges(store), unused, unused, unused
        )
        add = partial(planner_pb2_grpc.add_PlannerServiceServicer_to_server, servicer)
        async with serve_for_test(add) as target, channel_for_test(target) as channel:
            planned = GrpcPlanned(channel)
            (series,), streamed = await _timed(
                lambda: planned.exchange(HOME, [HOME], span, _QUARTER)
            )
            calls, single = await _timed(lambda: _one_by_one(channel, span))
    return {
        "plans": days * 24,
        "intervals_known": int(np.isfinite(series.values).sum()),
        "stream": {"calls": 1, **streamed},
        "one_by_one": {"calls": calls, **single},
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Measure, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder, "postgres"), keep=False) as server,
    ):
        found = asyncio.run(_measured(server.create_database("plans"), arguments.days))
    json.dump(found, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
