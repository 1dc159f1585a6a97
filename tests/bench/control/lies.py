"""What control says of devices that lie, class by class."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg

from tests.bench.control.homes import CLASSES, QUIET_RANGES, RANGE_S, LieClass, LyingHome
from tests.bench.control.truth import true_effects
from tests.fakes.control_gateway import obey
from tests.fakes.control_metering import ControlMetering
from tests.fakes.control_process import (
    ControlWorld,
    running_control,
)
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import effect_pb2
from wattmesh.gateway.v1 import gateway_link_pb2
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_control.domain.effects.verdict import Effect
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.time import TimeRange

START = datetime(2024, 5, 1, 9, tzinfo=UTC)
_RANGE = timedelta(seconds=RANGE_S)
_LOOK = timedelta(seconds=180)
_NUDGE = timedelta(seconds=30)
"""A look that was still under way when time moved sleeps from then on: time moves a little more."""
_SETTINGS = {
    "effect_interval_seconds": 120,
    "effect_none_action": "tell",
    "effect_contrary_action": "tell",
}
"""Nothing is done about verdicts, so that every class has as many commands as it was told."""


_VERIFIED: LiteralString = "SELECT count(verify_time) FROM control.commands"
_JUDGED: LiteralString = "SELECT count(*) FROM control.commands WHERE effect_final"
_POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class _Due:
    """So many devices get so many commands each."""

    devices: int
    commands: int


async def measure_lies(
    database_url: str, commands: int, classes: tuple[LieClass, ...] = CLASSES
) -> dict[str, Any]:
    """Return per class how often the verdict was right, and how often CONFIRMED was false."""
    homes = [LyingHome(index, each, commands, START) for index, each in enumerate(classes, start=1)]
    metering = ControlMetering(*(resource for home in homes for resource in home.resources()))
    metering.powers = {point: x for home in homes for point, x in home.powers().items()}
    for home in homes:
        for asset in ("battery", "battery-2"):
            metering.net_power_w[f"{home.site.name}/assets/{asset}"] = 0.0
    first = START + QUIET_RANGES * _RANGE
    clock = ManualClock(first - timedelta(seconds=30))
    batteries = {device: x for home in homes for device, x in home.batteries.items()}

    def write(dispatch: gateway_link_pb2.CommandDispatch) -> list[gateway_link_pb2.CommandReport]:
        second = (clock.now() - START).total_seconds()
        batteries[DeviceId.parse(dispatch.device)].write(second, dispatch.value)
        return obey(dispatch)

    async with running_control(database_url, clock, metering, **_SETTINGS) as control:
        async with control.gateway(write):
            for home in homes:
                await _submit(control, home, first)
            due = _Due(devices=len(batteries), commands=commands)
            async with await psycopg.AsyncConnection.connect(
                database_url, autocommit=True
            ) as counts:
                for turn in range(commands + 1):
                    await _turn(control, counts, first + turn * _RANGE, turn, due)
        return {home.lie_class.name: await _result(control, home, first) for home in homes}


async def _submit(control: ControlWorld, home: LyingHome, first: datetime) -> None:
    for device, values_w in home.values_w.items():
        setpoints = [
            pb.Setpoint(
                range=time_range_to_proto(TimeRange.of(first + index * _RANGE, _RANGE)),
                value=value_w,
            )
            for index, value_w in enumerate(values_w)
        ]
        kind = setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W
        await control.stub.SubmitSchedule(
            pb.SubmitScheduleRequest(
                request_id=f"lies-{device.name}",
                source="plans/lies",
                owner="bench",
                priority=10,
                schedules=[pb.DeviceSchedule(device=device.name, kind=kind, setpoints=setpoints)],
            )
        )


async def _turn(
    control: ControlWorld, counts: psycopg.AsyncConnection, begin: datetime, turn: int, due: _Due
) -> None:
    """Let a range begin, be carried out, and the one before be judged."""
    control.clock.set(begin)
    await _until(counts, _VERIFIED, min(turn + 1, due.commands) * due.devices)
    control.clock.set(begin + _LOOK)
    while not await _until(counts, _JUDGED, turn * due.devices, seconds=5):
        if control.clock.now() >= begin + _RANGE - _NUDGE:
            raise TimeoutError(f"turn {turn} is not judged")
        control.clock.advance(_NUDGE)


async def _until(
    counts: psycopg.AsyncConnection, query: LiteralString, expected: int, seconds: float = 120
) -> bool:
    """Tell whether a count comes to what is expected within so many seconds of the wall."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        row = await (await counts.execute(query)).fetchone()
        if row is not None and row[0] == expected:
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False


async def _result(control: ControlWorld, home: LyingHome, first: datetime) -> dict[str, Any]:
    listed, token = list[pb.Command](), ""
    while True:
        page = await control.stub.ListCommands(
            pb.ListCommandsRequest(parent=home.judged.name, page_size=1000, page_token=token)
        )
        listed += page.commands
        token = page.next_page_token
        if not token:
            break
    false_confirmed, excused, found, wrong = 0, 0, Counter[str](), Counter[str]()
    battery = home.batteries[home.judged]
    for command in listed:
        begin_s = (command.range.start_time.ToDatetime(UTC) - START).total_seconds()
        truth = true_effects(battery.true_w(), begin_s, begin_s + RANGE_S, command.value)
        verdict = command.effect_verdict
        said = effect_pb2.Effect.Name(verdict.effect).removeprefix("EFFECT_").lower()
        reason = effect_pb2.EffectReason.Name(verdict.reason).removeprefix("EFFECT_REASON_").lower()
        excused += said == Effect.UNKNOWN.value and reason in _excuses(home.lie_class)
        if not _is_right(home.lie_class, truth, said, reason):
            wrong[f"{said} {command.value:.0f} W, was {' or '.join(sorted(truth))}"] += 1
        false_confirmed += said == Effect.CONFIRMED.value and Effect.CONFIRMED not in truth
        found[f"{said}/{reason}" if verdict.reason else said] += 1
    return {
        "commands": len(listed),
        "right_ratio": round(1 - wrong.total() / len(listed), 4),
        "false_confirmed": false_confirmed,
        "excused": excused,
        "verdicts": dict(found.most_common()),
        "wrong": dict(wrong.most_common(5)),
    }


def _is_right(lie_class: LieClass, truth: frozenset[Effect], said: str, reason: str) -> bool:
    if lie_class.right is not None:
        effect, why = lie_class.right
        return (said, reason) == (effect.value, why.value)
    unknown = said == Effect.UNKNOWN.value and reason in _excuses(lie_class)
    return said in truth or unknown


def _excuses(lie_class: LieClass) -> set[str]:
    return {each.value for each in lie_class.excused}
