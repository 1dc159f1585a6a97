"""wattmesh.planner.v1.PlannedExchange ↔ plans that held."""

from collections.abc import Iterator, Sequence

from wattmesh.optimizer.v1 import plan_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_from_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.checks import require
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.query_exchanges import HeldPlan

MOST_VALUES = 50_000


def required_starts_from_proto(request: planner_pb2.StreamPlannedExchangeRequest) -> TimeRange:
    """Return the range of starts asked for; InvalidArgument when there is none."""
    require(
        request.HasField("start_range"), "MISSING_FIELD", "start_range is required", "start_range"
    )
    return time_range_from_proto(request.start_range, "start_range")


def exchanges_to_proto(
    held: Sequence[HeldPlan],
) -> Iterator[planner_pb2.StreamPlannedExchangeResponse]:
    """Yield what plans had exchanged, in pieces that are no larger than one plan or the most."""
    piece, values = planner_pb2.StreamPlannedExchangeResponse(), 0
    for each in held:
        exchange = _exchange(each)
        size = sum(len(site.import_powers_w) for site in exchange.sites)
        if piece.exchanges and values + size > MOST_VALUES:
            yield piece
            piece, values = planner_pb2.StreamPlannedExchangeResponse(), 0
        piece.exchanges.append(exchange)
        values += size
    if piece.exchanges:
        yield piece


def _exchange(held: HeldPlan) -> planner_pb2.PlannedExchange:
    """Return a plan's intervals for as long as it held; the last may have begun within."""
    plan = held.plan
    solution = plan_pb2.Plan.FromString(plan.solution or b"")
    count = -((plan.target.start - held.holds.end) // plan.resolution)
    return planner_pb2.PlannedExchange(
        plan=plan.id.name,
        start_time=timestamp_to_proto(plan.target.start),
        resolution=duration_to_proto(plan.resolution),
        sites=[
            planner_pb2.SiteExchange(
                site=site.site_name,
                import_powers_w=site.import_powers_w[:count],
                export_powers_w=site.export_powers_w[:count],
            )
            for site in solution.sites
        ],
    )
