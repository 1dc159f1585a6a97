"""wattmesh.gateway.v1's link ↔ use cases."""

import math
from datetime import datetime
from typing import assert_never

from wattmesh.gateway.v1 import clock_pb2, loop_policy_pb2
from wattmesh.gateway.v1 import gateway_link_pb2 as pb
from wattmesh_contracts.loop_policies import loop_policies_to_proto
from wattmesh_contracts.reserve_signals import reserve_signal_to_proto
from wattmesh_contracts.setpoints import setpoint_kind_to_proto
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_to_proto,
    required_datetime_from_proto,
    timestamp_to_proto,
)
from wattmesh_control.api.convert import state_from_proto
from wattmesh_control.api.convert_moves import moves_from_proto
from wattmesh_control.app.links import AskClock, Carry, Outgoing, PoliciesTaken, TakeBack
from wattmesh_control.app.record_reports import (
    CommandReport,
    DeviceStatus,
    GatewayMessage,
    LoopNews,
    MovesNews,
    SetpointNews,
)
from wattmesh_control.domain.clock_skew import ClockReading
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.life import Reported
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import CommandId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.loop_policy import LoopPolicySet
from wattmesh_kernel.reserve_signal import ReserveSignal

_SETPOINT_EVENT = "SETPOINT_EVENT_TYPE_"

LONGEST_MESSAGE = 1000
"""Of a gateway's words, so many characters are kept."""


def gateway_from_hello(proto: pb.ConnectRequest) -> GatewayId:
    """Return who dials in. Error: InvalidArgument when the message is no hello."""
    if proto.WhichOneof("message") != "hello":
        raise InvalidArgument("HELLO_EXPECTED", "the first message must be hello", field="hello")
    return GatewayId.parse(proto.hello.gateway)


def message_from_proto(proto: pb.ConnectRequest, now: datetime) -> GatewayMessage:
    """Return what a gateway says; a time that is absent is `now`. Error: InvalidArgument."""
    match proto.WhichOneof("message"):
        case "report":
            return _report_from_proto(proto.report, now)
        case "device_status":
            return _status_from_proto(proto.device_status, now)
        case "setpoint_event":
            return _setpoint_from_proto(proto.setpoint_event, now)
        case "loop_event":
            return _loop_from_proto(proto.loop_event, now)
        case "loop_moves":
            return _moves_from_proto(proto.loop_moves)
        case _:
            raise InvalidArgument("UNEXPECTED_MESSAGE", "a message that this version does not know")


def policies_taken_from_proto(
    proto: loop_policy_pb2.LoopPoliciesTaken, now: datetime
) -> PoliciesTaken:
    """Return by which policies a gateway runs; a time that is absent is `now`.

    Error: InvalidArgument.
    """
    time = now
    if proto.HasField("take_time"):
        time = datetime_from_proto(proto.take_time, "loop_policies_taken.take_time")
    return PoliciesTaken(issue_time=required_datetime_from_proto(proto, "issue_time"), time=time)


def clock_reading_from_proto(proto: clock_pb2.ClockReading, now: datetime) -> ClockReading:
    """Return what a gateway's clock showed, heard `now`. Error: InvalidArgument."""
    return ClockReading(
        ask_time=required_datetime_from_proto(proto, "request_time"),
        receive_time=required_datetime_from_proto(proto, "receive_time"),
        answer_time=required_datetime_from_proto(proto, "send_time"),
        hear_time=now,
    )


def order_to_proto(order: Outgoing, now: datetime) -> pb.ConnectResponse:
    """Return an order that goes out `now` as the message to its gateway."""
    match order:
        case Carry(command):
            return pb.ConnectResponse(dispatch=_dispatch_to_proto(command, now))
        case TakeBack(command):
            cancel = pb.CommandCancel(command=command.command.name, device=command.device.name)
            return pb.ConnectResponse(cancel=cancel)
        case LoopPolicySet():
            return pb.ConnectResponse(loop_policies=loop_policies_to_proto(order))
        case ReserveSignal():
            return pb.ConnectResponse(reserve_signal=reserve_signal_to_proto(order))
        case AskClock():
            request = clock_pb2.ClockRequest(send_time=timestamp_to_proto(now))
            return pb.ConnectResponse(clock_request=request)
        case _:
            assert_never(order)


def _dispatch_to_proto(command: Command, now: datetime) -> pb.CommandDispatch:
    assert command.lease_expire_time is not None, "only leased commands are sent"
    return pb.CommandDispatch(
        command=command.command.name,
        device=command.device.name,
        kind=setpoint_kind_to_proto(command.kind),
        value=command.value,
        lease_expire_time=timestamp_to_proto(command.lease_expire_time),
        lease_duration=duration_to_proto(command.lease_expire_time - now),
        sequence=command.number,
        owner=command.owner,
    )


def _report_from_proto(proto: pb.CommandReport, now: datetime) -> CommandReport:
    value = proto.value if proto.HasField("value") and math.isfinite(proto.value) else None
    if proto.overruled_by:
        value = None  # what the device holds is its loop's, and says nothing of the command
    time = now
    if proto.HasField("report_time"):
        time = datetime_from_proto(proto.report_time, "report.report_time")
    reported = Reported(
        state=state_from_proto(proto.state), time=time, value=value, message=_words(proto.message)
    )
    return CommandReport(command=CommandId.parse(proto.command), reported=reported)


def _status_from_proto(proto: pb.DeviceStatus, now: datetime) -> DeviceStatus:
    time = now
    if proto.HasField("change_time"):
        time = datetime_from_proto(proto.change_time, "device_status.change_time")
    return DeviceStatus(
        device=DeviceId.parse(proto.device),
        online=proto.online,
        time=time,
        message=_words(proto.message),
    )


def _setpoint_from_proto(proto: pb.SetpointEvent, now: datetime) -> SetpointNews:
    if proto.type not in pb.SetpointEventType.values() or not proto.type:
        raise InvalidArgument("UNKNOWN_VALUE", "no known type of a setpoint event", field="type")
    time = now
    if proto.HasField("event_time"):
        time = datetime_from_proto(proto.event_time, "setpoint_event.event_time")
    held = proto.HasField("value") and math.isfinite(proto.value)
    return SetpointNews(
        command=CommandId.parse(proto.command),
        device=DeviceId.parse(proto.device),
        what=pb.SetpointEventType.Name(proto.type).removeprefix(_SETPOINT_EVENT).lower(),
        time=time,
        message=_words(proto.message),
        value=proto.value if held else None,
    )


def _loop_from_proto(proto: loop_policy_pb2.LoopEvent, now: datetime) -> LoopNews:
    types = loop_policy_pb2.LoopEventType
    if proto.type not in types.values() or not proto.type:
        raise InvalidArgument("UNKNOWN_VALUE", "no known type of a loop's event", field="type")
    time = now
    if proto.HasField("event_time"):
        time = datetime_from_proto(proto.event_time, "loop_event.event_time")
    return LoopNews(
        site=SiteId.parse(proto.site),
        device=DeviceId.parse(proto.device) if proto.device else None,
        what=types.Name(proto.type).removeprefix("LOOP_EVENT_TYPE_").lower(),
        time=time,
        message=_words(proto.message),
    )


def _moves_from_proto(proto: pb.LoopMoves) -> MovesNews:
    require(proto.moves_before >= 0, "INVALID_VALUE", "a negative count", "loop_moves.moves_before")
    return MovesNews(
        command=CommandId.parse(proto.command),
        device=DeviceId.parse(proto.device),
        before=proto.moves_before,
        moves=moves_from_proto(proto.moves, "loop_moves.moves"),
    )


def _words(message: str) -> str:
    """Return a gateway's words as they can be kept: printable, and not without end."""
    return "".join(each if each.isprintable() else " " for each in message[:LONGEST_MESSAGE])
