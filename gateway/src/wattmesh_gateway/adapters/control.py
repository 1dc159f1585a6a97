"""The line to control's GatewayLinkService: commands down, reports up."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import grpc

from wattmesh.control.v1 import control_pb2, moves_pb2
from wattmesh.gateway.v1 import (
    clock_pb2,
    gateway_link_pb2,
    gateway_link_pb2_grpc,
    loop_policy_pb2,
)
from wattmesh_contracts.loop_policies import loop_policies_from_proto
from wattmesh_contracts.reserve_signals import reserve_signal_from_proto
from wattmesh_contracts.setpoints import setpoint_kind_from_proto, setpoint_kind_to_proto
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_from_proto,
    timestamp_to_proto,
)
from wattmesh_gateway.adapters.loop_events import loop_event_to_proto
from wattmesh_gateway.app.ports import (
    Activate,
    AskedClock,
    Cancel,
    Dispatch,
    PoliciesTaken,
    Steer,
)
from wattmesh_gateway.domain.command import (
    Command,
    CommandReport,
    CommandState,
    SetpointEvent,
    SetpointEventType,
    SetpointMoves,
)
from wattmesh_gateway.domain.control_time import ControlTime
from wattmesh_gateway.domain.device import DeviceStatus
from wattmesh_gateway.domain.loop_event import LoopEvent
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, Unavailable, WattmeshError
from wattmesh_kernel.ids import CommandId, DeviceId, GatewayId
from wattmesh_runtime.errors import rpc_errors

log = logging.getLogger(__name__)

_MILLISECOND = timedelta(milliseconds=1)

_STATES = {
    CommandState.APPLIED: control_pb2.COMMAND_STATE_APPLIED,
    CommandState.VERIFIED: control_pb2.COMMAND_STATE_VERIFIED,
    CommandState.REFUSED: control_pb2.COMMAND_STATE_REFUSED,
    CommandState.FAILED: control_pb2.COMMAND_STATE_FAILED,
    CommandState.EXPIRED: control_pb2.COMMAND_STATE_EXPIRED,
    CommandState.SUPERSEDED: control_pb2.COMMAND_STATE_SUPERSEDED,
    CommandState.CANCELLED: control_pb2.COMMAND_STATE_CANCELLED,
}


_EVENT_TYPES = {
    SetpointEventType.DRIFTED: gateway_link_pb2.SETPOINT_EVENT_TYPE_DRIFTED,
    SetpointEventType.REAPPLIED: gateway_link_pb2.SETPOINT_EVENT_TYPE_REAPPLIED,
    SetpointEventType.RELEASE_PENDING: gateway_link_pb2.SETPOINT_EVENT_TYPE_RELEASE_PENDING,
    SetpointEventType.RELEASED: gateway_link_pb2.SETPOINT_EVENT_TYPE_RELEASED,
    SetpointEventType.OVERRULED: gateway_link_pb2.SETPOINT_EVENT_TYPE_OVERRULED,
    SetpointEventType.RESTORED: gateway_link_pb2.SETPOINT_EVENT_TYPE_RESTORED,
}


class GrpcControlLink:
    """Dials control as one gateway.

    `clock` stamps; leases end by `steady`, which nobody sets.
    """

    def __init__(
        self, channel: grpc.aio.Channel, gateway: GatewayId, clock: Clock, steady: Clock
    ) -> None:
        self._stub = gateway_link_pb2_grpc.GatewayLinkServiceStub(channel)
        self._gateway = gateway
        self._clock = clock
        self._steady = steady

    @asynccontextmanager
    async def open(self) -> AsyncIterator["GrpcControlStream"]:
        """Open a stream and say who calls; WattmeshError when control is away."""
        call = self._stub.Connect()
        try:
            stream = GrpcControlStream(call, self._clock, self._steady)
            hello = gateway_link_pb2.GatewayHello(
                gateway=self._gateway.name,
                clock_time=timestamp_to_proto(self._clock.now()),
                takes_loop_policies=True,
                takes_reserve_signals=True,
            )
            await stream.write(gateway_link_pb2.ConnectRequest(hello=hello))
            yield stream
        finally:
            call.cancel()


class GrpcControlStream:
    """One stream to control."""

    def __init__(self, call: Any, clock: Clock, steady: Clock) -> None:
        self._call = call
        self._clock = clock
        self._steady = steady
        self._control_time = ControlTime()

    async def report(self, report: CommandReport) -> None:
        """Tell what became of a command; WattmeshError when the stream has broken."""
        proto = gateway_link_pb2.CommandReport(
            command=report.command.name,
            state=_STATES[report.state],
            report_time=timestamp_to_proto(report.report_time),
            value=report.value,
            message=report.message,
            overruled_by=report.overruled_by,
        )
        await self.write(gateway_link_pb2.ConnectRequest(report=proto))

    async def tell(self, status: DeviceStatus) -> None:
        """Tell whether a device answers; WattmeshError when the stream has broken."""
        await self.write(gateway_link_pb2.ConnectRequest(device_status=_status_to_proto(status)))

    async def tell_event(self, event: SetpointEvent) -> None:
        """Tell what happened to a setpoint; WattmeshError when the stream has broken."""
        await self.write(gateway_link_pb2.ConnectRequest(setpoint_event=_event_to_proto(event)))

    async def tell_clock(self, asked: AskedClock) -> None:
        """Tell what the clock shows; WattmeshError when the stream has broken."""
        proto = clock_pb2.ClockReading(
            request_time=timestamp_to_proto(asked.send_time),
            receive_time=timestamp_to_proto(asked.receive_time),
            send_time=timestamp_to_proto(self._clock.now()),
        )
        await self.write(gateway_link_pb2.ConnectRequest(clock_reading=proto))

    async def tell_moves(self, moves: SetpointMoves) -> None:
        """Tell what a loop told a device; WattmeshError when the stream has broken."""
        await self.write(gateway_link_pb2.ConnectRequest(loop_moves=_moves_to_proto(moves)))

    async def tell_loop_event(self, event: LoopEvent) -> None:
        """Tell what a loop did; WattmeshError when the stream has broken."""
        proto = loop_event_to_proto(event)
        await self.write(gateway_link_pb2.ConnectRequest(loop_event=proto))

    async def tell_policies_taken(self, taken: PoliciesTaken) -> None:
        """Tell by which policies loops run; WattmeshError when the stream has broken."""
        proto = loop_policy_pb2.LoopPoliciesTaken(
            issue_time=timestamp_to_proto(taken.issue_time),
            take_time=timestamp_to_proto(taken.time),
        )
        await self.write(gateway_link_pb2.ConnectRequest(loop_policies_taken=proto))

    async def orders(self) -> AsyncIterator[Dispatch | Cancel | AskedClock | Steer | Activate]:
        """Iterate over what control wants until the stream ends; WattmeshError when it breaks."""
        with rpc_errors():
            async for proto in self._call:
                try:
                    order = self._order_from_proto(proto)
                except WattmeshError as error:
                    log.error("control sent what makes no sense: %s", error)
                    continue
                yield order

    def _order_from_proto(
        self, proto: gateway_link_pb2.ConnectResponse
    ) -> Dispatch | Cancel | AskedClock | Steer | Activate:
        match proto.WhichOneof("message"):
            case "dispatch":
                lease_end = self._lease_end(proto.dispatch)
                return Dispatch(command=_command_from_proto(proto.dispatch, lease_end))
            case "cancel":
                return Cancel(
                    command=CommandId.parse(proto.cancel.command),
                    device=DeviceId.parse(proto.cancel.device),
                )
            case "clock_request":
                return self._asked_clock(proto.clock_request)
            case "loop_policies":
                return Steer(policies=loop_policies_from_proto(proto.loop_policies))
            case "reserve_signal":
                return Activate(signal=reserve_signal_from_proto(proto.reserve_signal))
            case other:
                raise InvalidArgument("UNKNOWN_MESSAGE", f"a message with {other}", field="message")

    def _asked_clock(self, proto: clock_pb2.ClockRequest) -> AskedClock:
        sent = datetime_from_proto(proto.send_time, "send_time")
        self._control_time.compare(sent, self._steady.now())
        return AskedClock(send_time=sent, receive_time=self._clock.now())

    def _lease_end(self, proto: gateway_link_pb2.CommandDispatch) -> datetime:
        """Return when the lease ends, by the own steady clock."""
        now = self._steady.now()
        end = datetime_from_proto(proto.lease_expire_time, "lease_expire_time")
        if not proto.HasField("lease_duration"):
            return end + (now - self._clock.now())
        sent = end - duration_from_proto(proto.lease_duration, "lease_duration")
        return self._control_time.own(end, sent, now)

    async def write(self, message: gateway_link_pb2.ConnectRequest) -> None:
        """Write a message; WattmeshError when the stream has broken."""
        with rpc_errors():
            try:
                await self._call.write(message)
            except asyncio.InvalidStateError as error:
                raise Unavailable("STREAM_ENDED", "control ended the stream") from error


def _status_to_proto(status: DeviceStatus) -> gateway_link_pb2.DeviceStatus:
    """Return whether a device answers."""
    return gateway_link_pb2.DeviceStatus(
        device=status.device.name,
        online=status.online,
        change_time=timestamp_to_proto(status.change_time),
        message=status.message,
    )


def _event_to_proto(event: SetpointEvent) -> gateway_link_pb2.SetpointEvent:
    return gateway_link_pb2.SetpointEvent(
        command=event.command.id.name,
        device=event.command.device.name,
        kind=setpoint_kind_to_proto(event.command.kind),
        type=_EVENT_TYPES[event.type],
        event_time=timestamp_to_proto(event.event_time),
        value=event.value,
        message=event.message,
    )


def _moves_to_proto(told: SetpointMoves) -> gateway_link_pb2.LoopMoves:
    start = told.moves[0].time
    moves = moves_pb2.SetpointMoves(
        start_time=timestamp_to_proto(start),
        offsets_ms=[round((each.time - start) / _MILLISECOND) for each in told.moves],
        powers_w=[each.power_w for each in told.moves],
    )
    return gateway_link_pb2.LoopMoves(
        command=told.command.id.name,
        device=told.command.device.name,
        moves=moves,
        moves_before=told.before,
    )


def _command_from_proto(
    proto: gateway_link_pb2.CommandDispatch, lease_expire_time: datetime
) -> Command:
    require(math.isfinite(proto.value), "INVALID_VALUE", f"{proto.value} is no value", "value")
    return Command(
        id=CommandId.parse(proto.command),
        device=DeviceId.parse(proto.device),
        kind=setpoint_kind_from_proto(proto.kind),
        value=proto.value,
        lease_expire_time=lease_expire_time,
        sequence=proto.sequence,
        trace_parent=proto.trace_parent,
        owner=proto.owner,
    )
