"""Make one plan: gather, solve, store, hand to control."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import AlreadyExists, DeadlineExceeded
from wattmesh_kernel.ids import AssetId, DeviceId
from wattmesh_planner.app.gather_facts import GatherFacts
from wattmesh_planner.app.ports import Controller, Limited, Optimizer, PlanStore
from wattmesh_planner.app.report_runs import ReportRuns
from wattmesh_planner.app.spans import GATHER_FACTS, HAND_OVER, MAKE_PLAN, TURN
from wattmesh_planner.app.tell_promises import TellPromises
from wattmesh_planner.app.told_setpoints import ToldSetpoints
from wattmesh_planner.domain.degradations import Degradation, Remedy
from wattmesh_planner.domain.facts import Reason, Topic
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.model import Scope
from wattmesh_planner.domain.plan import Plan, PlanState, Solution, plan_id
from wattmesh_planner.domain.timing import Rhythm
from wattmesh_runtime.aio.broadcast import Broadcast
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.aio.spans import record_turn, traced

_log = logging.getLogger(__name__)

_MOST_ATTEMPTS = 200


class MakePlan:
    """Makes the plan of a scope for the interval that begins at a given time."""

    def __init__(
        self,
        *,
        clock: Clock,
        gather: GatherFacts,
        optimizer: Optimizer,
        controller: Controller,
        plans: PlanStore,
        told: ToldSetpoints,
        made: Broadcast[Plan],
        rhythm: Rhythm,
        report_runs: ReportRuns,
        tell_promises: TellPromises | None = None,
    ) -> None:
        self._tell_promises = tell_promises or TellPromises(None)
        self._report_runs = report_runs
        self._clock = clock
        self._gather = gather
        self._optimizer = optimizer
        self._controller = controller
        self._plans = plans
        self._told = told
        self._made = made
        self._rhythm = rhythm

    async def __call__(
        self,
        scope: Scope,
        start: datetime,
        lease: Lease | None = None,
        *,
        prompted: bool = False,
        until: datetime | None = None,
    ) -> Plan:
        """Return the plan as control accepted it. Raises what any of the parts raises.

        One that is `prompted`, by what happened after its interval had begun, is not late. One that
        is not there `until` then steers nothing any more: DeadlineExceeded, and nothing is changed.

        The plan is on disk before control hears of it, so that a command's source can always be
        looked up; it counts as failed until control has accepted it. With a `lease` it is stored
        only while nobody else has had the lease since.
        """
        turn, began = plan_id(scope.id, start, 1).name, time.perf_counter()
        with traced(MAKE_PLAN, turn=turn, scope=scope.name, prompted=prompted):
            plan = await self._make(scope, start, lease, prompted=prompted, until=until)
        if not prompted:  # which comes into the turn of an interval that runs
            record_turn(TURN, turn, seconds=time.perf_counter() - began)
        return plan

    async def _make(
        self,
        scope: Scope,
        start: datetime,
        lease: Lease | None,
        *,
        prompted: bool,
        until: datetime | None,
    ) -> Plan:
        with traced(GATHER_FACTS):
            inputs = await self._gather(scope, start)
        solution = await self._optimizer.solve(inputs)
        if until is not None and self._clock.now() > until:
            raise DeadlineExceeded("SOLVE_TOO_LONG", "too little of its interval is left to steer")
        with traced(HAND_OVER):
            plan = await self._store(scope, _plan(inputs, solution), lease)
            limited = await self._controller.submit(plan.id, plan.schedules, solution.exchanges)
        accepted = self._clock.now()
        limitations = tuple(_limitations(plan, limited))
        plan = plan.accepted(accepted, limitations, prompted=prompted)
        self._told.remember(plan)
        await self._plans.accept(plan)
        await self._report_runs(inputs, plan)
        await self._tell_promises(plan.id, solution.promises)
        self._made.publish(plan)
        _log.info("%s %s, solved in %.0f ms", plan.id, plan.state.value, solution.solve_duration_ms)
        return plan

    async def give_up(
        self,
        scope: Scope,
        starts: Sequence[datetime],
        failure: str,
        degradations: tuple[Degradation, ...] = (),
    ) -> None:
        """Record that intervals passed without a plan."""
        plans = [self._failed(scope, start, failure, degradations) for start in starts]
        taken = set(await self._plans.known([plan.id for plan in plans]))
        named = [
            await self._named_anew(scope, plan) if plan.id in taken else plan for plan in plans
        ]
        await self._plans.add_failed(named)
        for plan in named:
            record_turn(TURN, plan.id.name, failure=failure)
        self._made.publish(*named)
        _log.error("%s: %d intervals without a plan: %s", scope.id, len(plans), failure)

    async def _store(self, scope: Scope, plan: Plan, lease: Lease | None) -> Plan:
        """Store a plan under the first name that is free."""
        try:
            await self._plans.add(plan, lease)
        except AlreadyExists:
            plan = await self._named_anew(scope, plan)
            await self._plans.add(plan, lease)
        return plan

    async def _named_anew(self, scope: Scope, plan: Plan) -> Plan:
        """Return the plan with the first name that is free for its scope and start."""
        start = plan.target.start
        names = [plan_id(scope.id, start, attempt) for attempt in range(1, _MOST_ATTEMPTS)]
        taken = set(await self._plans.known(names))
        free = [name for name in names if name not in taken]
        if not free:
            raise AlreadyExists("TOO_MANY_PLANS", f"{plan.id} was planned too often")
        return replace(plan, id=free[0])

    def _failed(
        self,
        scope: Scope,
        start: datetime,
        failure: str,
        degradations: tuple[Degradation, ...],
    ) -> Plan:
        return Plan(
            id=plan_id(scope.id, start, 1),
            scope=scope.name,
            sites=_site_names(scope),
            issue_time=self._clock.now(),
            accept_time=None,
            target=self._rhythm.target(start),
            resolution=self._rhythm.resolution,
            state=PlanState.FAILED,
            failure=failure,
            sources={},
            degradations=degradations,
        )


def _plan(inputs: PlanInputs, solution: Solution) -> Plan:
    return Plan(
        id=plan_id(inputs.scope.id, inputs.target.start, 1),
        scope=inputs.scope.name,
        sites=_site_names(inputs.scope),
        issue_time=inputs.issue_time,
        accept_time=None,
        target=inputs.target,
        resolution=inputs.resolution,
        state=PlanState.FAILED,
        solve_duration_ms=solution.solve_duration_ms,
        sources=inputs.sources,
        degradations=(*inputs.degradations, *solution.degradations),
        schedules=solution.schedules,
        problem=solution.problem,
        solution=solution.plan,
    )


def _site_names(scope: Scope) -> tuple[str, ...]:
    return tuple(site.site.name for site in scope.sites)


def _limitations(plan: Plan, limited: Sequence[Limited]) -> Iterator[Degradation]:
    """Yield what control did not take as asked, by asset."""
    assets: dict[DeviceId, AssetId | None] = {each.device: each.asset for each in plan.schedules}
    for each in limited:
        asset = assets.get(each.device)
        yield Degradation(
            subject=each.device.name if asset is None else asset.name,
            topic=Topic.EXECUTION,
            remedy=Remedy.LEFT_OUT if each.refused else Remedy.ASSUMED,
            reason=Reason.SETPOINT_LIMITED,
            detail=f"{each.count} {'refused' if each.refused else 'clamped'}: {each.detail}",
        )
