"""What control says of devices that lie, class by class."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench.control.homes import CLASSES, QUIET_RANGES, RANGE_S, LieClass, LyingHome
from tests.bench.control.truth import true_effects
from tests.fakes.control_gateway import obey
from tests.fakes.control_metering import ControlMetering
from tests.fakes.control_process import (
    ControlWorld,
    eventually,
    eventually_later,
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
            for turn in range(commands + 1):
                await _turn(control, first + turn * _RANGE, turn, len(batteries), commands)
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
    control: ControlWorld, begin: datetime, turn: int, devices: int, commands: int
) -> None:
    """Let a range begin, be carried out, and the one before be judged."""
    control.clock.set(begin)
    told = min(turn + 1, commands) * devices

    async def verified() -> bool | None:
        return (await control.statistics()).verified == told or None

    async def judged() -> bool | None:
        ((count,),) = await control.rows("SELECT count(*) FROM control.commands WHERE effect_final")
        return count == turn * devices or None

    await eventually(verified, seconds=120)
    control.clock.set(begin + _LOOK)
    await eventually_later(control.clock, _NUDGE, judged, seconds=15)


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
    false_confirmed, found, wrong = 0, Counter[str](), Counter[str]()
    battery = home.batteries[home.judged]
    for command in listed:
        begin_s = (command.range.start_time.ToDatetime(UTC) - START).total_seconds()
        truth = true_effects(battery.true_w(), begin_s, begin_s + RANGE_S, command.value)
        verdict = command.effect_verdict
        said = effect_pb2.Effect.Name(verdict.effect).removeprefix("EFFECT_").lower()
        reason = effect_pb2.EffectReason.Name(verdict.reason).removeprefix("EFFECT_REASON_").lower()
        if not _is_right(home.lie_class, truth, said, reason):
            wrong[f"{said} {command.value:.0f} W, was {' or '.join(sorted(truth))}"] += 1
        false_confirmed += said == Effect.CONFIRMED.value and Effect.CONFIRMED not in truth
        found[f"{said}/{reason}" if verdict.reason else said] += 1
    return {
        "commands": len(listed),
        "right_ratio": round(1 - wrong.total() / len(listed), 4),
        "false_confirmed": false_confirmed,
        "verdicts": dict(found.most_common()),
        "wrong": dict(wrong.most_common(5)),
    }


def _is_right(lie_class: LieClass, truth: frozenset[Effect], said: str, reason: str) -> bool:
    if lie_class.right is not None:
        effect, why = lie_class.right
        return (said, reason) == (effect.value, why.value)
    unknown = said == Effect.UNKNOWN.value and reason in {x.value for x in lie_class.excused}
    return said in truth or unknown
