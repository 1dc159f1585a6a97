"""The line to control's GatewayLinkService: commands down, reports up."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from wattmesh.control.v1 import control_pb2
from wattmesh.gateway.v1 import gateway_link_pb2, gateway_link_pb2_grpc
from wattmesh_contracts.setpoints import setpoint_kind_from_proto, setpoint_kind_to_proto
from wattmesh_contracts.values import datetime_from_proto, timestamp_to_proto
from wattmesh_gateway.app.ports import Cancel, Dispatch
from wattmesh_gateway.domain.command import (
    Command,
    CommandReport,
    CommandState,
    SetpointEvent,
    SetpointEventType,
)
from wattmesh_gateway.domain.device import DeviceStatus
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument, Unavailable, WattmeshError
from wattmesh_kernel.ids import CommandId, DeviceId, GatewayId
from wattmesh_runtime.errors import rpc_errors

log = logging.getLogger(__name__)

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
}


class GrpcControlLink:
    """Dials control as one gateway."""

    def __init__(self, channel: grpc.aio.Channel, gateway: GatewayId) -> None:
        self._stub = gateway_link_pb2_grpc.GatewayLinkServiceStub(channel)
        self._gateway = gateway

    @asynccontextmanager
    async def open(self) -> AsyncIterator["GrpcControlStream"]:
        """Open a stream and say who calls; WattmeshError when control is away."""
        call = self._stub.Connect()
        try:
            stream = GrpcControlStream(call)
            hello = gateway_link_pb2.GatewayHello(gateway=self._gateway.name)
            await stream.write(gateway_link_pb2.ConnectRequest(hello=hello))
            yield stream
        finally:
            call.cancel()


class GrpcControlStream:
    """One stream to control."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def report(self, report: CommandReport) -> None:
        """Tell what became of a command; WattmeshError when the stream has broken."""
        proto = gateway_link_pb2.CommandReport(
            command=report.command.name,
            state=_STATES[report.state],
            report_time=timestamp_to_proto(report.report_time),
            value=report.value,
            message=report.message,
        )
        await self.write(gateway_link_pb2.ConnectRequest(report=proto))

    async def tell(self, status: DeviceStatus) -> None:
        """Tell whether a device answers; WattmeshError when the stream has broken."""
        await self.write(gateway_link_pb2.ConnectRequest(device_status=_status_to_proto(status)))

    async def tell_event(self, event: SetpointEvent) -> None:
        """Tell what happened to a setpoint; WattmeshError when the stream has broken."""
        await self.write(gateway_link_pb2.ConnectRequest(setpoint_event=_event_to_proto(event)))

    async def orders(self) -> AsyncIterator[Dispatch | Cancel]:
        """Iterate over what control wants until the stream ends; WattmeshError when it breaks."""
        with rpc_errors():
            async for proto in self._call:
                try:
                    order = _order_from_proto(proto)
                except WattmeshError as error:
                    log.error("control sent what makes no sense: %s", error)
                    continue
                yield order

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


def _order_from_proto(proto: gateway_link_pb2.ConnectResponse) -> Dispatch | Cancel:
    match proto.WhichOneof("message"):
        case "dispatch":
            return Dispatch(command=_command_from_proto(proto.dispatch))
        case "cancel":
            return Cancel(
                command=CommandId.parse(proto.cancel.command),
                device=DeviceId.parse(proto.cancel.device),
            )
        case other:
            raise InvalidArgument("UNKNOWN_MESSAGE", f"a message with {other}", field="message")


def _command_from_proto(proto: gateway_link_pb2.CommandDispatch) -> Command:
    require(math.isfinite(proto.value), "INVALID_VALUE", f"{proto.value} is no value", "value")
    return Command(
        id=CommandId.parse(proto.command),
        device=DeviceId.parse(proto.device),
        kind=setpoint_kind_from_proto(proto.kind),
        value=proto.value,
        lease_expire_time=datetime_from_proto(proto.lease_expire_time, "lease_expire_time"),
        sequence=proto.sequence,
    )
