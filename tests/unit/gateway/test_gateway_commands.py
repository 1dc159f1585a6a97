"""Leased setpoints: one after the other, the newest wins, each answered once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.gateway_commands import BATTERY, HOUR, NOW, Bench, bench, command
from tests.fakes.manual_clock import ManualClock
from tests.fakes.settable_devices import FakeDevice
from wattmesh_gateway.domain.command import Command, CommandState, SetpointEvent
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_kernel.ids import CommandId, DeviceId, SiteId
from wattmesh_kernel.setpoints import SetpointKind

APPLIED, VERIFIED = CommandState.APPLIED, CommandState.VERIFIED


@pytest.fixture
async def battery(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path / "spool.sqlite", FakeDevice(), ManualClock(NOW)) as made:
        yield made


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_command_is_applied_then_verified_with_the_values_of_the_device(
    battery: Bench,
) -> None:
    await battery.carry.dispatch(command(1, value=1234.4))
    applied, verified = await battery.next_report(), await battery.next_report()
    assert (applied.state, applied.value) == (APPLIED, 1234.0)
    assert (verified.state, verified.value, verified.report_time) == (VERIFIED, 1234.0, NOW)


async def test_the_device_gets_what_is_left_of_the_lease(battery: Bench) -> None:
    battery.clock.advance(timedelta(minutes=20))
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    assert battery.device.applied == [(1000.0, timedelta(minutes=40))]


async def test_a_lease_that_has_ended_is_never_applied(battery: Bench) -> None:
    await battery.carry.dispatch(command(1, lease=timedelta(0)))
    assert await battery.states(1) == [("c1", CommandState.EXPIRED)]
    assert battery.device.attempts == 0


async def test_a_repeat_gets_the_first_answers_without_a_second_write(battery: Bench) -> None:
    await battery.carry.dispatch(command(1))
    first = await battery.states(2)
    await battery.carry.dispatch(command(1))
    assert await battery.states(2) == first
    assert battery.device.attempts == 1


async def test_a_repeat_after_a_restart_gets_them_too(tmp_path: Path) -> None:
    path, device, clock = tmp_path / "spool.sqlite", FakeDevice(), ManualClock(NOW)
    async with bench(path, device, clock) as before:
        await before.carry.dispatch(command(1))
        first = await before.states(2)
    async with bench(path, device, clock) as after:
        await after.carry.dispatch(command(1))
        assert await after.states(2) == first
    assert device.attempts == 1


async def test_a_command_cut_short_by_a_restart_is_carried_out_again(tmp_path: Path) -> None:
    path, clock = tmp_path / "spool.sqlite", ManualClock(NOW)
    device = FakeDevice(trouble_after_writing=DeviceUnavailable("gone"))
    async with bench(path, device, clock) as before:
        await before.carry.dispatch(command(1))
        assert await before.states(1) == [("c1", APPLIED)]
    device.trouble_after_writing = None
    async with bench(path, device, clock) as after:
        await after.carry.dispatch(command(1))
        assert await after.states(2) == [("c1", APPLIED), ("c1", VERIFIED)]


async def test_a_command_older_than_the_last_applied_is_superseded(battery: Bench) -> None:
    await battery.carry.dispatch(command(5))
    await battery.states(2)
    await battery.carry.dispatch(command(4))
    assert await battery.states(1) == [("c4", CommandState.SUPERSEDED)]
    assert battery.device.attempts == 1


async def test_of_several_waiting_commands_only_the_newest_is_applied(battery: Bench) -> None:
    battery.device.gate = asyncio.Event()
    await battery.carry.dispatch(command(1))
    await until(lambda: battery.device.attempts == 1)
    await battery.carry.dispatch(command(2))
    await battery.carry.dispatch(command(3, value=3000.0))
    battery.device.gate.set()
    assert sorted(await battery.states(5), key=lambda each: each[0]) == [
        ("c1", APPLIED),
        ("c1", VERIFIED),
        ("c2", CommandState.SUPERSEDED),
        ("c3", APPLIED),
        ("c3", VERIFIED),
    ]
    assert [value for value, _ in battery.device.applied] == [1000.0, 3000.0]


async def test_an_unreachable_device_is_tried_again_within_the_lease(battery: Bench) -> None:
    battery.device.trouble = DeviceUnavailable("no connection")
    await battery.carry.dispatch(command(1))
    await until(lambda: battery.device.attempts >= 2)
    battery.device.trouble = None
    assert await battery.states(2) == [("c1", APPLIED), ("c1", VERIFIED)]


async def test_a_device_unreachable_for_the_whole_lease_is_a_failure_with_its_reason(
    battery: Bench,
) -> None:
    battery.device.trouble = DeviceUnavailable("no connection")
    await battery.carry.dispatch(command(1))
    await until(lambda: battery.device.attempts >= 1)
    battery.clock.advance(HOUR)
    report = await battery.next_report()
    assert report.state is CommandState.FAILED
    assert "no connection" in report.message


async def test_a_newer_command_ends_the_tries_at_an_unreachable_device(battery: Bench) -> None:
    battery.device.trouble = DeviceUnavailable("no connection")
    await battery.carry.dispatch(command(1))
    await until(lambda: battery.device.attempts >= 1)
    await battery.carry.dispatch(command(2))
    assert await battery.states(1) == [("c1", CommandState.SUPERSEDED)]
    battery.device.trouble = None
    assert await battery.states(2) == [("c2", APPLIED), ("c2", VERIFIED)]


async def test_a_refusal_of_the_device_is_final_and_says_why(battery: Bench) -> None:
    battery.device.trouble = DeviceRefused("exception 3 (illegal_value)")
    await battery.carry.dispatch(command(1))
    report = await battery.next_report()
    assert (report.state, report.message) == (
        CommandState.REFUSED,
        "exception 3 (illegal_value)",
    )
    assert battery.device.attempts == 1


async def test_a_read_back_that_stays_different_is_a_failure_with_its_value(
    battery: Bench,
) -> None:
    battery.device.reads_back = 7.0
    await battery.carry.dispatch(command(1))
    applied, failed = await battery.next_report(), await battery.next_report()
    assert applied.state is APPLIED
    assert (failed.state, failed.value) == (CommandState.FAILED, 7.0)
    assert "read-back differs" in failed.message
    assert battery.device.attempts == 3


async def test_a_device_nobody_knows_is_refused(battery: Bench) -> None:
    stranger = Command(
        id=CommandId("c9"),
        device=DeviceId(SiteId("home-2"), "battery"),
        kind=SetpointKind.ACTIVE_POWER_W,
        value=1.0,
        lease_expire_time=NOW + HOUR,
        sequence=1,
    )
    await battery.carry.dispatch(stranger)
    assert await battery.states(1) == [("c9", CommandState.REFUSED)]


async def test_withdrawing_the_applied_command_releases_the_device(battery: Bench) -> None:
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    await battery.carry.cancel(CommandId("c1"), BATTERY)
    assert await battery.states(1) == [("c1", CommandState.CANCELLED)]
    assert battery.device.released == 1


async def test_withdrawing_a_command_that_was_replaced_leaves_the_device_alone(
    battery: Bench,
) -> None:
    await battery.carry.dispatch(command(1))
    await battery.carry.dispatch(command(2))
    await until(lambda: len(battery.device.applied) >= 1 and battery.news.qsize() >= 3)
    await battery.carry.cancel(CommandId("c1"), BATTERY)
    await until(lambda: battery.news.qsize() >= 4)
    assert battery.device.released == 0


async def test_withdrawing_a_command_that_cannot_be_applied_ends_it(battery: Bench) -> None:
    battery.device.trouble = DeviceUnavailable("no connection")
    await battery.carry.dispatch(command(1))
    await until(lambda: battery.device.attempts >= 1)
    await battery.carry.cancel(CommandId("c1"), BATTERY)
    await asyncio.sleep(0.05)
    # The device may have got a part of it: it must be released.
    pending = battery.news.get_nowait()
    assert isinstance(pending, SetpointEvent)
    assert "no connection" in pending.message
    assert battery.news.empty()
    battery.device.trouble = None
    assert await battery.states(1) == [("c1", CommandState.CANCELLED)]
    assert battery.device.released == 1


async def test_withdrawing_what_never_came_is_harmless(battery: Bench) -> None:
    await battery.carry.cancel(CommandId("c7"), BATTERY)
    assert battery.news.empty()


async def test_a_device_that_controls_nothing_refuses_with_the_reason(battery: Bench) -> None:
    battery.devices.why_not = "the device controls no asset"
    await battery.carry.dispatch(command(1))
    report = await battery.next_report()
    assert report.state is CommandState.REFUSED
    assert report.message == "the device controls no asset"
    assert battery.device.attempts == 0


async def test_a_device_that_lost_its_control_is_still_released(battery: Bench) -> None:
    await battery.carry.dispatch(command(1))
    await battery.states(2)
    battery.devices.why_not = "the device controls no asset"
    await battery.carry.cancel(CommandId("c1"), BATTERY)
    assert await battery.states(1) == [("c1", CommandState.CANCELLED)]
    assert battery.device.released == 1


async def test_a_device_let_go_between_two_tries_ends_its_command(battery: Bench) -> None:
    battery.device.trouble = DeviceUnavailable("no connection")
    await battery.carry.dispatch(command(1))
    await until(lambda: battery.device.attempts >= 1)
    battery.devices.why_not = "this gateway does not talk to the device"
    assert await battery.states(1) == [("c1", CommandState.REFUSED)]


async def test_an_error_that_nobody_foresaw_is_tried_again_like_a_loss(battery: Bench) -> None:
    battery.device.trouble = RuntimeError("handler is closed")
    await battery.carry.dispatch(command(1))
    await until(lambda: battery.device.attempts >= 2)
    battery.device.trouble = None
    assert await battery.states(2) == [("c1", APPLIED), ("c1", VERIFIED)]
