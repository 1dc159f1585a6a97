"""The service over real gRPC: plan, explanation, re-simulation and refusals."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest

from tests.bench.fleet.homes import feeder
from tests.bench.optimizer.wire import home_proto, problem_proto
from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc, plan_pb2
from wattmesh_kernel.clock import SystemClock
from wattmesh_optimizer.settings import OptimizerSettings
from wattmesh_optimizer.wiring import SERVICE_NAME, wire
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import serve_for_test

if TYPE_CHECKING:  # the asynchronous stub exists for the type checker only
    from wattmesh.optimizer.v1.optimizer_pb2_grpc import OptimizerServiceAsyncStub as Stub


@pytest.fixture
async def stub() -> AsyncIterator["Stub"]:
    settings = OptimizerSettings(solve_time_limit_seconds=5)
    runtime = Runtime(settings, SystemClock(), Telemetry("optimizer-test"))
    async with wire(settings, runtime) as service:
        assert service.service_names == (SERVICE_NAME,)
        async with (
            serve_for_test(*service.register, service_names=service.service_names) as target,
            grpc.aio.insecure_channel(target) as channel,
        ):
            yield optimizer_pb2_grpc.OptimizerServiceStub(channel)


async def test_a_problem_becomes_a_plan_with_its_reasons(stub: "Stub") -> None:
    request = optimizer_pb2.SolveRequest(problem=home_proto())
    request.options.explain = True
    plan = (await asyncio.wait_for(stub.Solve(request), 20)).plan
    assert plan.solver.status == plan_pb2.SOLVE_STATUS_OPTIMAL
    assert not plan.solver.mixed_integer
    assert [asset.asset_name.rsplit("/")[-1] for asset in plan.sites[0].assets] == [
        "load",
        "pv",
        "battery-0",
        "ev-0",
    ]
    assert len(plan.explanation.assets) == 3
    assert float(plan.total_cost.amount) == pytest.approx(
        sum(float(item.amount.amount) for item in plan.costs), abs=1e-8
    )


async def test_a_plan_costs_what_its_re_simulation_says(stub: "Stub") -> None:
    problem = home_proto()
    plan = (await stub.Solve(optimizer_pb2.SolveRequest(problem=problem))).plan
    simulated = await stub.SimulatePlan(
        optimizer_pb2.SimulatePlanRequest(problem=problem, plan=plan)
    )
    assert not simulated.violations
    assert float(simulated.plan.total_cost.amount) == pytest.approx(
        float(plan.total_cost.amount), abs=1e-5
    )


async def test_a_foreign_plan_is_judged_and_explained(stub: "Stub") -> None:
    problem = home_proto()
    foreign = plan_pb2.Plan()
    site = foreign.sites.add(site_name=problem.sites[0].name)
    name = problem.sites[0].assets[2].name
    site.assets.add(asset_name=name, powers_w=[9000.0] * problem.horizon.count)
    simulated = await stub.SimulatePlan(
        optimizer_pb2.SimulatePlanRequest(problem=problem, plan=foreign)
    )
    assert simulated.violations[0].physical
    assert simulated.violations[0].possible == pytest.approx(5000)
    explained = await stub.ExplainPlan(
        optimizer_pb2.ExplainPlanRequest(problem=problem, plan=foreign)
    )
    assert not explained.HasField("excess_cost")
    assert len(explained.explanation.sites[0].energy_values_per_kwh) == problem.horizon.count


async def test_a_problem_that_makes_no_sense_is_refused_by_name(stub: "Stub") -> None:
    problem = home_proto()
    problem.sites[0].assets[2].battery.rating.capacity_wh = 0
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Solve(optimizer_pb2.SolveRequest(problem=problem))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "battery-0: capacity_wh" in str(refused.value.details())


async def test_sites_behind_one_feeder_are_planned_apart_where_that_is_asked_for(
    stub: "Stub",
) -> None:
    homes = feeder(8)
    request = optimizer_pb2.SolveRequest(problem=problem_proto(homes, *homes.sites))
    group = request.problem.groups.add(name="groups/feeder")
    group.site_names.extend(site.name for site in homes.sites)
    group.limits.max_import_power_w = 8 * 1_600.0
    costs = []
    for division in (optimizer_pb2.DIVISION_APART, optimizer_pb2.DIVISION_TOGETHER):
        request.options.division = division
        plan = (await stub.Solve(request)).plan
        assert plan.groups[0].peak_power_w <= 8 * 1_600.0 + 1e-3
        assert (plan.solver.round_count > 0) is (division == optimizer_pb2.DIVISION_APART)
        costs.append(float(plan.total_cost.amount))
    assert costs[0] == pytest.approx(costs[1], rel=0.005)


async def test_a_division_that_is_not_known_is_refused(stub: "Stub") -> None:
    request = optimizer_pb2.SolveRequest(problem=home_proto())
    request.options.division = 9  # type: ignore[assignment]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Solve(request)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "options.division" in (refused.value.details() or "")


async def test_many_callers_at_once_all_get_the_same_cost(stub: "Stub") -> None:
    request = optimizer_pb2.SolveRequest(problem=home_proto())
    answers = await asyncio.wait_for(asyncio.gather(*(stub.Solve(request) for _ in range(16))), 60)
    costs = {round(float(answer.plan.total_cost.amount), 6) for answer in answers}
    assert len(costs) == 1


async def test_a_callers_deadline_is_kept_by_a_hard_problem(stub: "Stub") -> None:
    problem = home_proto()
    for number in range(12):
        asset = problem.sites[0].assets.add(name=f"sites/bench/assets/run-{number}")
        asset.deferrable_load.interruptible_run.energy_wh = 4_000 + 500 * number
        rating = asset.deferrable_load.rating
        rating.max_power_w = rating.min_power_w = 700 + 90 * number
        rating.min_on_duration.FromTimedelta(timedelta(minutes=45))
        rating.min_off_duration.FromTimedelta(timedelta(minutes=30))
    request = optimizer_pb2.SolveRequest(problem=problem)
    request.options.gap_ratio = 0
    answer = await stub.Solve(request, timeout=6)
    assert answer.plan.sites[0].assets
