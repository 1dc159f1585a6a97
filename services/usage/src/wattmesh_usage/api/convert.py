"""wattmesh.usage.v1 ↔ what is kept: vehicles, charging sessions, charging needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from google.protobuf.message import Message

from wattmesh.usage.v1 import charging_pb2
from wattmesh_contracts.masks import merged
from wattmesh_contracts.sites import phase_from_proto, phase_to_proto
from wattmesh_contracts.values import (
    optional_datetime_from_proto,
    required_datetime_from_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import ChargingNeedId, ChargingSessionId, DeviceId, VehicleId
from wattmesh_usage.domain.needs import ChargingNeed, NeedState, Urgency
from wattmesh_usage.domain.records import Record
from wattmesh_usage.domain.sessions import ChargingSession, Expectation, SessionState
from wattmesh_usage.domain.vehicles import Vehicle

E = TypeVar("E")
M = TypeVar("M", bound=Message)

_STATES = {
    charging_pb2.CHARGING_SESSION_STATE_WAITING: SessionState.WAITING,
    charging_pb2.CHARGING_SESSION_STATE_CHARGING: SessionState.CHARGING,
    charging_pb2.CHARGING_SESSION_STATE_DISCHARGING: SessionState.DISCHARGING,
    charging_pb2.CHARGING_SESSION_STATE_SUSPENDED_BY_CHARGER: SessionState.SUSPENDED_BY_CHARGER,
    charging_pb2.CHARGING_SESSION_STATE_SUSPENDED_BY_VEHICLE: SessionState.SUSPENDED_BY_VEHICLE,
    charging_pb2.CHARGING_SESSION_STATE_ENDED: SessionState.ENDED,
    charging_pb2.CHARGING_SESSION_STATE_FAULTED: SessionState.FAULTED,
}
_TO_STATE = {state: proto for proto, state in _STATES.items()}
_URGENCIES = {
    charging_pb2.CHARGING_URGENCY_UNSPECIFIED: Urgency.FLEXIBLE,
    charging_pb2.CHARGING_URGENCY_FLEXIBLE: Urgency.FLEXIBLE,
    charging_pb2.CHARGING_URGENCY_SOON: Urgency.SOON,
    charging_pb2.CHARGING_URGENCY_NOW: Urgency.NOW,
    charging_pb2.CHARGING_URGENCY_SURPLUS_ONLY: Urgency.SURPLUS_ONLY,
}
_TO_URGENCY = {urgency: proto for proto, urgency in _URGENCIES.items()}
_TO_NEED_STATE = {
    NeedState.WAITING: charging_pb2.CHARGING_NEED_STATE_WAITING,
    NeedState.ACTIVE: charging_pb2.CHARGING_NEED_STATE_ACTIVE,
    NeedState.MET: charging_pb2.CHARGING_NEED_STATE_MET,
    NeedState.MISSED: charging_pb2.CHARGING_NEED_STATE_MISSED,
    NeedState.CANCELLED: charging_pb2.CHARGING_NEED_STATE_CANCELLED,
}


def vehicle_from_proto(proto: charging_pb2.Vehicle) -> Vehicle:
    """Return a vehicle; InvalidArgument with the field when it makes no sense."""
    return Vehicle(
        id=VehicleId.parse(proto.name),
        display_name=proto.display_name,
        capacity_wh=_optional(proto, "capacity_wh"),
        max_charge_power_w=_optional(proto, "max_charge_power_w"),
        max_current_a=_optional(proto, "max_current_a"),
        phase_count=proto.phase_count,
        max_discharge_power_w=proto.max_discharge_power_w,
        tokens=tuple(proto.tokens),
        owner=proto.owner,
    )


def vehicle_to_proto(record: Record[Vehicle]) -> charging_pb2.Vehicle:
    """Return a vehicle with its etag."""
    vehicle = record.resource
    return charging_pb2.Vehicle(
        name=record.name,
        etag=record.etag,
        display_name=vehicle.display_name,
        capacity_wh=vehicle.capacity_wh,
        max_charge_power_w=vehicle.max_charge_power_w,
        max_current_a=vehicle.max_current_a,
        phase_count=vehicle.phase_count,
        max_discharge_power_w=vehicle.max_discharge_power_w,
        tokens=vehicle.tokens,
        owner=vehicle.owner,
    )


def session_from_proto(proto: charging_pb2.ChargingSession) -> ChargingSession:
    """Return what a charge point reports; need and expectation are not its own."""
    return ChargingSession(
        id=ChargingSessionId.parse(proto.name),
        state=_enum(_STATES, proto.state, "state"),
        arrival_time=required_datetime_from_proto(proto, "arrival_time"),
        measure_time=required_datetime_from_proto(proto, "measure_time"),
        departure_time=_time(proto, "departure_time"),
        vehicle=VehicleId.parse(proto.vehicle, "vehicle") if proto.vehicle else None,
        token=proto.token,
        device=DeviceId.parse(proto.device, "device") if proto.device else None,
        charged_energy_wh=_optional(proto, "charged_energy_wh"),
        discharged_energy_wh=_optional(proto, "discharged_energy_wh"),
        soc_ratio=_optional(proto, "soc_ratio"),
        soc_measure_time=_time(proto, "soc_measure_time"),
        phase=phase_from_proto(proto.phase) if proto.phase else None,
        max_current_a=_optional(proto, "max_current_a"),
    )


def session_to_proto(record: Record[ChargingSession]) -> charging_pb2.ChargingSession:
    """Return a session with its etag, need and expectation."""
    session = record.resource
    proto = charging_pb2.ChargingSession(
        name=record.name,
        etag=record.etag,
        vehicle="" if session.vehicle is None else session.vehicle.name,
        token=session.token,
        device="" if session.device is None else session.device.name,
        state=_TO_STATE[session.state],
        arrival_time=timestamp_to_proto(session.arrival_time),
        measure_time=timestamp_to_proto(session.measure_time),
        charged_energy_wh=session.charged_energy_wh,
        discharged_energy_wh=session.discharged_energy_wh,
        soc_ratio=session.soc_ratio,
        max_current_a=session.max_current_a,
        sated_energy_wh=session.sated_energy_wh,
        charging_need="" if session.need is None else session.need.name,
    )
    for field in ("departure_time", "soc_measure_time"):
        if (moment := getattr(session, field)) is not None:
            getattr(proto, field).CopyFrom(timestamp_to_proto(moment))
    if session.phase is not None:
        proto.phase = phase_to_proto(session.phase)
    if session.expectation is not None:
        proto.expectation.CopyFrom(_expectation_to_proto(session.expectation))
    return proto


def need_from_proto(proto: charging_pb2.ChargingNeed) -> ChargingNeed:
    """Return what somebody needs; state and message are not theirs."""
    return ChargingNeed(
        id=ChargingNeedId.parse(proto.name),
        departure_time=required_datetime_from_proto(proto, "departure_time"),
        vehicle=VehicleId.parse(proto.vehicle, "vehicle") if proto.vehicle else None,
        arrival_time=_time(proto, "arrival_time"),
        energy_wh=_optional(proto, "energy_wh"),
        soc_ratio=_optional(proto, "soc_ratio"),
        immediate_soc_ratio=_optional(proto, "immediate_soc_ratio"),
        urgency=_enum(_URGENCIES, proto.urgency, "urgency"),
        priority=proto.priority,
        discharge_allowed=proto.discharge_allowed,
        min_soc_ratio=_optional(proto, "min_soc_ratio"),
    )


def need_to_proto(record: Record[ChargingNeed]) -> charging_pb2.ChargingNeed:
    """Return a need with its etag and what became of it."""
    need = record.resource
    proto = charging_pb2.ChargingNeed(
        name=record.name,
        etag=record.etag,
        vehicle="" if need.vehicle is None else need.vehicle.name,
        departure_time=timestamp_to_proto(need.departure_time),
        immediate_soc_ratio=need.immediate_soc_ratio,
        urgency=_TO_URGENCY[need.urgency],
        priority=need.priority,
        discharge_allowed=need.discharge_allowed,
        min_soc_ratio=need.min_soc_ratio,
        state=_TO_NEED_STATE[need.state],
        message=need.message,
    )
    if need.arrival_time is not None:
        proto.arrival_time.CopyFrom(timestamp_to_proto(need.arrival_time))
    if need.energy_wh is not None:
        proto.energy_wh = need.energy_wh
    if need.soc_ratio is not None:
        proto.soc_ratio = need.soc_ratio
    return proto


def session_merge(
    given: charging_pb2.ChargingSession, paths: Sequence[str]
) -> Callable[[ChargingSession | None], ChargingSession]:
    """Return what makes the new session out of the kept one: what is ours stays."""

    def make(kept: ChargingSession | None) -> ChargingSession:
        if kept is None:
            return session_from_proto(given)
        before = session_to_proto(Record(resource=kept, revision=0))
        after = session_from_proto(merged_with(before, given, paths))
        return replace(
            after,
            need=kept.need,
            expectation=kept.expectation,
            sated_energy_wh=kept.sated_energy_wh,
        )

    return make


def need_merge(
    given: charging_pb2.ChargingNeed, paths: Sequence[str]
) -> Callable[[ChargingNeed | None], ChargingNeed]:
    """Return what makes the new need out of the kept one: what is ours stays."""

    def make(kept: ChargingNeed | None) -> ChargingNeed:
        if kept is None:
            return need_from_proto(given)
        before = need_to_proto(Record(resource=kept, revision=0))
        after = need_from_proto(merged_with(before, given, paths))
        return replace(after, state=kept.state, message=kept.message)

    return make


def vehicle_merge(
    given: charging_pb2.Vehicle, paths: Sequence[str]
) -> Callable[[Vehicle | None], Vehicle]:
    """Return what makes the new vehicle out of the kept one."""

    def make(kept: Vehicle | None) -> Vehicle:
        if kept is None:
            return vehicle_from_proto(given)
        before = vehicle_to_proto(Record(resource=kept, revision=0))
        return vehicle_from_proto(merged_with(before, given, paths))

    return make


def merged_with(before: M, given: M, paths: Sequence[str]) -> M:
    """Return a kept message with what a given one changes; its name stays."""
    after = merged(before, given, paths)
    after.name = before.name  # type: ignore[attr-defined]
    return after


def _expectation_to_proto(expectation: Expectation) -> charging_pb2.ChargingExpectation:
    return charging_pb2.ChargingExpectation(
        departure_quantiles=[
            charging_pb2.DepartureQuantile(
                ratio=each.ratio, departure_time=timestamp_to_proto(each.departure_time)
            )
            for each in expectation.departures
        ],
        required_energy_wh=expectation.required_energy_wh,
        reason=expectation.reason,
    )


def _enum(known: Mapping[Any, E], number: int, field: str) -> E:
    found = known.get(number)
    if found is None:
        raise InvalidArgument("UNKNOWN_VALUE", f"{number} is no {field}", field=field)
    return found


def _optional(proto: Any, field: str) -> float | None:
    return getattr(proto, field) if proto.HasField(field) else None


def _time(proto: Any, field: str) -> Any:
    return optional_datetime_from_proto(
        getattr(proto, field), present=proto.HasField(field), field=field
    )
