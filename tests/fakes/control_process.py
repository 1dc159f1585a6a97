"""Control as it runs, in this process, on a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import grpc
import psycopg

from tests.fakes.control_gateway import Answer, FakeGateway, obey
from tests.fakes.control_metering import ControlMetering
from tests.fakes.eventually import within
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import control_pb2_grpc
from wattmesh.type.v1 import electrical_pb2, setpoint_pb2
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_control.settings import ControlSettings
from wattmesh_control.wiring import wire
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.tasks import cancel_all
from wattmesh_runtime.readiness import Dependency
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import SETTINGS, channel_for_test, serve_for_test

BATTERY = "sites/home-1/devices/battery"
HOUR = timedelta(hours=1)

T = TypeVar("T")

_requests = count(1)


@dataclass(kw_only=True)
class ControlWorld:
    """A running control, and what is around it."""

    clock: ManualClock
    metering: ControlMetering
    channel: grpc.aio.Channel
    stub: Any
    database_url: str
    target: str
    dependencies: tuple[Dependency, ...] = ()
    """What its readiness and degradation follow."""

    def gateway(
        self,
        answer: Answer = obey,
        name: str = "gateways/local",
        clock: Callable[[], datetime] | None = None,
        *,
        loops: bool = False,
    ) -> FakeGateway:
        """Return a gateway that dials in when it is entered, and what its clock shows."""
        return FakeGateway(self.channel, answer, name, clock, loops=loops)

    async def submit(
        self,
        start: datetime,
        values_w: list[float],
        *,
        device: str = BATTERY,
        request_id: str = "",
        owner: str = "planner",
        source: str = "plans/p1",
        priority: int = 10,
        kind: setpoint_pb2.SetpointKind.ValueType = setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W,
        phase: electrical_pb2.Phase.ValueType = electrical_pb2.PHASE_UNSPECIFIED,
    ) -> pb.SubmitScheduleResponse:
        """Submit hourly setpoints from `start` on."""
        setpoints = [
            pb.Setpoint(
                range=time_range_to_proto(TimeRange.of(start + index * HOUR, HOUR)), value=value
            )
            for index, value in enumerate(values_w)
        ]
        response: pb.SubmitScheduleResponse = await self.stub.SubmitSchedule(
            pb.SubmitScheduleRequest(
                request_id=request_id or f"r{next(_requests)}",
                source=source,
                owner=owner,
                priority=priority,
                schedules=[
                    pb.DeviceSchedule(device=device, kind=kind, setpoints=setpoints, phase=phase)
                ],
            )
        )
        return response

    async def submit_current(
        self,
        start: datetime,
        values_a: list[float],
        device: str,
        phase: electrical_pb2.Phase.ValueType = electrical_pb2.PHASE_UNSPECIFIED,
    ) -> pb.SubmitScheduleResponse:
        """Submit hourly currents of a charge point from `start` on."""
        kind = setpoint_pb2.SETPOINT_KIND_CURRENT_A
        return await self.submit(start, values_a, device=device, kind=kind, phase=phase)

    async def override(
        self,
        value_w: float,
        duration: timedelta,
        *,
        request_id: str = "",
        owner: str = "somebody",
        priority: int = 100,
    ) -> pb.IssueCommandResponse:
        """Command the battery from now on."""
        response: pb.IssueCommandResponse = await self.stub.IssueCommand(
            pb.IssueCommandRequest(
                request_id=request_id or f"r{next(_requests)}",
                device=BATTERY,
                kind=setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W,
                value=value_w,
                range=time_range_to_proto(TimeRange.of(self.clock.now(), duration)),
                owner=owner,
                priority=priority,
            )
        )
        return response

    async def commands(self, parent: str = "sites/-/devices/-") -> list[pb.Command]:
        """Return all commands, oldest first."""
        request = pb.ListCommandsRequest(parent=parent, page_size=1000)
        response = await self.stub.ListCommands(request)
        return list(reversed(response.commands))

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask control's database."""
        async with await psycopg.AsyncConnection.connect(self.database_url) as connection:
            return await (await connection.execute(query)).fetchall()

    async def statistics(self) -> pb.GetCommandStatisticsResponse:
        """Count all commands."""
        response: pb.GetCommandStatisticsResponse = await self.stub.GetCommandStatistics(
            pb.GetCommandStatisticsRequest()
        )
        return response

    async def limit(
        self,
        low_w: float | None,
        high_w: float | None,
        duration: timedelta,
        *,
        owner: str = "grid-operator",
        device: str = BATTERY,
        request_id: str = "",
        starts_in: timedelta | None = None,
    ) -> pb.Limit:
        """Put a limit on a device, from now on or later, that ends after `duration`."""
        start = None if starts_in is None else timestamp_to_proto(self.clock.now() + starts_in)
        limit = pb.Limit(
            subject=device,
            owner=owner,
            min_power_w=low_w,
            max_power_w=high_w,
            start_time=start,
            expire_time=timestamp_to_proto(self.clock.now() + duration),
            reason="a test",
        )
        response = await self.stub.SetLimit(pb.SetLimitRequest(request_id=request_id, limit=limit))
        stored: pb.Limit = response.limit
        return stored

    async def command_in(self, state: pb.CommandState.ValueType, index: int = -1) -> pb.Command:
        """Wait until the command at `index`, oldest first, is in a state; return it."""

        async def there() -> pb.Command | None:
            commands = await self.commands()
            found = commands[index] if len(commands) > max(index, -1 - index) else None
            return found if found is not None and found.state == state else None

        return await eventually(there)


async def eventually(ask: Callable[[], Awaitable[T | None]], seconds: float = 10.0) -> T:
    """Ask until there is an answer, which "no" is none; fail after `seconds` of the wall."""
    async with within(seconds):
        while (answer := await ask()) is None or answer is False:
            await asyncio.sleep(0.01)
    return answer


async def eventually_later(
    clock: ManualClock,
    step: timedelta,
    ask: Callable[[], Awaitable[T | None]],
    seconds: float = 1.0,
) -> T:
    """Move the clock on and ask for `seconds` of the wall, again and again; fail after 20 steps."""
    for _ in range(20):
        clock.advance(step)
        try:
            return await eventually(ask, seconds)
        except TimeoutError:
            continue
    raise AssertionError("it never came")


@asynccontextmanager
async def running_control(
    database_url: str, clock: ManualClock, metering: ControlMetering, **settings: Any
) -> AsyncIterator[ControlWorld]:
    """Run control with its background tasks; ends like a process that is killed."""
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serve_for_test(metering.register))
        values = {"database_url": database_url, "metering_target": target, **settings}
        parsed = ControlSettings(**values)
        runtime = await stack.enter_async_context(Runtime(parsed, clock, Telemetry("test")))
        service = await stack.enter_async_context(wire(parsed, runtime))
        served = serve_for_test(
            *service.register, settings=parsed if parsed.principals_file else SETTINGS
        )
        address = await stack.enter_async_context(served)
        tasks = [asyncio.ensure_future(task()) for task in service.tasks]
        stack.push_async_callback(_stop, tasks)
        channel = await stack.enter_async_context(channel_for_test(address))
        yield ControlWorld(
            clock=clock,
            metering=metering,
            channel=channel,
            database_url=database_url,
            target=address,
            dependencies=service.dependencies,
            stub=control_pb2_grpc.ControlServiceStub(channel),
        )


async def _stop(tasks: Sequence[asyncio.Future[None]]) -> None:
    assert not await cancel_all(tasks, within_seconds=10)
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(ended, asyncio.CancelledError):
            raise AssertionError(f"a background task ended: {ended!r}")
