"""What a device holds ends for certain: with its lease, its command, or a failed write."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.gateway_commands import BATTERY, HOUR, NOW, Bench, bench, command
from tests.fakes.manual_clock import ManualClock
from tests.fakes.settable_devices import FakeDevice
from tests.unit.gateway.test_gateway_commands import until
from wattmesh_gateway.domain.command import CommandState, SetpointEvent, SetpointEventType
from wattmesh_gateway.domain.errors import DeviceFailed, DeviceRefused, DeviceUnavailable
from wattmesh_kernel.ids import CommandId
from wattmesh_kernel.setpoints import SetpointKind

POWER, LIMIT = SetpointKind.ACTIVE_POWER_W, SetpointKind.GENERATION_LIMIT_W
C1, C2 = CommandId("c1"), CommandId("c2")


@pytest.fixture
async def battery(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path / "spool.sqlite", FakeDevice(), ManualClock(NOW)) as made:
        yield made


async def next_event(battery: Bench) -> SetpointEvent:
    async with asyncio.timeout(5):
        while not isinstance(news := await battery.news.get(), SetpointEvent):
            pass
    return news


async def pass_time(battery: Bench, duration: timedelta) -> None:
    await until(lambda: battery.clock.sleeping > 0)
    battery.clock.advance(duration)


async def test_a_write_that_is_not_what_was_asked_is_released_at_once(battery: Bench) -> None:
    battery.device.reads_back = -1000.0  # the device swaps the sign
    await battery.carry.dispatch(command(1))
    assert await battery.states(2) == [("c1", CommandState.APPLIED), ("c1", CommandState.FAILED)]
    assert (await next_event(battery)).type is SetpointEventType.RELEASED
    assert battery.device.held == {POWER: 0.0}


async def test_a_refusal_in_the_middle_of_a_write_is_released(battery: Bench) -> None:
    battery.device.trouble = DeviceRefused("exception 2", begun=True)
    await battery.carry.dispatch(command(1))
    assert await battery.states(1) == [("c1", CommandState.REFUSED)]
    assert (await next_event(battery)).type is SetpointEventType.RELEASE_PENDING
    battery.device.trouble = None
    assert (await next_event(battery)).type is SetpointEventType.RELEASED


async def test_a_refusal_before_anything_was_written_releases_nothing(battery: Bench) -> None:
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    battery.device.trouble = DeviceRefused("beyond the most the device can do")
    await battery.carry.dispatch(command(2))
    assert await battery.states(1) == [("c2", CommandState.REFUSED)]
    await asyncio.sleep(0.05)
    assert battery.device.release_attempts == 0


async def test_a_device_that_fails_ends_with_its_reason_within_the_lease(battery: Bench) -> None:
    battery.device.trouble = DeviceFailed("exception 4 (device_failure)")
    await battery.carry.dispatch(command(1))
    report = await battery.next_report()
    assert (report.state, report.message) == (CommandState.FAILED, "exception 4 (device_failure)")
    assert battery.device.attempts == 3


async def test_a_withdrawn_command_is_released_until_the_device_is_there(battery: Bench) -> None:
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    battery.device.trouble = DeviceUnavailable("no connection")
    await battery.carry.cancel(C1, BATTERY)
    pending = await next_event(battery)
    assert pending.type is SetpointEventType.RELEASE_PENDING
    assert pending.message == "withdrawn; no connection"
    await until(lambda: battery.device.release_attempts >= 3)
    assert battery.device.held == {POWER: 1000.0}
    battery.device.trouble = None
    assert await battery.states(1) == [("c1", CommandState.CANCELLED)]
    assert battery.device.held == {POWER: 0.0}


async def test_a_command_that_is_withdrawn_while_it_is_being_written_is_released(
    battery: Bench,
) -> None:
    battery.device.gate = asyncio.Event()
    await battery.carry.dispatch(command(1))
    await until(lambda: battery.device.attempts == 1)
    await battery.carry.cancel(C1, BATTERY)
    battery.device.gate.set()
    assert await battery.states(2) == [("c1", CommandState.APPLIED), ("c1", CommandState.CANCELLED)]
    assert battery.device.held == {POWER: 0.0}


@pytest.mark.parametrize("timer", [True, False])
async def test_a_device_that_refuses_its_release_is_not_said_to_be_released(
    battery: Bench, timer: bool
) -> None:
    battery.device.timer = timer
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    battery.device.trouble = DeviceRefused("exception 2")
    await battery.carry.cancel(C1, BATTERY)
    await until(lambda: battery.device.release_attempts >= 2)
    battery.clock.advance(HOUR)
    if timer:
        report = await battery.next_report()
        assert (report.state, "own timer" in report.message) == (CommandState.CANCELLED, True)
    else:
        attempts = battery.device.release_attempts
        await until(lambda: battery.device.release_attempts > attempts)
        battery.device.trouble = None
        assert (await battery.next_report()).message == "released"


async def test_a_release_that_the_device_does_not_hold_to_is_tried_again(battery: Bench) -> None:
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    battery.device.clings = True
    await battery.carry.cancel(C1, BATTERY)
    assert "WSetEna is 1" in (await next_event(battery)).message
    battery.device.clings = False
    assert await battery.states(1) == [("c1", CommandState.CANCELLED)]


@pytest.mark.parametrize("timer", [True, False])
async def test_the_gateway_ends_a_lease_though_nothing_else_says_so(
    battery: Bench, timer: bool
) -> None:
    battery.device.timer = timer
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    await pass_time(battery, HOUR)
    await until(lambda: battery.device.released == 1)
    assert battery.device.held == {POWER: 0.0}
    assert (await next_event(battery)).message == "the lease has ended; released"


async def test_a_lease_that_ended_while_the_gateway_was_away_is_released_at_the_start(
    tmp_path: Path,
) -> None:
    path, clock, device = tmp_path / "spool.sqlite", ManualClock(NOW), FakeDevice(timer=False)
    async with bench(path, device, clock) as before:
        await before.carry.dispatch(command(1))
        await before.states(2)
    clock.advance(HOUR)
    async with bench(path, device, clock):
        await until(lambda: device.released == 1)


async def test_a_release_goes_on_after_a_restart_and_is_reported(tmp_path: Path) -> None:
    path, clock, device = tmp_path / "spool.sqlite", ManualClock(NOW), FakeDevice()
    async with bench(path, device, clock) as before:
        await before.carry.dispatch(command(1))
        await before.states(2)
        device.trouble = DeviceUnavailable("no connection")
        await before.carry.cancel(C1, BATTERY)
        await until(lambda: device.release_attempts >= 1)
    device.trouble = None
    async with bench(path, device, clock) as after:
        assert await after.states(1) == [("c1", CommandState.CANCELLED)]
        assert device.released == 1


async def test_withdrawing_the_older_of_two_channels_releases_it_alone(battery: Bench) -> None:
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    await battery.carry.dispatch(command(2, kind=LIMIT))
    await battery.states(2)
    await battery.carry.cancel(C1, BATTERY)
    assert await battery.states(1) == [("c1", CommandState.CANCELLED)]
    assert battery.device.released_kinds == [POWER]
    await battery.carry.cancel(C2, BATTERY)
    assert await battery.states(1) == [("c2", CommandState.CANCELLED)]
    assert battery.device.released_kinds == [POWER, LIMIT]


async def test_a_command_for_one_channel_supersedes_none_of_another(battery: Bench) -> None:
    battery.device.gate = asyncio.Event()
    await battery.carry.dispatch(command(2, kind=LIMIT))
    await battery.carry.dispatch(command(1))
    battery.device.gate.set()
    states = await battery.states(4)
    assert {state for _, state in states} == {CommandState.APPLIED, CommandState.VERIFIED}


async def test_a_rebooted_device_gets_its_setpoint_again_once(battery: Bench) -> None:
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    battery.device.held[POWER] = 0.0  # it has rebooted
    await pass_time(battery, timedelta(seconds=31))
    drifted, again = await next_event(battery), await next_event(battery)
    assert (drifted.type, drifted.value) == (SetpointEventType.DRIFTED, 0.0)
    assert (again.type, again.value) == (SetpointEventType.REAPPLIED, 1000.0)
    assert battery.device.applied[-1] == (1000.0, HOUR - timedelta(seconds=31))
    battery.device.held[POWER] = 0.0  # and again: somebody else may be at it
    for _ in range(3):
        looks = battery.device.rereads
        await pass_time(battery, timedelta(seconds=31))
        await until(lambda looks=looks: battery.device.rereads > looks)  # type: ignore[misc]
    assert battery.device.attempts == 2
    assert battery.news.empty()  # told once a minute of the wall, however often it is looked


async def test_a_setpoint_that_holds_is_read_again_and_nothing_is_said(battery: Bench) -> None:
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    for _ in range(3):
        looks = battery.device.rereads
        await pass_time(battery, timedelta(seconds=31))
        await until(lambda looks=looks: battery.device.rereads > looks)  # type: ignore[misc]
    assert battery.news.empty()
    assert battery.device.attempts == 1


async def test_a_release_gives_way_to_a_newer_command(battery: Bench) -> None:
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    battery.device.trouble = DeviceUnavailable("no connection")
    await battery.carry.cancel(C1, BATTERY)
    await until(lambda: battery.device.release_attempts >= 1)
    await battery.carry.dispatch(command(2, value=7.0))
    assert await battery.states(1) == [("c1", CommandState.CANCELLED)]
    battery.device.trouble = None
    assert await battery.states(2) == [("c2", CommandState.APPLIED), ("c2", CommandState.VERIFIED)]
    assert battery.device.held == {POWER: 7.0}
    assert battery.device.released == 0


async def test_events_wait_for_control_while_it_is_away(tmp_path: Path) -> None:
    path, clock, device = tmp_path / "spool.sqlite", ManualClock(NOW), FakeDevice()
    async with bench(path, device, clock) as battery:
        await battery.carry.dispatch(command(1))
        await battery.states(2)
        with battery.reports.listening():
            pass  # that stream has ended
        await battery.carry.cancel(C1, BATTERY)
        await until(lambda: device.released == 1)
        await asyncio.sleep(0.05)
        with battery.reports.listening() as news:
            event = news.get_nowait()
    assert isinstance(event, SetpointEvent)
    assert event.type is SetpointEventType.RELEASED
