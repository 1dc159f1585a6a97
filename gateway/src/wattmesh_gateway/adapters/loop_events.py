"""What a loop did, as its proto."""

from wattmesh.gateway.v1 import loop_policy_pb2 as pb
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_gateway.domain.loop_event import LoopEvent, LoopEventType

_TYPES = {each: pb.LoopEventType.Value(f"LOOP_EVENT_TYPE_{each.name}") for each in LoopEventType}


def loop_event_to_proto(event: LoopEvent) -> pb.LoopEvent:
    """Return an event as its proto."""
    return pb.LoopEvent(
        site=event.site.name,
        device="" if event.device is None else event.device.name,
        type=_TYPES[event.type],
        event_time=timestamp_to_proto(event.event_time),
        value=event.value,
        message=event.message,
    )
