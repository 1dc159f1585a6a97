"""Who solves: the optimizer."""

from collections.abc import Iterator
from datetime import timedelta

import grpc
import numpy as np

from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc, plan_pb2, problem_pb2
from wattmesh_contracts.values import duration_from_proto, duration_to_proto
from wattmesh_kernel.sites import BatteryRating
from wattmesh_planner.adapters.event_problem import PART
from wattmesh_planner.adapters.event_promises import promises_from_plans
from wattmesh_planner.adapters.kinds import PARTS
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.degradations import Degradation, Remedy
from wattmesh_planner.domain.events import Promise
from wattmesh_planner.domain.exchange import PlannedExchange, planned_exchange
from wattmesh_planner.domain.facts import Reason, Topic
from wattmesh_planner.domain.inputs import PlanInputs, SiteInputs
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.plan import DeviceSchedule, Solution
from wattmesh_planner.domain.planned_worth import PlannedStore
from wattmesh_runtime.errors import rpc_errors

_OUT_OF_TIME = (plan_pb2.SOLVE_STATUS_TIME_LIMIT, plan_pb2.SOLVE_STATUS_FALLBACK)


class GrpcOptimizer:
    """Sends the problem, reads the schedules off the plan."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        *,
        time_limit: timedelta,
        carbon_price_per_kg: float,
        gap_ratio: float = 0.001,
    ) -> None:
        self._stub = optimizer_pb2_grpc.OptimizerServiceStub(channel)
        self._options = optimizer_pb2.SolveOptions(
            time_limit=duration_to_proto(time_limit), gap_ratio=gap_ratio
        )
        self._writer = ProblemWriter(carbon_price_per_kg)
        self._carbon_price_per_kg = carbon_price_per_kg

    async def solve(self, inputs: PlanInputs) -> Solution:
        """Return the best plan for the inputs."""
        request = optimizer_pb2.SolveRequest(
            problem=self._writer.problem(inputs), options=self._options
        )
        with rpc_errors():
            plan = (await self._stub.Solve(request)).plan
        solving = duration_from_proto(plan.solver.total_duration)
        return Solution(
            schedules=tuple(schedules_from_plan(plan, inputs)),
            solve_duration_ms=solving / timedelta(milliseconds=1),
            problem=request.problem.SerializeToString(),
            plan=plan.SerializeToString(),
            degradations=tuple(degradations_from_plan(plan, inputs)),
            exchanges=tuple(exchanges_from_plan(plan, inputs, self._carbon_price_per_kg)),
            promises=await self._promises(request.problem, plan, inputs),
        )

    async def _promises(
        self, problem: problem_pb2.Problem, plan: plan_pb2.Plan, inputs: PlanInputs
    ) -> tuple[Promise, ...]:
        """Return what the plan promises of events, beside the plan that there would be without."""
        bounds = [each for each in problem.events if PART not in each.id]
        asked = len(problem.events) - len(bounds) + len(problem.reserves)
        if not asked or plan.solver.status == plan_pb2.SOLVE_STATUS_FALLBACK:
            return ()
        request = optimizer_pb2.SolveRequest(problem=problem, options=self._options)
        del request.problem.events[:], request.problem.reserves[:]
        request.problem.events.extend(bounds)  # what owners allow holds without any event
        with rpc_errors():
            without = (await self._stub.Solve(request)).plan
        return tuple(promises_from_plans(plan, without, inputs))


def schedules_from_plan(plan: plan_pb2.Plan, inputs: PlanInputs) -> Iterator[DeviceSchedule]:
    """Return what every controlled asset is to do.

    The plan of no control, which the optimizer gives when it has no time, charges all vehicles at
    once, whatever the connection bears: charge points then go on with what the plan before told.
    """
    uncontrolled = plan.solver.status == plan_pb2.SOLVE_STATUS_FALLBACK
    plans = {asset.asset_name: asset for site in plan.sites for asset in site.assets}
    for site in inputs.sites:
        for asset in site.assets:
            found = plans.get(asset.asset.name)
            if found is None and asset.by_rule:
                found = plan_pb2.AssetPlan()
            at_once = uncontrolled and KINDS[type(asset.asset.rating)].needs.session
            if found is not None and not at_once:
                part = PARTS[type(asset.asset.rating)]
                yield from part.schedules(asset, found, inputs.target.start, inputs.resolution)


def exchanges_from_plan(
    plan: plan_pb2.Plan, inputs: PlanInputs, carbon_price_per_kg: float = 0.0
) -> Iterator[PlannedExchange]:
    """Return what the plan counts on at grid connections; the plan of no control on nothing."""
    if plan.solver.status == plan_pb2.SOLVE_STATUS_FALLBACK:
        return
    plans = {each.site_name: each for each in plan.sites}
    for site in inputs.sites:
        found = plans.get(site.site.site.name)
        if found is not None and found.import_powers_w:
            import_w, export_w = np.array(found.import_powers_w), np.array(found.export_powers_w)
            stores = list(_stores(site, found))
            yield planned_exchange(
                *(inputs, site, import_w, import_w - export_w, stores), carbon_price_per_kg
            )


def _stores(site: SiteInputs, plan: plan_pb2.SitePlan) -> Iterator[PlannedStore]:
    """Yield the batteries that somebody controls, as they are planned."""
    plans = {each.asset_name: each for each in plan.assets}
    for asset in site.assets:
        rating, device = asset.asset.rating, asset.asset.controller
        found = plans.get(asset.asset.name)
        if isinstance(rating, BatteryRating) and device is not None and found is not None:
            yield PlannedStore(
                device=device,
                rating=rating,
                powers_w=np.array(found.powers_w),
                soc_ratios_after=np.array(found.soc_ratios[1:]),
            )


def degradations_from_plan(plan: plan_pb2.Plan, inputs: PlanInputs) -> Iterator[Degradation]:
    """Yield what the optimizer could not meet, had to assume, or had no time for."""
    for unmet in plan.unmet_requirements:
        yield _degradation(unmet.subject, Remedy.IGNORED, Reason.REQUIREMENT_UNMET, unmet.message)
    for assumption in plan.assumptions:
        yield _degradation(inputs.scope.name, Remedy.ASSUMED, Reason.INCOMPLETE, assumption)
    if plan.solver.status in _OUT_OF_TIME:
        fallback = plan.solver.status == plan_pb2.SOLVE_STATUS_FALLBACK
        within = f"within {plan.solver.gap_ratio:.2%} of the best there may be"
        gap = "it is no better than no control" if fallback else within
        yield _degradation(inputs.scope.name, Remedy.IGNORED, Reason.SOLVER_TIME_LIMIT, gap)


def _degradation(subject: str, remedy: Remedy, reason: Reason, detail: str) -> Degradation:
    return Degradation(
        subject=subject, topic=Topic.EXECUTION, remedy=remedy, reason=reason, detail=detail
    )
