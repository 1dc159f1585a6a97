"""How long control takes over the turn of an interval, for many devices at once."""

import statistics
import time
from datetime import UTC, datetime

from tests.fakes.control_metering import homes
from tests.fakes.control_process import HOUR, ControlWorld, running_control
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.values import datetime_from_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange

_START = datetime(2024, 5, 1, 10, tzinfo=UTC)
DEVICES = (50, 500)
"""Numbers of devices whose turns are measured."""
_WARM_UP = 2
_SETTINGS = {"effect_interval_seconds": 864_000.0}
"""Effects are looked at by themselves, apart from turns."""


async def measure_turn(database_url: str, devices: int, turns: int) -> dict[str, float]:
    """Return how long turns of so many devices took [s], wall and computing of this process.

    A turn begins when an interval does, and is over when a watcher has heard of every device's
    new command that it is VERIFIED. The gateway writes nothing and acknowledges at once; it and
    the watcher compute in this process, PostgreSQL in its own.
    """
    clock = ManualClock(_START)
    wall_s, cpu_s = list[float](), list[float]()
    async with (
        running_control(database_url, clock, homes(devices), **_SETTINGS) as control,
        control.gateway(),
    ):
        await _submit(control, devices, turns + _WARM_UP)
        watch = control.stub.WatchCommands(pb.WatchCommandsRequest(parent="sites/-/devices/-"))
        await watch.initial_metadata()
        for turn in range(1, turns + _WARM_UP + 1):
            wall, cpu = time.perf_counter(), time.process_time()
            clock.set(_START + turn * HOUR)
            await _all_verified(watch, devices, _START + turn * HOUR)
            if turn > _WARM_UP:
                wall_s.append(time.perf_counter() - wall)
                cpu_s.append(time.process_time() - cpu)
        watch.cancel()
    return {
        "p50": round(statistics.median(wall_s), 3),
        "most": round(max(wall_s), 3),
        "cpu_p50": round(statistics.median(cpu_s), 3),
    }


async def _submit(control: ControlWorld, devices: int, turns: int) -> None:
    """Have every battery asked for another power in each of the next intervals."""
    await control.stub.SubmitSchedule(
        pb.SubmitScheduleRequest(
            request_id="turns",
            source="plans/turns",
            owner="planner",
            priority=10,
            schedules=[
                pb.DeviceSchedule(
                    device=f"sites/home-{number}/devices/battery",
                    kind=setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W,
                    setpoints=[_setpoint(turn) for turn in range(1, turns + 1)],
                )
                for number in range(1, devices + 1)
            ],
        )
    )


def _setpoint(turn: int) -> pb.Setpoint:
    span = TimeRange.of(_START + turn * HOUR, HOUR)
    return pb.Setpoint(range=time_range_to_proto(span), value=100.0 * turn)


async def _all_verified(watch: object, devices: int, start: datetime) -> None:
    """Wait for the commands of this turn: those before stay VERIFIED when they are replaced."""
    verified = set[str]()
    async for news in watch:  # type: ignore[attr-defined]
        command = news.command
        begins = datetime_from_proto(command.range.start_time)
        if command.state == pb.COMMAND_STATE_VERIFIED and begins == start:
            verified.add(command.name)
        if len(verified) == devices:
            return
