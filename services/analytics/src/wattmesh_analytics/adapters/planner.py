"""What was planned, from the planner."""

from collections.abc import Sequence
from datetime import timedelta

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
from wattmesh_runtime.errors import rpc_errors


class GrpcPlanned:
    """Asks for the plans of a scope; each holds until the next one begins."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = planner_pb2_grpc.PlannerServiceStub(channel)

    async def exchange(
        self, scope: Scope, sites: Sequence[SiteId], span: TimeRange, resolution: timedelta
    ) -> Sequence[Series]:
        """Return each site's planned exchange [Wh per interval], import positive, NaN: none."""
        count = span.count(resolution)
        found = {site: np.full(count, np.nan) for site in sites}
        request = planner_pb2.StreamPlannedExchangeRequest(
            parent=scope.name, start_range=time_range_to_proto(span)
        )
        with rpc_errors():
            async for piece in self._stub.StreamPlannedExchange(request):
                for exchange in piece.exchanges:
                    _fill(found, exchange, span, resolution)
        return [Series(span.start, resolution, found[site]) for site in sites]

    async def counts(self, scope: Scope, span: TimeRange) -> PlanCounts:
        """Return how many intervals had a plan."""
        request = planner_pb2.GetPlanStatisticsRequest(
            parent=scope.name, start_range=time_range_to_proto(span)
        )
        with rpc_errors():
            answer = await self._stub.GetPlanStatistics(request)
        return PlanCounts(made=answer.made, late=answer.late, failed=answer.failed)


def _fill(
    found: dict[SiteId, "np.ndarray[tuple[int], np.dtype[np.float64]]"],
    exchange: planner_pb2.PlannedExchange,
    span: TimeRange,
    resolution: timedelta,
) -> None:
    """Write what a plan says for the time in which it held; its intervals may be longer ones.

    Plans come by when they begin: what a later one says of the same time takes the place.
    """
    step = duration_from_proto(exchange.resolution, "resolution")
    start = datetime_from_proto(exchange.start_time, "start_time")
    hours = resolution / timedelta(hours=1)
    offset = (start - span.start).total_seconds()
    first = max(-((span.start - start) // resolution), 0)
    for site in exchange.sites:
        net_wh = found.get(SiteId.parse(site.site))
        if net_wh is None:
            continue
        net_w = np.subtract(site.import_powers_w, site.export_powers_w)
        last = min(-((span.start - start - len(net_w) * step) // resolution), len(net_wh))
        since_start = np.arange(first, last) * resolution.total_seconds() - offset
        net_wh[first:last] = net_w[(since_start // step.total_seconds()).astype(int)] * hours
