"""Who was at charge points and what was wanted of zones, from usage."""

from collections.abc import Mapping, Sequence
from typing import Any

import grpc

from wattmesh.usage.v1 import charging_pb2, run_pb2, usage_service_pb2, usage_service_pb2_grpc
from wattmesh_analytics.domain.charge_at_once import Stay
from wattmesh_analytics.domain.work import PastRun
from wattmesh_contracts.comfort import wishes_from_proto
from wattmesh_contracts.sites import phase_from_proto
from wattmesh_contracts.values import (
    datetime_from_proto,
    time_range_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.comfort import ZoneWishes
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import Asset, EvChargerRating, rated_power
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors


class GrpcUsage:
    """Asks usage for sessions, schedules and occupancies."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = usage_service_pb2_grpc.UsageServiceStub(channel)

    async def stays(
        self, chargers: Sequence[Asset], span: TimeRange
    ) -> Mapping[AssetId, Sequence[Stay]]:
        """Return the stays of one site's charge points that touch a span."""
        site = chargers[0].id.site
        request = usage_service_pb2.ListChargingSessionsRequest(
            parent=f"{site.name}/assets/-", range=time_range_to_proto(span)
        )
        sessions = await self._all(self._stub.ListChargingSessions, request, "charging_sessions")
        vehicles = {each.vehicle for each in sessions if each.vehicle}
        most = {name: await self._vehicle_w(name) for name in vehicles}
        found = dict[AssetId, list[Stay]]()
        by_name = {each.id.name: each for each in chargers}
        for session in sessions:
            charger = by_name.get("/".join(session.name.split("/")[:4]))
            if charger is not None:
                stay = _stay(session, charger, most.get(session.vehicle))
                found.setdefault(charger.id, []).append(stay)
        return found

    async def runs(
        self, machines: Sequence[Asset], span: TimeRange
    ) -> Mapping[AssetId, Sequence[PastRun]]:
        """Return the runs of one site's machines that ran and touch a span."""
        request = usage_service_pb2.ListDeferrableRunsRequest(
            parent=f"{machines[0].id.site.name}/assets/-", range=time_range_to_proto(span)
        )
        runs = await self._all(self._stub.ListDeferrableRuns, request, "deferrable_runs")
        names = {each.id.name: each.id for each in machines}
        found = dict[AssetId, list[PastRun]]()
        for run in runs:
            machine = names.get("/".join(run.name.split("/")[:4]))
            if machine is not None and run.HasField("actual_range"):
                found.setdefault(machine, []).append(_past_run(run))
        return found

    async def wishes(self, site: SiteId, span: TimeRange) -> Mapping[AssetId, ZoneWishes]:
        """Return what was wanted of each zone of which anything was said."""
        parent = f"{site.name}/assets/-"
        schedules = await self._all(
            self._stub.ListZoneSchedules,
            usage_service_pb2.ListZoneSchedulesRequest(parent=parent),
            "zone_schedules",
        )
        occupancies = await self._all(
            self._stub.ListOccupancies,
            usage_service_pb2.ListOccupanciesRequest(
                parent=parent, range=time_range_to_proto(span)
            ),
            "occupancies",
        )
        return wishes_from_proto(schedules, occupancies)

    async def _vehicle_w(self, name: str) -> float | None:
        try:
            with rpc_errors():
                answer = await self._stub.GetVehicle(usage_service_pb2.GetVehicleRequest(name=name))
        except NotFound:
            return None
        vehicle = answer.vehicle
        return vehicle.max_charge_power_w if vehicle.HasField("max_charge_power_w") else None

    async def _all(self, method: Any, request: Any, field: str) -> list[Any]:
        found: list[Any] = []
        while True:
            with rpc_errors():
                answer = await method(request)
            found += getattr(answer, field)
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token


def _past_run(run: run_pb2.DeferrableRun) -> PastRun:
    return PastRun(
        ran=time_range_from_proto(run.actual_range, "actual_range"),
        earliest=datetime_from_proto(run.earliest_start_time)
        if run.HasField("earliest_start_time")
        else None,
        latest_end=datetime_from_proto(run.latest_end_time),
    )


def _stay(session: charging_pb2.ChargingSession, charger: Asset, vehicle_w: float | None) -> Stay:
    """Return a stay with the most that charge point and vehicle can do together."""
    rating = charger.rating
    assert isinstance(rating, EvChargerRating), "asked of charge points alone"
    phase = phase_from_proto(session.phase) if session.phase else charger.phase
    powers = [rated_power(charger).max_import_w, vehicle_w]
    current = session.max_current_a if session.HasField("max_current_a") else rating.max_current_a
    # A vehicle that was never offered anything was not seen to take anything.
    if current > 0:
        powers.append(current * rating.voltage_v * phase.count)
    return Stay(
        arrival=datetime_from_proto(session.arrival_time),
        departure=datetime_from_proto(session.departure_time)
        if session.HasField("departure_time")
        else None,
        max_power_w=min(each for each in powers if each is not None),
    )
