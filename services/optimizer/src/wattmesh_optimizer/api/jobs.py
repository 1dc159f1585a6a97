"""Calls as a worker process takes them: request bytes in, response bytes out."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from google.protobuf.message import Message

from wattmesh.optimizer.v1 import optimizer_pb2
from wattmesh_kernel.errors import ResourceExhausted, WattmeshError
from wattmesh_optimizer.api.explanation import violation_to_proto
from wattmesh_optimizer.api.plan import explained_to_proto, plan_to_proto, schedule_from_proto
from wattmesh_optimizer.api.problem import options_from_proto, problem_from_proto
from wattmesh_optimizer.app.explain import ExplainPlan
from wattmesh_optimizer.app.ports import Answer
from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_runtime.errors import internal_error, status_from_error

log = logging.getLogger(__name__)


class OptimizerJobs:
    """Works on calls, one after the other; every failure is an answer."""

    def __init__(
        self,
        solve: SolvePlan,
        explain: ExplainPlan,
        simulate: SimulatePlan,
        defaults: SolveOptions,
    ) -> None:
        self._solve = solve
        self._explain = explain
        self._simulate = simulate
        self._defaults = defaults
        self._methods: Mapping[str, Callable[[bytes, float], Message]] = {
            "Solve": self._solve_request,
            "ExplainPlan": self._explain_request,
            "SimulatePlan": self._simulate_request,
        }

    def answer(self, method: str, ends_at: float, request: bytes) -> Answer:
        """Return the response, or the status of what went wrong.

        `ends_at`: when a solver has to stop, a reading of `time.monotonic` [s].
        """
        try:
            response = self._methods[method](request, ends_at)
        except WattmeshError as error:
            return _failed(error)
        except MemoryError:
            return _failed(
                ResourceExhausted(
                    "SOLVE_TOO_LARGE", "the problem takes more memory than a solve may have"
                )
            )
        except Exception:
            log.exception("%s failed in a worker", method)
            return _failed(internal_error("in a worker's log"))
        return Answer(failed=False, content=response.SerializeToString())

    def _solve_request(self, content: bytes, ends_at: float) -> optimizer_pb2.SolveResponse:
        began = time.monotonic()
        request = optimizer_pb2.SolveRequest.FromString(content)
        problem = problem_from_proto(request.problem)
        plan = self._solve(problem, self._options(request.options, began, ends_at))
        return optimizer_pb2.SolveResponse(plan=plan_to_proto(plan))

    def _explain_request(self, content: bytes, ends_at: float) -> optimizer_pb2.ExplainPlanResponse:
        began = time.monotonic()
        request = optimizer_pb2.ExplainPlanRequest.FromString(content)
        problem = problem_from_proto(request.problem)
        count = problem.horizon.count
        schedule = schedule_from_proto(request.plan, count) if request.HasField("plan") else None
        options = self._options(request.options, began, ends_at)
        explained = self._explain(problem, schedule, options)
        return explained_to_proto(explained, problem.currency_code)

    def _simulate_request(self, content: bytes, _: float) -> optimizer_pb2.SimulatePlanResponse:
        request = optimizer_pb2.SimulatePlanRequest.FromString(content)
        problem = problem_from_proto(request.problem)
        schedule = schedule_from_proto(request.plan, problem.horizon.count)
        plan, violations = self._simulate(problem, schedule)
        return optimizer_pb2.SimulatePlanResponse(
            plan=plan_to_proto(plan), violations=[violation_to_proto(each) for each in violations]
        )

    def _options(
        self, proto: optimizer_pb2.SolveOptions, began: float, ends_at: float
    ) -> SolveOptions:
        """Return how to solve: never beyond the job's end, whatever was asked for.

        The time begins with the work on the request, not with the solver.
        """
        options = options_from_proto(proto, self._defaults)
        whole = timedelta(seconds=max(0.0, ends_at - began))
        spent = timedelta(seconds=time.monotonic() - began)
        return replace(options, time_limit=min(options.time_limit, whole), spent=spent)


def _failed(error: WattmeshError) -> Answer:
    return Answer(failed=True, content=status_from_error(error).SerializeToString())
