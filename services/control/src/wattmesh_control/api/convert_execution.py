"""wattmesh.control.v1's record, steps and device events ↔ domain."""

from wattmesh.control.v1 import device_event_pb2
from wattmesh.control.v1 import execution_pb2 as pb
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.setpoints import setpoint_kind_to_proto
from wattmesh_contracts.values import (
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_control.api.convert import command_to_proto, state_to_proto
from wattmesh_control.api.convert_moves import moves_to_proto
from wattmesh_control.app.effect_ports import EventQuery, Transition, TransitionQuery
from wattmesh_control.app.read_execution import ExecutionQuery
from wattmesh_control.domain.device_event import DeviceEvent, EventType
from wattmesh_control.domain.execution import Cause, Difference, Execution, ExecutionStep, Stage
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import CommandId

_EVENT_TYPES = {
    each.value: device_event_pb2.DeviceEventType.Value(f"DEVICE_EVENT_TYPE_{each.name}")
    for each in EventType
}
_MOST_MOVES = 100
_UNSAID = setpoint_pb2.SETPOINT_KIND_UNSPECIFIED
_TYPES_FROM_PROTO = {proto: EventType(what) for what, proto in _EVENT_TYPES.items()}
_STAGES = {each: pb.ExecutionStage.Value(f"EXECUTION_STAGE_{each.value.upper()}") for each in Stage}
_CAUSES = {each: pb.ExecutionCause.Value(f"EXECUTION_CAUSE_{each.value.upper()}") for each in Cause}


def execution_query_from_proto(proto: pb.GetExecutionRequest) -> ExecutionQuery:
    """Return whose record is asked for. Error: InvalidArgument."""
    span = time_range_from_proto(proto.range, "range") if proto.HasField("range") else None
    devices = DeviceFilter.parse(proto.device) if proto.HasField("device") else None
    return ExecutionQuery(plan=proto.plan, devices=devices, start_range=span)


def execution_to_proto(execution: Execution) -> pb.GetExecutionResponse:
    """Return a record as its proto."""
    return pb.GetExecutionResponse(
        steps=[_step_to_proto(each) for each in execution.steps],
        planned_energy_kwh=execution.planned_kwh,
        metered_energy_kwh=execution.metered_kwh,
        differences=[_difference_to_proto(each) for each in execution.differences],
        truncated=execution.truncated,
    )


def event_query_from_proto(proto: pb.ListDeviceEventsRequest) -> EventQuery:
    """Return which events are asked for. Error: InvalidArgument."""
    unknown = [each for each in proto.types if each not in _TYPES_FROM_PROTO]
    if unknown:
        raise InvalidArgument("INVALID_VALUE", f"there is no type {unknown[0]}", field="types")
    return EventQuery(
        devices=DeviceFilter.parse(proto.parent),
        span=time_range_from_proto(proto.range, "range") if proto.HasField("range") else None,
        types=frozenset(_TYPES_FROM_PROTO[each] for each in proto.types),
    )


def event_to_proto(event: DeviceEvent) -> device_event_pb2.DeviceEvent:
    """Return an event as its proto; of a type that this version does not know, its words."""
    unknown = device_event_pb2.DEVICE_EVENT_TYPE_UNSPECIFIED
    return device_event_pb2.DeviceEvent(
        device=event.device.name,
        type=_EVENT_TYPES.get(str(event.what), unknown),
        event_time=timestamp_to_proto(event.time),
        message=event.message,
        command="" if event.command is None else event.command.name,
        kind=_UNSAID if event.kind is None else setpoint_kind_to_proto(event.kind),
        value=event.value,
    )


def transition_query_from_proto(proto: pb.ListCommandTransitionsRequest) -> TransitionQuery:
    """Return which steps are asked for. Error: InvalidArgument."""
    record_range = proto.record_range if proto.HasField("record_range") else None
    span = None if record_range is None else time_range_from_proto(record_range, "record_range")
    if proto.parent.startswith("commands/"):
        return TransitionQuery(command=CommandId.parse(proto.parent), span=span)
    return TransitionQuery(devices=DeviceFilter.parse(proto.parent), span=span)


def transition_to_proto(transition: Transition) -> pb.CommandTransition:
    """Return a step in the life of a command as its proto."""
    return pb.CommandTransition(
        command=transition.command.name,
        device=transition.device.name,
        state=state_to_proto(transition.state),
        transition_time=timestamp_to_proto(transition.time),
        record_time=timestamp_to_proto(transition.record_time),
        message=transition.message,
    )


def _step_to_proto(step: ExecutionStep) -> pb.ExecutionStep:
    return pb.ExecutionStep(
        command=command_to_proto(step.command),
        planned_range=time_range_to_proto(step.command.span),
        stage=_STAGES[step.stage],
        planned_energy_kwh=step.planned_kwh,
        metered_energy_kwh=step.metered_kwh,
        differences=[_difference_to_proto(each) for each in step.differences],
        events=[event_to_proto(each) for each in step.events],
        moves=None if step.moves is None else moves_to_proto(step.moves.last(_MOST_MOVES)),
    )


def _difference_to_proto(difference: Difference) -> pb.EnergyDifference:
    return pb.EnergyDifference(
        cause=_CAUSES[difference.cause],
        energy_kwh=difference.energy_kwh,
        message=difference.message,
    )
