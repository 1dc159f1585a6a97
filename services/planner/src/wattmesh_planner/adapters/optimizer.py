"""Who solves: the optimizer."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import grpc

from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc, plan_pb2
from wattmesh_contracts.values import duration_from_proto, duration_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.optimizer_problem import problem_to_proto
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.model import Generation
from wattmesh_planner.domain.plan import DeviceSchedule, SetpointKind, Solution
from wattmesh_planner.domain.projection import Setpoint
from wattmesh_runtime.errors import rpc_errors

_NEGLIGIBLE_W = 1.0


class GrpcOptimizer:
    """Sends the problem, reads the schedules off the plan."""

    def __init__(
        self, channel: grpc.aio.Channel, *, time_limit: timedelta, carbon_price_per_kg: float
    ) -> None:
        self._stub = optimizer_pb2_grpc.OptimizerServiceStub(channel)
        self._time_limit = time_limit
        self._carbon_price_per_kg = carbon_price_per_kg

    async def solve(self, inputs: PlanInputs) -> Solution:
        """Return the best plan for the inputs."""
        problem = problem_to_proto(inputs, self._carbon_price_per_kg)
        options = optimizer_pb2.SolveOptions(time_limit=duration_to_proto(self._time_limit))
        with rpc_errors():
            answer = await self._stub.Solve(
                optimizer_pb2.SolveRequest(problem=problem, options=options)
            )
        plan = answer.plan
        solving = duration_from_proto(plan.solver.total_duration)
        return Solution(
            schedules=tuple(schedules_from_plan(plan, inputs)),
            solve_duration_ms=solving / timedelta(milliseconds=1),
            problem=problem.SerializeToString(deterministic=True),
            plan=plan.SerializeToString(deterministic=True),
            notes=tuple(wish.message for wish in plan.unmet_wishes),
        )


def schedules_from_plan(plan: plan_pb2.Plan, inputs: PlanInputs) -> Iterator[DeviceSchedule]:
    """Return a power schedule per battery, and a limit for generation where it is curtailed."""
    assets = {asset.asset_name: asset for site in plan.sites for asset in site.assets}
    spans = [
        TimeRange.of(start, inputs.resolution) for start in inputs.target.starts(inputs.resolution)
    ]
    for battery in inputs.scope.batteries:
        yield DeviceSchedule(
            device=battery.device,
            kind=SetpointKind.ACTIVE_POWER_W,
            setpoints=_setpoints(spans, assets[battery.id.name].powers_w),
        )
    for site in inputs.scope.sites:
        for source in site.generation:
            if schedule := _curtailment(source, spans, assets[source.id.name]):
                yield schedule


def _setpoints(spans: Sequence[TimeRange], powers_w: Sequence[float]) -> tuple[Setpoint, ...]:
    """Return setpoints to the watt: what a device resolves and a read-back can be held against."""
    return tuple(
        Setpoint(range=span, power_w=float(round(power)))
        for span, power in zip(spans, powers_w, strict=True)
    )


def _curtailment(
    source: Generation, spans: Sequence[TimeRange], asset: plan_pb2.AssetPlan
) -> DeviceSchedule | None:
    """Return limits for the intervals that are curtailed; None when none is."""
    if source.device is None or not asset.curtailed_powers_w:
        return None
    setpoints = tuple(
        Setpoint(range=span, power_w=float(round(-power)))
        for span, power, curtailed in zip(
            spans, asset.powers_w, asset.curtailed_powers_w, strict=True
        )
        if curtailed > _NEGLIGIBLE_W
    )
    if not setpoints:
        return None
    return DeviceSchedule(
        device=source.device, kind=SetpointKind.GENERATION_LIMIT_W, setpoints=setpoints
    )
