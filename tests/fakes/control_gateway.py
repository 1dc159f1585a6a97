"""A gateway as control sees it: dials in, carries commands out, reports."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self, TypeAlias

import grpc

from tests.fakes.eventually import within
from wattmesh.control.v1 import control_pb2, reserve_pb2
from wattmesh.gateway.v1 import clock_pb2, gateway_link_pb2_grpc, loop_policy_pb2
from wattmesh.gateway.v1 import gateway_link_pb2 as pb
from wattmesh_contracts.values import timestamp_to_proto

Answer: TypeAlias = Callable[[pb.CommandDispatch], list[pb.CommandReport]]


def report(
    dispatch: pb.CommandDispatch,
    state: control_pb2.CommandState.ValueType,
    value: float | None = None,
    message: str = "",
) -> pb.CommandReport:
    """Return a report on a command, without a time: control takes its own."""
    return pb.CommandReport(command=dispatch.command, state=state, value=value, message=message)


def obey(dispatch: pb.CommandDispatch) -> list[pb.CommandReport]:
    """Apply and verify."""
    return [
        report(dispatch, control_pb2.COMMAND_STATE_APPLIED, dispatch.value),
        report(dispatch, control_pb2.COMMAND_STATE_VERIFIED, dispatch.value),
    ]


def say_nothing(dispatch: pb.CommandDispatch) -> list[pb.CommandReport]:
    """Take the command and never report."""
    return []


class FakeGateway:
    """Holds one stream; `answer` says what it reports on each command.

    `clock`: what it says that its clock shows; without, it is of a version that says nothing.
    `loops`: whether it takes policies for its loops, and signals of reserves.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        answer: Answer = obey,
        name: str = "gateways/local",
        clock: Callable[[], datetime] | None = None,
        *,
        loops: bool = False,
    ) -> None:
        self._clock = clock
        self._loops = loops
        self.policies = list[loop_policy_pb2.LoopPolicySet]()
        self.signals = list[reserve_pb2.ReserveSignal]()
        self.clock_requests = 0
        self._stub = gateway_link_pb2_grpc.GatewayLinkServiceStub(channel)
        self._answer = answer
        self._name = name
        self.dispatches = list[pb.CommandDispatch]()
        self.cancels = list[pb.CommandCancel]()
        self._arrived = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self.call = self._stub.Connect()
        hello = pb.GatewayHello(
            gateway=self._name,
            takes_loop_policies=self._loops,
            takes_reserve_signals=self._loops,
        )
        if self._clock is not None:
            hello.clock_time.CopyFrom(timestamp_to_proto(self._clock()))
        await self.call.write(pb.ConnectRequest(hello=hello))
        await self.call.initial_metadata()
        assert not self.call.done(), f"the stream was not accepted: {await self.call.details()}"
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.kill()

    async def kill(self) -> None:
        """Vanish without a word."""
        self._reading.cancel()
        self.call.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def send(self, *reports: pb.CommandReport) -> None:
        """Report on commands."""
        for each in reports:
            await self.call.write(pb.ConnectRequest(report=each))

    async def say(self, status: pb.DeviceStatus) -> None:
        """Tell of a device."""
        await self.call.write(pb.ConnectRequest(device_status=status))

    async def tell(self, event: pb.SetpointEvent) -> None:
        """Tell what happened to a setpoint."""
        await self.call.write(pb.ConnectRequest(setpoint_event=event))

    async def take_policies(self) -> None:
        """Say that it runs by the newest loop policies; without a time, control takes its own."""
        taken = loop_policy_pb2.LoopPoliciesTaken(issue_time=self.policies[-1].issue_time)
        await self.call.write(pb.ConnectRequest(loop_policies_taken=taken))

    async def dispatched(self, count: int) -> list[pb.CommandDispatch]:
        """Wait until so many commands came; return them all."""
        await self._until(self.dispatches, count)
        return self.dispatches

    async def cancelled(self, count: int) -> list[pb.CommandCancel]:
        """Wait until so many commands were withdrawn; return them all."""
        await self._until(self.cancels, count)
        return self.cancels

    async def _until(self, came: Sequence[object], count: int) -> None:
        try:
            async with within(30), self._arrived:
                await self._arrived.wait_for(lambda: len(came) >= count)
        except TimeoutError:
            raise AssertionError(f"{len(came)} came instead of {count}: {came}") from None

    async def _read(self) -> None:
        async for response in self.call:
            async with self._arrived:
                if response.HasField("dispatch"):
                    self.dispatches.append(response.dispatch)
                elif response.HasField("reserve_signal"):
                    self.signals.append(response.reserve_signal)
                elif response.HasField("clock_request"):
                    await self._tell_clock(response.clock_request)
                elif response.HasField("loop_policies"):
                    self.policies.append(response.loop_policies)
                else:
                    self.cancels.append(response.cancel)
                self._arrived.notify_all()
            if response.HasField("dispatch"):
                await self.send(*self._answer(response.dispatch))

    async def _tell_clock(self, request: clock_pb2.ClockRequest) -> None:
        assert self._clock is not None, "asked without having said hello with a clock"
        self.clock_requests += 1
        now = timestamp_to_proto(self._clock())
        reading = clock_pb2.ClockReading(
            request_time=request.send_time, receive_time=now, send_time=now
        )
        await self.call.write(pb.ConnectRequest(clock_reading=reading))
