"""One of two processes of control is killed in mid-run: nothing twice, stranded or late."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from tests.fakes.control_gateway import FakeGateway, report
from tests.fakes.control_metering import ControlMetering, home
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import control_pb2_grpc
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.ids import GatewayId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.testing import serve_for_test

HOMES = 8
LENGTH = timedelta(seconds=3)
COUNT = 6
TAKEOVER = timedelta(seconds=5)
"""A look every 2 s, a gateway that dials in again, and a slow machine."""
PUNCTUAL = timedelta(seconds=1.5)


class Process:
    """`python -m wattmesh_control` and where it serves."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        self._process = process
        self.address = address
        self._drain = asyncio.create_task(self._read())

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()
        await self._drain

    async def _read(self) -> None:
        assert self._process.stderr is not None
        while await self._process.stderr.readline():
            pass


@asynccontextmanager
async def running_process(database_url: str, target: str) -> AsyncIterator[Process]:
    environment = {
        **os.environ,
        "WATTMESH_DATABASE_URL": database_url,
        "WATTMESH_METERING_TARGET": target,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wattmesh_control"),
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    line = b""
    while b"serving on" not in line:
        line = await process.stderr.readline()
        assert line, "it ended before it served"
    running = Process(process, line.decode().split()[-1])
    try:
        yield running
    finally:
        await running.kill()


class DialingGateway:
    """Dials in to one process after the other, like a gateway that has two addresses."""

    def __init__(self, name: str, *addresses: str) -> None:
        self._name = name
        self._addresses = addresses
        self.arrived = list[tuple[str, datetime]]()
        """Commands by name, and when they came."""

    async def run(self) -> None:
        while True:
            for address in self._addresses:
                async with grpc.aio.insecure_channel(address) as channel:
                    try:
                        async with FakeGateway(channel, self._take, self._name) as gateway:
                            await gateway.call.code()
                    except (AssertionError, grpc.RpcError):
                        pass
                await asyncio.sleep(0.2)

    def _take(self, dispatch: Any) -> list[Any]:
        self.arrived.append((dispatch.command, datetime.now(UTC)))
        states = (pb.COMMAND_STATE_APPLIED, pb.COMMAND_STATE_VERIFIED)
        return [report(dispatch, state, dispatch.value) for state in states]


@pytest.mark.time_limit(120)
async def test_killing_one_of_two_loses_doubles_and_delays_nothing(database_url: str) -> None:
    resources = [
        each for number in range(HOMES) for each in home(f"home-{number}", GatewayId(f"g{number}"))
    ]
    async with AsyncExitStack() as stack:
        metering = ControlMetering(*resources)
        target = await stack.enter_async_context(serve_for_test(metering.register))
        first = await stack.enter_async_context(running_process(database_url, target))
        second = await stack.enter_async_context(running_process(database_url, target))
        addresses = (first.address, second.address)
        gateways = [
            DialingGateway(f"gateways/g{number}", *addresses[:: 1 if number % 2 else -1])
            for number in range(HOMES)
        ]
        dialing = [asyncio.create_task(gateway.run()) for gateway in gateways]
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(second.address))
        stub: Any = control_pb2_grpc.ControlServiceStub(channel)
        start = datetime.now(UTC) + timedelta(seconds=4)
        await stub.SubmitSchedule(submission(start))
        await asyncio.sleep((start + 2.3 * LENGTH - datetime.now(UTC)).total_seconds())
        killed = datetime.now(UTC)
        await first.kill()
        await asyncio.sleep((start + (COUNT + 0.5) * LENGTH - datetime.now(UTC)).total_seconds())
        request = pb.ListCommandsRequest(parent="sites/-/devices/-", page_size=1000)
        commands = list((await stub.ListCommands(request)).commands)
        for task in dialing:
            task.cancel()
        await asyncio.gather(*dialing, return_exceptions=True)
    check(commands, gateways, start, killed)


def submission(start: datetime) -> pb.SubmitScheduleRequest:
    setpoints = [
        pb.Setpoint(
            range=time_range_to_proto(TimeRange.of(start + number * LENGTH, LENGTH)),
            value=100.0 * (number + 1),
        )
        for number in range(COUNT)
    ]
    kind = setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W
    return pb.SubmitScheduleRequest(
        request_id="run",
        source="plans/run",
        owner="planner",
        priority=10,
        schedules=[
            pb.DeviceSchedule(
                device=f"sites/home-{number}/devices/battery", kind=kind, setpoints=setpoints
            )
            for number in range(HOMES)
        ],
    )


def check(
    commands: list[pb.Command], gateways: list[DialingGateway], start: datetime, killed: datetime
) -> None:
    asked = [(each.device, each.requested_value) for each in commands]
    assert len(asked) == len(set(asked)), "no setpoint was made a command twice"
    outage = TimeRange.of(killed - LENGTH, LENGTH + TAKEOVER)
    first_arrivals = dict[str, datetime]()
    for name, time in sorted(
        (arrival for gateway in gateways for arrival in gateway.arrived), key=lambda each: each[1]
    ):
        first_arrivals.setdefault(name, time)
    sound = set[tuple[str, float]]()
    for command in commands:
        due = command.range.start_time.ToDatetime(UTC)
        assert command.state not in (pb.COMMAND_STATE_PENDING, pb.COMMAND_STATE_DISPATCHED)
        if command.state == pb.COMMAND_STATE_VERIFIED:
            late = first_arrivals[command.name] - due
            assert late < (TAKEOVER if outage.contains(due) else PUNCTUAL), "nothing is late"
            sound.add((command.device, command.requested_value))
    for number in range(COUNT):
        if not outage.contains(start + number * LENGTH):
            for home_number in range(HOMES):
                device = f"sites/home-{home_number}/devices/battery"
                assert (device, 100.0 * (number + 1)) in sound, "nothing is stranded"
