"""Holds and dry runs ↔ wattmesh.control.v1."""

from wattmesh.control.v1 import dry_run_pb2, hold_pb2, release_pb2
from wattmesh_contracts.setpoints import setpoint_kind_from_proto, setpoint_kind_to_proto
from wattmesh_contracts.values import (
    optional_datetime_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_control.api.convert import outcome_to_proto
from wattmesh_control.app.dry_run import Forecast
from wattmesh_control.app.place_hold import HoldOrder
from wattmesh_control.app.read_holds import HeldDevice, SeenHold
from wattmesh_control.domain.hold import HeldSetpoint, Hold, HoldKind, Released
from wattmesh_control.domain.limits import Accepted, Clamped, Refused
from wattmesh_control.domain.release import ReleaseState
from wattmesh_kernel.errors import InvalidArgument

_KINDS = {
    hold_pb2.HOLD_KIND_SETPOINT: HoldKind.SETPOINT,
    hold_pb2.HOLD_KIND_OPT_OUT: HoldKind.OPT_OUT,
    hold_pb2.HOLD_KIND_STOP: HoldKind.STOP,
}
_KINDS_TO_PROTO = {kind: proto for proto, kind in _KINDS.items()}

RELEASE_STATES = {
    ReleaseState.PENDING: release_pb2.RELEASE_STATE_PENDING,
    ReleaseState.RELEASED: release_pb2.RELEASE_STATE_RELEASED,
}


def hold_order_from_proto(proto: hold_pb2.PlaceHoldRequest) -> HoldOrder:
    """Return what somebody wants to be held. Error: InvalidArgument."""
    hold = proto.hold
    if hold.kind not in _KINDS:
        raise InvalidArgument("MISSING_FIELD", "kind is required", field="hold.kind")
    return HoldOrder(
        request_id=proto.request_id,
        subject=hold.subject,
        kind=_KINDS[hold.kind],
        owner=hold.owner,
        reason=hold.reason,
        expire_time=optional_datetime_from_proto(
            hold.expire_time, present=hold.HasField("expire_time"), field="hold.expire_time"
        ),
        setpoint=_setpoint(hold),
    )


def hold_to_proto(seen: SeenHold) -> hold_pb2.Hold:
    """Return a hold, and what became of its devices, as its proto."""
    proto = _hold_to_proto(seen.hold)
    proto.in_force = seen.in_force
    proto.devices.extend(_device_to_proto(each) for each in seen.devices)
    return proto


def forecast_to_proto(each: Forecast) -> dry_run_pb2.DryRunInterval:
    """Return what would become of a setpoint as its proto."""
    proto = dry_run_pb2.DryRunInterval(
        device=each.device.name,
        range=time_range_to_proto(each.span),
        requested_value=each.requested_value,
        outcome=outcome_to_proto(each.answer),
        limited_by=each.limited_by,
        held_by=each.held_by,
        outranked_by=each.outranked_by,
    )
    match each.answer:
        case Accepted(value):
            proto.value = value
        case Clamped(value, reason):
            proto.value, proto.message = value, reason
        case Refused(reason):
            proto.message = reason
    return proto


def _setpoint(hold: hold_pb2.Hold) -> HeldSetpoint | None:
    if not hold.HasField("value"):
        return None
    return HeldSetpoint(kind=setpoint_kind_from_proto(hold.setpoint_kind), value=hold.value)


def _hold_to_proto(hold: Hold) -> hold_pb2.Hold:
    proto = hold_pb2.Hold(
        name=hold.hold.name,
        subject=hold.subject,
        kind=_KINDS_TO_PROTO[hold.kind],
        owner=hold.owner,
        reason=hold.reason,
        create_time=timestamp_to_proto(hold.create_time),
    )
    if hold.expire_time is not None:
        proto.expire_time.CopyFrom(timestamp_to_proto(hold.expire_time))
    if hold.setpoint is not None:
        proto.setpoint_kind = setpoint_kind_to_proto(hold.setpoint.kind)
        proto.value = hold.setpoint.value
    if hold.released is not None:
        _put_release(proto, hold.released)
    return proto


def _put_release(proto: hold_pb2.Hold, released: Released) -> None:
    proto.release_time.CopyFrom(timestamp_to_proto(released.time))
    proto.release_owner, proto.release_reason = released.owner, released.reason


def _device_to_proto(each: HeldDevice) -> hold_pb2.HeldDevice:
    return hold_pb2.HeldDevice(
        device=each.device.name,
        state=RELEASE_STATES[each.state],
        reached=each.reached,
        message=each.message,
        change_time=None if each.change_time is None else timestamp_to_proto(each.change_time),
    )
