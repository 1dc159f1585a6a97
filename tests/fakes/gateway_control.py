"""Control as a gateway sees it: one stream, commands down, reports up."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import grpc

from wattmesh.control.v1 import control_pb2
from wattmesh.gateway.v1 import (
    clock_pb2,
    gateway_link_pb2,
    gateway_link_pb2_grpc,
    loop_policy_pb2,
)
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.loop_policies import loop_policies_to_proto
from wattmesh_contracts.reserve_signals import reserve_signal_to_proto
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_kernel.loop_policy import LoopPolicySet
from wattmesh_kernel.reserve_signal import ReserveSignal

State = control_pb2.CommandState


class FakeControl(gateway_link_pb2_grpc.GatewayLinkServiceServicer):
    """Sends what is put into `down`, keeps what comes up."""

    def __init__(self) -> None:
        self.hellos: list[str] = []
        self.reports: list[gateway_link_pb2.CommandReport] = []
        self.statuses: list[gateway_link_pb2.DeviceStatus] = []
        self.clock_readings: list[clock_pb2.ClockReading] = []
        self.events: list[gateway_link_pb2.SetpointEvent] = []
        self.loop_events: list[loop_policy_pb2.LoopEvent] = []
        self.taken: list[loop_policy_pb2.LoopPoliciesTaken] = []
        self._down: asyncio.Queue[gateway_link_pb2.ConnectResponse] | None = None
        self._changed = asyncio.Condition()

    async def Connect(  # noqa: N802
        self,
        request_iterator: AsyncIterator[gateway_link_pb2.ConnectRequest],
        context: grpc.aio.ServicerContext[
            gateway_link_pb2.ConnectRequest, gateway_link_pb2.ConnectResponse
        ],
    ) -> AsyncIterator[gateway_link_pb2.ConnectResponse]:
        queue: asyncio.Queue[gateway_link_pb2.ConnectResponse] = asyncio.Queue()
        taking = asyncio.create_task(self._take_all(request_iterator, queue))
        try:
            while True:
                yield await queue.get()
        finally:
            taking.cancel()
            if self._down is queue:
                self._down = None

    async def connected(self) -> None:
        """Wait until a gateway has dialled in."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._down is not None)

    def dispatch(
        self,
        command: str,
        device: str,
        value: float,
        lease_end: datetime,
        sequence: int,
        lease: timedelta | None = None,
        kind: setpoint_pb2.SetpointKind.ValueType = setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W,
    ) -> None:
        """Send a command to the gateway that is connected; `lease`: what is left of it."""
        assert self._down is not None
        dispatch = gateway_link_pb2.CommandDispatch(
            command=command,
            device=device,
            kind=kind,
            value=value,
            lease_expire_time=timestamp_to_proto(lease_end),
            sequence=sequence,
            lease_duration=None if lease is None else duration_to_proto(lease),
        )
        self._down.put_nowait(gateway_link_pb2.ConnectResponse(dispatch=dispatch))

    def ask_clock(self, send_time: datetime) -> None:
        """Ask what the gateway's clock shows."""
        assert self._down is not None
        request = clock_pb2.ClockRequest(send_time=timestamp_to_proto(send_time))
        self._down.put_nowait(gateway_link_pb2.ConnectResponse(clock_request=request))

    async def clock_told(self) -> clock_pb2.ClockReading:
        """Wait for what its clock showed."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self.clock_readings))
        return self.clock_readings[-1]

    def steer(self, policies: LoopPolicySet) -> None:
        """Say what the gateway may do by itself."""
        assert self._down is not None
        proto = loop_policies_to_proto(policies)
        self._down.put_nowait(gateway_link_pb2.ConnectResponse(loop_policies=proto))

    def activate(self, signal: ReserveSignal) -> None:
        """Say what a reserve asks of a site."""
        assert self._down is not None
        proto = reserve_signal_to_proto(signal)
        self._down.put_nowait(gateway_link_pb2.ConnectResponse(reserve_signal=proto))

    async def wait_for_loop_event(self, type_: str, site: str = "") -> None:
        """Wait for something that a loop did: `STARTED`."""
        wanted = loop_policy_pb2.LoopEventType.Value(f"LOOP_EVENT_TYPE_{type_}")
        async with self._changed:
            await self._changed.wait_for(
                lambda: any(
                    (each.type, each.site) == (wanted, site or each.site)
                    for each in self.loop_events
                )
            )

    async def wait_for_taken(self, issue_time: datetime) -> None:
        """Wait until the gateway says that it runs by the loop policies of a time."""
        wanted = timestamp_to_proto(issue_time)
        async with self._changed:
            await self._changed.wait_for(
                lambda: any(each.issue_time == wanted for each in self.taken)
            )

    def cancel(self, command: str, device: str) -> None:
        """Withdraw a command."""
        assert self._down is not None
        cancel = gateway_link_pb2.CommandCancel(command=command, device=device)
        self._down.put_nowait(gateway_link_pb2.ConnectResponse(cancel=cancel))

    async def wait_for(
        self, command: str, state: control_pb2.CommandState.ValueType
    ) -> gateway_link_pb2.CommandReport:
        """Wait for a report."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._find(command, state) is not None)
        found = self._find(command, state)
        assert found is not None
        return found

    async def wait_for_event(self, type_: str) -> gateway_link_pb2.SetpointEvent:
        """Wait for something that happened to a setpoint: `RELEASED`."""
        wanted = gateway_link_pb2.SetpointEventType.Value(f"SETPOINT_EVENT_TYPE_{type_}")

        def found() -> list[gateway_link_pb2.SetpointEvent]:
            return [each for each in self.events if each.type == wanted]

        async with self._changed:
            await self._changed.wait_for(lambda: bool(found()))
        return found()[-1]

    async def wait_for_device(self, device: str, *, online: bool) -> None:
        """Wait until a device's newest status is this."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._online(device) is online)

    def _online(self, device: str) -> bool | None:
        found = [status.online for status in self.statuses if status.device == device]
        return found[-1] if found else None

    def _find(
        self, command: str, state: control_pb2.CommandState.ValueType
    ) -> gateway_link_pb2.CommandReport | None:
        matching = (each for each in self.reports if (each.command, each.state) == (command, state))
        return next(matching, None)

    async def _take_all(
        self,
        requests: AsyncIterator[gateway_link_pb2.ConnectRequest],
        queue: "asyncio.Queue[gateway_link_pb2.ConnectResponse]",
    ) -> None:
        async for request in requests:
            match request.WhichOneof("message"):
                case "hello":
                    self.hellos.append(request.hello.gateway)
                    self._down = queue
                case "report":
                    self.reports.append(request.report)
                case "device_status":
                    self.statuses.append(request.device_status)
                case "clock_reading":
                    self.clock_readings.append(request.clock_reading)
                case "setpoint_event":
                    self.events.append(request.setpoint_event)
                case "loop_event":
                    self.loop_events.append(request.loop_event)
                case "loop_policies_taken":
                    self.taken.append(request.loop_policies_taken)
            async with self._changed:
                self._changed.notify_all()


def register_control(control: FakeControl, server: grpc.aio.Server) -> None:
    """Add control's link service to a server."""
    gateway_link_pb2_grpc.add_GatewayLinkServiceServicer_to_server(control, server)
