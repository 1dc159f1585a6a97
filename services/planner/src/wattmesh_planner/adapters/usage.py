"""Who is at the charge points, from usage."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import grpc

from wattmesh.usage.v1 import charging_pb2, usage_service_pb2, usage_service_pb2_grpc
from wattmesh_contracts.sites import phase_from_proto
from wattmesh_contracts.values import datetime_from_proto, time_range_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.charging import (
    ChargingExpectation,
    ChargingNeed,
    ChargingSession,
    DepartureQuantile,
    Urgency,
)
from wattmesh_runtime.errors import rpc_errors

_URGENCIES = {
    charging_pb2.CHARGING_URGENCY_SOON: Urgency.SOON,
    charging_pb2.CHARGING_URGENCY_NOW: Urgency.NOW,
    charging_pb2.CHARGING_URGENCY_SURPLUS_ONLY: Urgency.SURPLUS_ONLY,
}
_TAKES_NOTHING = (
    charging_pb2.CHARGING_SESSION_STATE_SUSPENDED_BY_VEHICLE,
    charging_pb2.CHARGING_SESSION_STATE_FAULTED,
)


_UNKNOWN = charging_pb2.Vehicle()
_CLOCKS_APART = timedelta(minutes=5)
"""By how much a charge point's clock may be ahead: who has just come shall be seen."""


class GrpcSessions:
    """Asks usage for the sessions of a site, their needs, and the vehicles that are known."""

    def __init__(self, channel: grpc.aio.Channel, clock: Clock, deadline_seconds: float) -> None:
        self._stub = usage_service_pb2_grpc.UsageServiceStub(channel)
        self._clock = clock
        self._deadline_seconds = deadline_seconds

    async def sessions(self, site: SiteId) -> Mapping[AssetId, ChargingSession]:
        """Return the vehicle that is at each charge point of a site, where one is."""
        with rpc_errors():
            found = await self._open_sessions(f"{site.name}/assets/-")
            needs = [await self._need(session) for session in found]
            vehicles = [await self._vehicle(session) for session in found]
        return {
            _asset_of(proto.name): session_from_proto(proto, need, vehicle)
            for proto, need, vehicle in zip(found, needs, vehicles, strict=True)
        }

    async def _open_sessions(self, parent: str) -> list[charging_pb2.ChargingSession]:
        now = self._clock.now()
        request = usage_service_pb2.ListChargingSessionsRequest(
            parent=parent, range=time_range_to_proto(TimeRange.of(now, _CLOCKS_APART))
        )
        found: list[charging_pb2.ChargingSession] = []
        while True:
            answer = await self._stub.ListChargingSessions(request, timeout=self._deadline_seconds)
            found += (each for each in answer.charging_sessions if _is_there(each))
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def _need(
        self, session: charging_pb2.ChargingSession
    ) -> charging_pb2.ChargingNeed | None:
        if not session.charging_need:
            return None
        request = usage_service_pb2.GetChargingNeedRequest(name=session.charging_need)
        answer = await self._stub.GetChargingNeed(request, timeout=self._deadline_seconds)
        return answer.charging_need

    async def _vehicle(self, session: charging_pb2.ChargingSession) -> charging_pb2.Vehicle:
        """Return what is known of the vehicle; nothing where nobody knows which one it is."""
        if not session.vehicle:
            return _UNKNOWN
        request = usage_service_pb2.GetVehicleRequest(name=session.vehicle)
        try:
            with rpc_errors():
                answer = await self._stub.GetVehicle(request, timeout=self._deadline_seconds)
        except NotFound:
            return _UNKNOWN
        return answer.vehicle


def session_from_proto(
    proto: charging_pb2.ChargingSession,
    need: charging_pb2.ChargingNeed | None,
    vehicle: charging_pb2.Vehicle,
) -> ChargingSession:
    """Return a session with its need, its vehicle's capacity and the most current that both told.

    A car that draws 10 A of the 16 that a charge point has needs the time for it.
    """
    currents = (_optional(proto, "max_current_a"), _optional(vehicle, "max_current_a"))
    charged_wh = _optional(proto, "charged_energy_wh")
    if charged_wh is not None:
        charged_wh -= proto.discharged_energy_wh
    return ChargingSession(
        id=proto.name.rpartition("/")[2],
        arrival_time=datetime_from_proto(proto.arrival_time),
        measure_time=datetime_from_proto(proto.measure_time),
        charged_energy_wh=charged_wh,
        soc_ratio=_optional(proto, "soc_ratio"),
        capacity_wh=_optional(vehicle, "capacity_wh"),
        takes=proto.state not in _TAKES_NOTHING and not proto.HasField("sated_energy_wh"),
        phase=phase_from_proto(proto.phase) if proto.phase else None,
        max_current_a=min((each for each in currents if each), default=None),
        need=None if need is None else _need_from_proto(need),
        expectation=_expectation(proto) if proto.HasField("expectation") else None,
    )


def _need_from_proto(proto: charging_pb2.ChargingNeed) -> ChargingNeed:
    return ChargingNeed(
        departure_time=datetime_from_proto(proto.departure_time),
        energy_wh=_optional(proto, "energy_wh"),
        soc_ratio=_optional(proto, "soc_ratio"),
        immediate_soc_ratio=_optional(proto, "immediate_soc_ratio"),
        urgency=_URGENCIES.get(proto.urgency, Urgency.FLEXIBLE),
        priority=proto.priority,
        discharge_allowed=proto.discharge_allowed,
        min_soc_ratio=_optional(proto, "min_soc_ratio"),
    )


def _expectation(proto: charging_pb2.ChargingSession) -> ChargingExpectation:
    known = proto.expectation
    return ChargingExpectation(
        departures=tuple(
            DepartureQuantile(
                ratio=each.ratio, departure_time=datetime_from_proto(each.departure_time)
            )
            for each in known.departure_quantiles
        ),
        required_energy_wh=known.required_energy_wh,
        reason=known.reason,
    )


def _is_there(proto: charging_pb2.ChargingSession) -> bool:
    return not proto.HasField("departure_time")


def _asset_of(session: str) -> AssetId:
    return AssetId.parse("/".join(session.split("/")[:4]))


def _optional(proto: Any, field: str) -> float | None:
    return getattr(proto, field) if proto.HasField(field) else None
