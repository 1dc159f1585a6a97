"""OptimizerService: convert, call the use case in a worker thread, convert back."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import grpc

from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc
from wattmesh_optimizer.api.explanation import violation_to_proto
from wattmesh_optimizer.api.observation import PlanObserver
from wattmesh_optimizer.api.plan import explained_to_proto, plan_to_proto, schedule_from_proto
from wattmesh_optimizer.api.problem import options_from_proto, problem_from_proto
from wattmesh_optimizer.app.explain import ExplainPlan
from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan

T = TypeVar("T")

DEADLINE_SHARE = 0.7
"""Share of the time a caller waits that a solve may take; the rest is for everything around it."""


class OptimizerServicer(optimizer_pb2_grpc.OptimizerServiceServicer):
    """The gRPC door of the optimizer."""

    def __init__(
        self,
        solve: SolvePlan,
        explain: ExplainPlan,
        simulate: SimulatePlan,
        defaults: SolveOptions,
        workers: Executor,
        observer: PlanObserver,
    ) -> None:
        self._solve = solve
        self._explain = explain
        self._simulate = simulate
        self._defaults = defaults
        self._workers = workers
        self._observer = observer

    async def Solve(  # noqa: N802
        self,
        request: optimizer_pb2.SolveRequest,
        context: grpc.aio.ServicerContext[optimizer_pb2.SolveRequest, optimizer_pb2.SolveResponse],
    ) -> optimizer_pb2.SolveResponse:
        """Return the plan of least cost."""
        defaults = self._within(context.time_remaining())
        return await self._work(lambda: self._solve_request(request, defaults))

    async def ExplainPlan(  # noqa: N802
        self,
        request: optimizer_pb2.ExplainPlanRequest,
        context: grpc.aio.ServicerContext[
            optimizer_pb2.ExplainPlanRequest, optimizer_pb2.ExplainPlanResponse
        ],
    ) -> optimizer_pb2.ExplainPlanResponse:
        """Return why a plan is as it is."""
        defaults = self._within(context.time_remaining())
        return await self._work(lambda: self._explain_request(request, defaults))

    async def SimulatePlan(  # noqa: N802
        self,
        request: optimizer_pb2.SimulatePlanRequest,
        context: grpc.aio.ServicerContext[
            optimizer_pb2.SimulatePlanRequest, optimizer_pb2.SimulatePlanResponse
        ],
    ) -> optimizer_pb2.SimulatePlanResponse:
        """Return what a plan really leads to."""
        return await self._work(lambda: self._simulate_request(request))

    def _solve_request(
        self, request: optimizer_pb2.SolveRequest, defaults: SolveOptions
    ) -> optimizer_pb2.SolveResponse:
        problem = problem_from_proto(request.problem)
        options = options_from_proto(request.options, defaults)
        plan = self._solve(problem, options)
        self._observer.observe(plan)
        return optimizer_pb2.SolveResponse(plan=plan_to_proto(plan))

    def _explain_request(
        self, request: optimizer_pb2.ExplainPlanRequest, defaults: SolveOptions
    ) -> optimizer_pb2.ExplainPlanResponse:
        problem = problem_from_proto(request.problem)
        options = options_from_proto(request.options, defaults)
        count = problem.horizon.count
        schedule = schedule_from_proto(request.plan, count) if request.HasField("plan") else None
        explained = self._explain(problem, schedule, options)
        return explained_to_proto(explained, problem.currency_code)

    def _simulate_request(
        self, request: optimizer_pb2.SimulatePlanRequest
    ) -> optimizer_pb2.SimulatePlanResponse:
        problem = problem_from_proto(request.problem)
        schedule = schedule_from_proto(request.plan, problem.horizon.count)
        plan, violations = self._simulate(problem, schedule)
        return optimizer_pb2.SimulatePlanResponse(
            plan=plan_to_proto(plan), violations=[violation_to_proto(each) for each in violations]
        )

    def _within(self, remaining_s: float | None) -> SolveOptions:
        """Return the defaults, with the caller's deadline kept: a late plan is no plan."""
        if remaining_s is None:
            return self._defaults
        limit = timedelta(seconds=max(0.0, remaining_s) * DEADLINE_SHARE)
        return replace(self._defaults, time_limit=min(self._defaults.time_limit, limit))

    async def _work(self, task: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._workers, task)
