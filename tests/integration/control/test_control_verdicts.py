"""Verdicts reach whoever asks, watches and counts, and something is done about what is amiss."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_metering import ControlMetering, metered_home
from tests.fakes.control_process import (
    HOUR,
    ControlWorld,
    eventually,
    eventually_later,
    running_control,
)
from tests.fakes.manual_clock import ManualClock
from tests.fakes.series_meter import PowerAt, stepping
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import device_event_pb2, effect_pb2, execution_pb2, execution_pb2_grpc
from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.readiness import Dependency

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OWN = "sites/home-1/devices/battery/points/active_power_w"
GRID = "sites/home-1/devices/meter/points/active_power_w"
QUARTER = 15 * MINUTE


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
async def control(database_url: str, clock: ManualClock) -> AsyncIterator[ControlWorld]:
    metering = ControlMetering(*metered_home("home-1", interval=timedelta(seconds=10)))
    async with running_control(database_url, clock, metering) as world:
        yield world


def nothing() -> PowerAt:
    return stepping()


async def judged(control: ControlWorld, index: int = 0) -> pb.Command:
    """Return a command once it has a verdict, moving time on from look to look."""
    return await _after(control, MINUTE, index, final=False)


async def final(control: ControlWorld, index: int = 0) -> pb.Command:
    """Return a command once its verdict is final."""
    return await _after(control, QUARTER, index, final=True)


async def _after(control: ControlWorld, step: timedelta, index: int, *, final: bool) -> pb.Command:
    async def there() -> pb.Command | None:
        commands = await control.commands()
        verdict = commands[index].effect_verdict if len(commands) > index else None
        given = verdict is not None and verdict.effect and verdict.final >= final
        return commands[index] if given else None

    return await eventually_later(control.clock, step, there)


async def test_a_device_that_invents_its_meter_is_not_confirmed(control: ControlWorld) -> None:
    control.metering.powers = {OWN: stepping((T0, 3000.0), (T0 + HOUR, 0.0)), GRID: nothing()}
    async with control.gateway():
        await control.submit(T0, [3000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        command = await final(control)
    verdict = command.effect_verdict
    assert verdict.effect == effect_pb2.EFFECT_NONE
    assert verdict.reason == effect_pb2.EFFECT_REASON_OWN_METER_CONTRADICTED
    assert verdict.basis == effect_pb2.EFFECT_BASIS_GRID_METER
    assert verdict.metered_power_w == pytest.approx(3000.0, abs=10)


async def test_what_the_site_has_seen_is_confirmed_counted_and_listed(
    control: ControlWorld,
) -> None:
    steps = stepping((T0, 3000.0), (T0 + HOUR, 0.0))
    control.metering.powers = {OWN: steps, GRID: steps}
    async with control.gateway():
        await control.submit(T0, [3000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        command = await final(control)
    assert command.effect_verdict.effect == effect_pb2.EFFECT_CONFIRMED
    assert command.effect_verdict.confidence_ratio > 0.99
    (count,) = (await control.statistics()).effects
    assert (count.effect, count.commands) == (effect_pb2.EFFECT_CONFIRMED, 1)
    for effect, names in (
        (effect_pb2.EFFECT_CONFIRMED, [command.name]),
        (effect_pb2.EFFECT_NONE, []),
    ):
        listed = await control.stub.ListCommands(
            pb.ListCommandsRequest(parent="sites/-/devices/-", effects=[effect])
        )
        assert [each.name for each in listed.commands] == names


async def test_a_command_without_effect_is_told_again_once_then_people_are_told(
    control: ControlWorld,
) -> None:
    control.metering.powers = {OWN: nothing(), GRID: nothing()}
    watch = control.stub.WatchCommands(pb.WatchCommandsRequest(parent="sites/-/devices/-"))
    await watch.initial_metadata()
    async with control.gateway() as gateway:
        await control.submit(T0, [3000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        first = await judged(control)
        await gateway.dispatched(2)
        await control.command_in(pb.COMMAND_STATE_VERIFIED, 1)
        second = await judged(control, 1)
        await control.command_in(pb.COMMAND_STATE_CANCELLED, 0)
        events = await amiss_events(control, 2)
    assert first.effect_verdict.effect == second.effect_verdict.effect == effect_pb2.EFFECT_NONE
    assert second.state == pb.COMMAND_STATE_VERIFIED
    assert [each.command for each in reversed(events)] == [first.name, second.name]
    assert await heard_of(watch, first.name)


async def test_a_device_that_does_the_opposite_is_let_go(control: ControlWorld) -> None:
    control.metering.powers = {OWN: stepping((T0, -3000.0)), GRID: stepping((T0, -3000.0))}
    async with control.gateway() as gateway:
        await control.submit(T0, [3000.0, 2000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        command = await judged(control)
        (cancel,) = await gateway.cancelled(1)
        assert cancel.command == command.name
        control.clock.set(T0 + HOUR)
        await control.command_in(pb.COMMAND_STATE_VERIFIED, 1)
    assert command.effect_verdict.effect == effect_pb2.EFFECT_CONTRARY


async def test_control_is_degraded_while_a_device_does_not_do_what_it_is_told(
    control: ControlWorld,
) -> None:
    (obeying,) = [each for each in control.dependencies if each.name == "effects"]
    assert not obeying.required
    await obeying.probe()
    control.metering.powers = {OWN: nothing(), GRID: nothing()}
    async with control.gateway():
        await control.submit(T0, [3000.0, 0.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        await judged(control)
        with pytest.raises(Unavailable, match="sites/home-1/devices/battery"):
            await obeying.probe()
        steps = stepping((T0 + HOUR, 2000.0), (T0 + 2 * HOUR, 0.0))
        control.metering.powers = {OWN: steps, GRID: steps}
        control.clock.set(T0 + HOUR)
        await control.submit(T0 + HOUR, [2000.0])
        await eventually(lambda: _running(control, 2000.0))
        control.clock.set(T0 + 2 * HOUR)
        await eventually_later(control.clock, QUARTER, lambda: _obeys(obeying))


async def test_readings_that_come_late_are_waited_for(control: ControlWorld) -> None:
    async with control.gateway():
        await control.submit(T0, [3000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        control.clock.set(T0 + 2 * HOUR)
        steps = stepping((T0, 3000.0), (T0 + HOUR, 0.0))
        control.metering.powers = {OWN: steps, GRID: steps}
        command = await final(control)
    assert command.effect_verdict.effect == effect_pb2.EFFECT_CONFIRMED


async def test_meters_are_asked_once_for_all_that_is_judged_at_a_time(
    database_url: str, clock: ManualClock
) -> None:
    """A call for each command cost more than making the plan behind it."""
    names = [f"home-{number}" for number in range(1, 9)]
    interval = timedelta(seconds=10)
    metering = ControlMetering(
        *(part for each in names for part in metered_home(each, interval=interval))
    )
    steps = stepping((T0, 3000.0), (T0 + HOUR, 0.0))
    metering.powers = {
        f"sites/{name}/devices/{meter}/points/active_power_w": steps
        for name in names
        for meter in ("battery", "meter")
    }

    async def all_final(control: ControlWorld) -> list[pb.Command] | None:
        commands = await control.commands()
        return commands if all(each.effect_verdict.final for each in commands) else None

    async with running_control(database_url, clock, metering) as control, control.gateway():
        for name in names:
            await control.submit(T0, [3000.0], device=f"sites/{name}/devices/battery")
        await eventually(lambda: _all_running(control, len(names)))
        clock.set(T0 + 2 * HOUR)
        commands = await eventually_later(clock, QUARTER, lambda: all_final(control))
    assert {each.effect_verdict.effect for each in commands} == {effect_pb2.EFFECT_CONFIRMED}
    assert max(metering.batches) >= 2 * len(names)
    assert len(metering.batches) < len(names)


async def amiss_events(control: ControlWorld, count: int) -> list[device_event_pb2.DeviceEvent]:
    stub = execution_pb2_grpc.ExecutionServiceStub(control.channel)
    request = execution_pb2.ListDeviceEventsRequest(
        parent="sites/home-1/devices/battery",
        types=[device_event_pb2.DEVICE_EVENT_TYPE_EFFECT_AMISS],
    )

    async def there() -> list[device_event_pb2.DeviceEvent] | None:
        answer = await stub.ListDeviceEvents(request)
        return list(answer.events) if len(answer.events) == count else None

    return await eventually(there)


async def heard_of(watch: object, name: str) -> bool:
    """Tell whether a watcher heard of a command's verdict."""
    async for news in watch:  # type: ignore[attr-defined]
        if news.command.name == name and news.command.HasField("effect_verdict"):
            return True
    return False


async def _all_running(control: ControlWorld, count: int) -> bool | None:
    commands = await control.commands()
    verified = [each for each in commands if each.state == pb.COMMAND_STATE_VERIFIED]
    return True if len(verified) == count else None


async def _running(control: ControlWorld, value: float) -> pb.Command | None:
    last = (await control.commands())[-1]
    found = last.value == value and last.state == pb.COMMAND_STATE_VERIFIED
    return last if found else None


async def _obeys(dependency: Dependency) -> bool | None:
    try:
        await dependency.probe()
    except Unavailable:
        return None
    return True
