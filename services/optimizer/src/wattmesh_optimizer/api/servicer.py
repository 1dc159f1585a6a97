"""OptimizerService: every call is worked on by a worker, and ends with its caller."""

import time
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc
from wattmesh_optimizer.api.observation import PlanObserver
from wattmesh_optimizer.app.ports import Job, Workers
from wattmesh_runtime.errors import error_from_status
from wattmesh_runtime.request_context import current_caller

M = TypeVar("M", bound=Message)

DEADLINE_SHARE = 0.7
"""Share of the time a caller waits that a solve may take; the rest is for everything around it."""


class OptimizerServicer(optimizer_pb2_grpc.OptimizerServiceServicer):
    """The gRPC door of the optimizer."""

    def __init__(self, workers: Workers, longest_s: float, observer: PlanObserver) -> None:
        self._workers = workers
        self._longest_s = longest_s
        self._observer = observer

    async def Solve(  # noqa: N802
        self,
        request: optimizer_pb2.SolveRequest,
        context: grpc.aio.ServicerContext[optimizer_pb2.SolveRequest, optimizer_pb2.SolveResponse],
    ) -> optimizer_pb2.SolveResponse:
        """Return the plan of least cost."""
        ends_at = self._end(context.time_remaining())
        response = await self._work("Solve", request, ends_at, optimizer_pb2.SolveResponse)
        self._observer.observe(response.plan)
        return response

    async def ExplainPlan(  # noqa: N802
        self,
        request: optimizer_pb2.ExplainPlanRequest,
        context: grpc.aio.ServicerContext[
            optimizer_pb2.ExplainPlanRequest, optimizer_pb2.ExplainPlanResponse
        ],
    ) -> optimizer_pb2.ExplainPlanResponse:
        """Return why a plan is as it is."""
        ends_at = self._end(context.time_remaining())
        return await self._work("ExplainPlan", request, ends_at, optimizer_pb2.ExplainPlanResponse)

    async def SimulatePlan(  # noqa: N802
        self,
        request: optimizer_pb2.SimulatePlanRequest,
        context: grpc.aio.ServicerContext[
            optimizer_pb2.SimulatePlanRequest, optimizer_pb2.SimulatePlanResponse
        ],
    ) -> optimizer_pb2.SimulatePlanResponse:
        """Return what a plan really leads to."""
        ends_at = self._end(context.time_remaining())
        return await self._work(
            "SimulatePlan", request, ends_at, optimizer_pb2.SimulatePlanResponse
        )

    def _end(self, remaining_s: float | None) -> float:
        """Return when the solver has to stop: a late plan is no plan, and no solve is for ever."""
        if remaining_s is None:
            return time.monotonic() + self._longest_s
        return time.monotonic() + min(self._longest_s, max(0.0, remaining_s) * DEADLINE_SHARE)

    async def _work(self, method: str, request: Message, ends_at: float, response: type[M]) -> M:
        answer = await self._workers.run(
            Job(
                method=method,
                request=request.SerializeToString(),
                caller=current_caller(),
                ends_at=ends_at,
            )
        )
        if answer.failed:
            raise error_from_status(answer.content)
        return response.FromString(answer.content)
