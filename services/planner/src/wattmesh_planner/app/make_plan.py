"""Make one plan: gather, solve, store, hand to control."""

import logging
from dataclasses import replace
from datetime import datetime

from wattmesh_kernel.clock import Clock
from wattmesh_planner.app.gather_inputs import GatherInputs
from wattmesh_planner.app.hub import PlanHub
from wattmesh_planner.app.ports import Controller, Optimizer, PlanStore
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.model import Scope
from wattmesh_planner.domain.plan import Plan, PlanState, Solution, plan_id
from wattmesh_planner.domain.timing import Rhythm

_log = logging.getLogger(__name__)


class MakePlan:
    """Makes the plan of a scope for the interval that begins at a given time."""

    def __init__(
        self,
        *,
        clock: Clock,
        gather: GatherInputs,
        optimizer: Optimizer,
        controller: Controller,
        plans: PlanStore,
        hub: PlanHub,
        rhythm: Rhythm,
    ) -> None:
        self._clock = clock
        self._gather = gather
        self._optimizer = optimizer
        self._controller = controller
        self._plans = plans
        self._hub = hub
        self._rhythm = rhythm

    async def __call__(self, scope: Scope, start: datetime) -> Plan:
        """Return the plan as control accepted it. Raises what any of the parts raises.

        The plan is on disk before control hears of it, so that a command's source can always be
        looked up; it counts as failed until control has accepted it.
        """
        inputs = await self._gather(scope, start)
        solution = await self._optimizer.solve(inputs)
        attempt = await self._plans.attempts(scope.name, start) + 1
        plan = _plan(inputs, solution, attempt)
        await self._plans.save(plan)
        refusals = await self._controller.submit(plan.id, plan.schedules)
        plan = plan.accepted(self._clock.now())
        if refusals:
            plan = _with_message(plan, refusals)
        await self._plans.save(plan)
        self._hub.publish(plan)
        _log.info("%s %s, solved in %.0f ms", plan.id, plan.state.value, solution.solve_duration_ms)
        return plan

    async def give_up(self, scope: Scope, start: datetime, reason: str) -> None:
        """Record that the interval from `start` passed without a plan."""
        attempt = await self._plans.attempts(scope.name, start) + 1
        plan = Plan(
            id=plan_id(scope.id, start, attempt),
            scope=scope.name,
            sites=tuple(site.id.name for site in scope.sites),
            issue_time=self._clock.now(),
            accept_time=None,
            target=self._rhythm.target(start),
            resolution=self._rhythm.resolution,
            state=PlanState.FAILED,
            message=reason,
            solve_duration_ms=None,
            sources={},
        )
        await self._plans.save(plan)
        self._hub.publish(plan)
        _log.error("%s failed: %s", plan.id, reason)


def _plan(inputs: PlanInputs, solution: Solution, attempt: int) -> Plan:
    return Plan(
        id=plan_id(inputs.scope.id, inputs.target.start, attempt),
        scope=inputs.scope.name,
        sites=tuple(site.id.name for site in inputs.scope.sites),
        issue_time=inputs.issue_time,
        accept_time=None,
        target=inputs.target,
        resolution=inputs.resolution,
        state=PlanState.FAILED,
        message="; ".join((*inputs.notes, *solution.notes)),
        solve_duration_ms=solution.solve_duration_ms,
        sources=inputs.sources,
        schedules=solution.schedules,
        problem=solution.problem,
        solution=solution.plan,
    )


def _with_message(plan: Plan, more: list[str]) -> Plan:
    return replace(plan, message="; ".join(filter(None, (plan.message, *more))))
