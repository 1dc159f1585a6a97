"""wattmesh.type.v1.SetpointKind ↔ the kernel's."""

from wattmesh.type.v1 import setpoint_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.setpoints import SetpointKind

_FROM_PROTO = {
    setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W: SetpointKind.ACTIVE_POWER_W,
    setpoint_pb2.SETPOINT_KIND_GENERATION_LIMIT_W: SetpointKind.GENERATION_LIMIT_W,
    setpoint_pb2.SETPOINT_KIND_CURRENT_A: SetpointKind.CURRENT_A,
    setpoint_pb2.SETPOINT_KIND_TEMPERATURE_CELSIUS: SetpointKind.TEMPERATURE_CELSIUS,
    setpoint_pb2.SETPOINT_KIND_ON_OFF: SetpointKind.ON_OFF,
    setpoint_pb2.SETPOINT_KIND_REACTIVE_POWER_VAR: SetpointKind.REACTIVE_POWER_VAR,
    setpoint_pb2.SETPOINT_KIND_CONSUMPTION_LIMIT_W: SetpointKind.CONSUMPTION_LIMIT_W,
}
_TO_PROTO = {kind: proto for proto, kind in _FROM_PROTO.items()}


def setpoint_kind_from_proto(
    kind: setpoint_pb2.SetpointKind.ValueType, field: str = "kind"
) -> SetpointKind:
    """Return a kind; InvalidArgument naming `field` for none or one that is not known."""
    found = _FROM_PROTO.get(kind)
    if found is None:
        raise InvalidArgument("UNKNOWN_VALUE", f"{kind} is no kind of setpoint", field=field)
    return found


def setpoint_kind_to_proto(kind: SetpointKind) -> setpoint_pb2.SetpointKind.ValueType:
    """Return a kind as its proto."""
    return _TO_PROTO[kind]
