"""What people want of zones and deferrable loads, from usage, which is told of runs."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import grpc

from wattmesh.usage.v1 import run_pb2, usage_service_pb2, usage_service_pb2_grpc
from wattmesh_contracts.comfort import by_asset, wishes_from_proto
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_from_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import SiteWishes
from wattmesh_planner.domain.runs import Run, RunNews, RunState
from wattmesh_planner.domain.thermal import with_after
from wattmesh_runtime.errors import rpc_errors

_STATES = {
    run_pb2.RUN_STATE_REQUESTED: RunState.REQUESTED,
    run_pb2.RUN_STATE_PLANNED: RunState.PLANNED,
    run_pb2.RUN_STATE_RUNNING: RunState.RUNNING,
    run_pb2.RUN_STATE_PAUSED: RunState.PAUSED,
}
_TOLD = {
    "planned": run_pb2.RUN_STATE_PLANNED,
    "running": run_pb2.RUN_STATE_RUNNING,
    "paused": run_pb2.RUN_STATE_PAUSED,
    "done": run_pb2.RUN_STATE_DONE,
}


class GrpcWishes:
    """Asks usage for schedules, occupancies and runs of a site, and reports runs."""

    def __init__(self, channel: grpc.aio.Channel, deadline_seconds: float) -> None:
        self._stub = usage_service_pb2_grpc.UsageServiceStub(channel)
        self._deadline_seconds = deadline_seconds

    async def wishes(self, site: SiteId, span: TimeRange) -> SiteWishes:
        """Return what is wanted of each asset of a site within a span, and runs that are open."""
        parent = f"{site.name}/assets/-"
        pb = usage_service_pb2
        schedules = await self._all(
            self._stub.ListZoneSchedules,
            pb.ListZoneSchedulesRequest(parent=parent),
            "zone_schedules",
        )
        within = time_range_to_proto(span)
        occupancies = await self._all(
            self._stub.ListOccupancies,
            pb.ListOccupanciesRequest(parent=parent, range=time_range_to_proto(with_after(span))),
            "occupancies",
        )
        runs = await self._all(
            self._stub.ListDeferrableRuns,
            pb.ListDeferrableRunsRequest(parent=parent, range=within),
            "deferrable_runs",
        )
        return SiteWishes(zones=wishes_from_proto(schedules, occupancies), runs=_runs(runs))

    async def tell(self, news: RunNews) -> None:
        """Report what is planned for a run and metered of it."""
        if news.state not in _TOLD:
            return
        request = usage_service_pb2.ReportDeferrableRunRequest(
            name=news.run,
            state=_TOLD[news.state],
            report_time=timestamp_to_proto(news.report_time),
            planned_range=None if news.planned is None else time_range_to_proto(news.planned),
            actual_range=None if news.actual is None else time_range_to_proto(news.actual),
            used_energy_wh=news.used_wh,
        )
        with rpc_errors():
            await self._stub.ReportDeferrableRun(request, timeout=self._deadline_seconds)

    async def _all(self, method: Any, request: Any, field: str) -> list[Any]:
        found: list[Any] = []
        while True:
            with rpc_errors():
                answer = await method(request, timeout=self._deadline_seconds)
            found += getattr(answer, field)
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token


def _runs(protos: list[run_pb2.DeferrableRun]) -> Mapping[AssetId, tuple[Run, ...]]:
    open_ = [proto for proto in protos if proto.state in _STATES]
    return {asset: tuple(runs) for asset, runs in by_asset(open_, _run).items()}


def _run(proto: run_pb2.DeferrableRun) -> Run:
    profile = proto.profile if proto.HasField("profile") else None
    actual = time_range_from_proto(proto.actual_range) if proto.HasField("actual_range") else None
    return Run(
        name=proto.name,
        latest_end=datetime_from_proto(proto.latest_end_time),
        earliest_start=datetime_from_proto(proto.earliest_start_time)
        if proto.HasField("earliest_start_time")
        else None,
        profile_w=() if profile is None else tuple(profile.powers_w),
        profile_resolution=timedelta(0)
        if profile is None
        else duration_from_proto(profile.resolution),
        energy_wh=proto.energy.energy_wh if proto.HasField("energy") else None,
        priority=proto.priority,
        state=_STATES[proto.state],
        planned=time_range_from_proto(proto.planned_range)
        if proto.HasField("planned_range")
        else None,
        began=None if actual is None else actual.start,
    )
