"""What the handlers share: the use cases that they call, and the range of a list."""

from dataclasses import dataclass

import grpc

from wattmesh.usage.v1 import usage_service_pb2 as pb
from wattmesh_contracts.values import time_range_from_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_usage.app.charging import KeepNeeds, KeepVehicles, ReportSessions
from wattmesh_usage.app.watch import WatchUsage
from wattmesh_usage.app.wishes import KeepOccupancies, KeepRuns, KeepZoneSchedules

Context = grpc.aio.ServicerContext[object, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageUseCases:
    """What the service does."""

    vehicles: KeepVehicles
    sessions: ReportSessions
    needs: KeepNeeds
    schedules: KeepZoneSchedules
    occupancies: KeepOccupancies
    runs: KeepRuns
    watch: WatchUsage


def span_of(
    request: pb.ListChargingSessionsRequest
    | pb.ListChargingNeedsRequest
    | pb.ListOccupanciesRequest
    | pb.ListDeferrableRunsRequest,
) -> TimeRange | None:
    """Return the range that a list is limited to; None: all."""
    return time_range_from_proto(request.range, "range") if request.HasField("range") else None
