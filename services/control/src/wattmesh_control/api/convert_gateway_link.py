"""The lines to gateways ↔ wattmesh.gateway.v1.GatewayLink."""

from wattmesh.gateway.v1 import link_pb2 as pb
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_control.app.gateway_links import GatewayLinkState
from wattmesh_control.domain.clock_skew import ClockSkew, ClockState
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import GatewayId

_COLLECTION = "gatewayLinks/"

_STATES = {
    ClockState.AGREES: pb.CLOCK_STATE_AGREES,
    ClockState.OFF: pb.CLOCK_STATE_OFF,
    ClockState.REFUSED: pb.CLOCK_STATE_REFUSED,
}


def gateway_from_link_name(name: str) -> GatewayId:
    """Return whose line a name is. Error: InvalidArgument."""
    if not name.startswith(_COLLECTION):
        raise InvalidArgument("INVALID_NAME", f"{name!r} is no gatewayLinks/…", field="name")
    return GatewayId(name.removeprefix(_COLLECTION))


def gateway_link_to_proto(state: GatewayLinkState) -> pb.GatewayLink:
    """Return a line as its proto."""
    skew = state.clock_skew
    return pb.GatewayLink(
        name=f"{_COLLECTION}{state.gateway.segment}",
        gateway=state.gateway.name,
        connected=state.connected,
        change_time=timestamp_to_proto(state.change_time),
        clock_skew=None if skew is None else _skew_to_proto(skew),
    )


def _skew_to_proto(skew: ClockSkew) -> pb.ClockSkew:
    return pb.ClockSkew(
        state=_STATES[skew.state],
        skew=duration_to_proto(skew.skew),
        uncertainty=duration_to_proto(skew.uncertainty),
        compare_time=timestamp_to_proto(skew.compare_time),
        message=skew.message,
    )
