"""What was planned, from the planner."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import grpc
import numpy as np

from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_analytics.app.operation_ports import Scope
from wattmesh_analytics.domain.operation_indicators import PlanCounts
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.tasks import map_at_most
from wattmesh_runtime.errors import rpc_errors

_PAGE = 1000
_AT_ONCE = 8
_ACCEPTED = (planner_pb2.PLAN_STATE_MADE, planner_pb2.PLAN_STATE_LATE)


class GrpcPlanned:
    """Asks for the plans of a scope; each holds until the next one begins."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = planner_pb2_grpc.PlannerServiceStub(channel)

    async def exchange(
        self, scope: Scope, sites: Sequence[SiteId], span: TimeRange, resolution: timedelta
    ) -> Sequence[Series]:
        """Return each site's planned exchange [Wh per interval], import positive, NaN: none."""
        names = await self._accepted(scope, span)
        starts = sorted(names)
        plans = await map_at_most(_AT_ONCE, self._plan, [names[each] for each in starts])
        count = span.count(resolution)
        found = {site: np.full(count, np.nan) for site in sites}
        for start, end, plan in zip(starts, [*starts[1:], span.end], plans, strict=True):
            _fill(found, plan, TimeRange(start, end), span, resolution)
        return [Series(span.start, resolution, found[site]) for site in sites]

    async def counts(self, scope: Scope, span: TimeRange) -> PlanCounts:
        """Return how many intervals had a plan."""
        request = planner_pb2.GetPlanStatisticsRequest(
            parent=scope.name, start_range=time_range_to_proto(span)
        )
        with rpc_errors():
            answer = await self._stub.GetPlanStatistics(request)
        return PlanCounts(made=answer.made, late=answer.late, failed=answer.failed)

    async def _accepted(self, scope: Scope, span: TimeRange) -> dict[datetime, str]:
        """Return the plans that control took by when they begin; of several the newest."""
        request = planner_pb2.ListPlansRequest(
            parent=scope.name, page_size=_PAGE, start_range=time_range_to_proto(span)
        )
        found = dict[datetime, str]()
        while True:
            with rpc_errors():
                answer = await self._stub.ListPlans(request)
            for plan in answer.plans:
                if plan.state in _ACCEPTED:
                    start = datetime_from_proto(plan.target_range.start_time, "target_range")
                    found.setdefault(start, plan.name)
            request.page_token = answer.next_page_token
            if not request.page_token:
                return found

    async def _plan(self, name: str) -> planner_pb2.Plan:
        with rpc_errors():
            return (await self._stub.GetPlan(planner_pb2.GetPlanRequest(name=name))).plan


def _fill(
    found: dict[SiteId, "np.ndarray[tuple[int], np.dtype[np.float64]]"],
    plan: planner_pb2.Plan,
    holds: TimeRange,
    span: TimeRange,
    resolution: timedelta,
) -> None:
    """Write what a plan says for the time in which it holds; its intervals may be longer ones."""
    horizon = plan.solution.horizon
    step = duration_from_proto(horizon.resolution, "horizon.resolution")
    start = datetime_from_proto(horizon.start_time, "horizon.start_time")
    hours = resolution / timedelta(hours=1)
    first = max((holds.start - span.start) // resolution, 0)
    last = min(-((span.start - holds.end) // resolution), span.count(resolution))
    for site_plan in plan.solution.sites:
        net_wh = found.get(SiteId.parse(site_plan.site_name))
        if net_wh is None:
            continue
        for index in range(first, last):
            at = (span.start + index * resolution - start) // step
            if 0 <= at < len(site_plan.import_powers_w):
                power_w = site_plan.import_powers_w[at] - site_plan.export_powers_w[at]
                net_wh[index] = power_w * hours
