"""The loop between commands: one writer for each device, and everything given back at the end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.loop_bench import POWER, LoopBench, loop_bench
from tests.fakes.loop_site import SECOND, START, battery, device, policy
from tests.fakes.manual_clock import ManualClock
from tests.fakes.settable_devices import FakeDevice
from wattmesh_gateway.domain.command import CommandState, SetpointEventType
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_gateway.domain.loop_event import LoopEventType
from wattmesh_kernel.loop_policy import LoopLimit, NetPower, SharedPower

ONE, TWO, THREE = device("one"), device("two"), device("three")
LIMIT = LoopLimit(id="connection", max_import_power_w=8000.0)
GUARD = policy(battery("one"), limits=[LIMIT])
FOLLOW = policy(battery("one"), target=NetPower(power_w=0.0))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[LoopBench]:
    devices = {ONE: FakeDevice(), TWO: FakeDevice(), THREE: FakeDevice()}
    async with loop_bench(tmp_path / "spool.journal", devices, ManualClock(START)) as made:
        yield made


async def test_a_meters_word_moves_the_device_and_its_lease_is_short(bench: LoopBench) -> None:
    await bench.run_by(FOLLOW)
    bench.say(3000.0)
    await bench.holds(ONE, -3000.0)
    assert bench.devices[ONE].applied == [(-3000.0, timedelta(seconds=60))]
    assert bench.events == [LoopEventType.STARTED, LoopEventType.METER_USED]


async def test_a_limit_overrules_a_command_and_its_record_says_so(bench: LoopBench) -> None:
    await bench.run_by(GUARD)
    bench.say(2000.0)
    await bench.command(ONE, 3000.0)
    await bench.holds(ONE, 3000.0)
    await eventually(lambda: len(bench.reports) == 2)
    assert [each.overruled_by for each in bench.reports] == ["", ""]
    bench.clock.advance(5 * SECOND)
    bench.say(10_000.0)
    await bench.holds(ONE, 950.0)
    await eventually(lambda: bool(bench.setpoint_events))
    event = bench.setpoint_events[0]
    assert (event.type, event.value) == (SetpointEventType.OVERRULED, 950.0)
    assert event.message == "the loop keeps connection"
    bench.clock.advance(5 * SECOND)
    bench.say(2000.0)
    await bench.holds(ONE, 3000.0)
    await eventually(lambda: bench.setpoint_events[-1].type is SetpointEventType.RESTORED)
    assert bench.devices[ONE].applied[-1][1] > timedelta(minutes=59)


async def test_a_command_that_a_limit_forbids_is_not_written_even_for_a_moment(
    bench: LoopBench,
) -> None:
    await bench.run_by(GUARD)
    bench.say(7000.0)
    await eventually(lambda: LoopEventType.METER_USED in bench.events)
    await bench.command(ONE, 5000.0)
    await eventually(lambda: len(bench.reports) == 2)
    assert bench.devices[ONE].applied[0][0] == 950.0
    applied, verified = bench.reports
    assert (applied.value, applied.overruled_by) == (950.0, "the loop keeps connection")
    assert applied.message == "asked 5000, told 950: the loop keeps connection"
    assert (verified.state, verified.overruled_by) == (
        CommandState.VERIFIED,
        "the loop keeps connection",
    )


async def test_a_stale_meter_sends_devices_to_what_is_safe(bench: LoopBench) -> None:
    await bench.run_by(GUARD)
    bench.say(1000.0)
    await bench.command(ONE, 3000.0)
    await bench.holds(ONE, 3000.0)
    bench.clock.advance(11 * SECOND)
    await bench.holds(ONE, 0.0)
    await eventually(lambda: bool(bench.setpoint_events))
    assert bench.setpoint_events[-1].message == "no meter is to be trusted"
    assert LoopEventType.METER_STALE in bench.events
    bench.say(1000.0)
    await bench.holds(ONE, 3000.0)


async def test_when_a_command_ends_the_loop_goes_on_and_the_device_is_not_released(
    bench: LoopBench,
) -> None:
    await bench.run_by(FOLLOW)
    command = await bench.command(ONE, 1000.0)
    await bench.holds(ONE, 1000.0)
    bench.clock.advance(5 * SECOND)
    bench.say(4000.0)
    await asyncio.sleep(0.05)
    assert bench.held(ONE) == 1000.0  # a command goes before the target
    await bench.carry.cancel(command.id, ONE)
    await bench.holds(ONE, -3000.0)
    assert bench.devices[ONE].released == 0


async def test_a_released_device_is_known_to_be_idle_when_the_next_overload_comes(
    bench: LoopBench,
) -> None:
    await bench.run_by(GUARD)
    bench.say(2000.0)
    command = await bench.command(ONE, 3000.0)
    await bench.holds(ONE, 3000.0)
    await bench.carry.cancel(command.id, ONE)
    await eventually(lambda: bench.devices[ONE].released == 1)
    await bench.loaded_until(9000.0, ONE, lambda: -1150.0 < bench.held(ONE) < -950.0)
    await bench.loaded_until(-500.0, ONE, lambda: bench.devices[ONE].released == 2)
    await bench.loaded_until(9000.0, ONE, lambda: -1150.0 < bench.held(ONE) < -950.0)


async def test_a_device_that_hangs_does_not_stop_the_others(bench: LoopBench) -> None:
    bench.devices[ONE].gate = asyncio.Event()
    both = policy(battery("one"), battery("two"), target=SharedPower(power_w=2000.0))
    await bench.run_by(both)
    bench.say(0.0)
    await bench.holds(TWO, 1000.0)
    await bench.run_by(replace(both, target=SharedPower(power_w=4000.0)))
    await bench.holds(TWO, 2000.0)
    assert bench.held(ONE) == 0.0


@pytest.mark.parametrize("trouble", [DeviceUnavailable("dead"), DeviceRefused("exception 2")])
async def test_the_part_of_a_dead_member_is_done_by_the_others_within_the_cycle(
    bench: LoopBench, trouble: Exception
) -> None:
    await bench.run_by(
        policy(battery("one"), battery("two"), battery("three"), target=SharedPower(power_w=6000))
    )
    bench.devices[TWO].trouble = trouble
    bench.say(0.0)
    await bench.holds(ONE, 3000.0)  # without another word of the meter
    await bench.holds(THREE, 3000.0)
    assert LoopEventType.MEMBER_LOST in bench.events
    bench.devices[TWO].trouble = None
    await bench.holds(TWO, 2000.0)
    await bench.holds(ONE, 2000.0)
    assert LoopEventType.MEMBER_BACK in bench.events


async def test_a_tightened_limit_counts_at_once_with_all_that_is_known(bench: LoopBench) -> None:
    await bench.run_by(GUARD)
    bench.say(3000.0)
    await bench.command(ONE, 4000.0)
    await bench.holds(ONE, 4000.0)
    bench.clock.advance(5 * SECOND)
    bench.say(7000.0)
    tighter = replace(GUARD, limits=(replace(LIMIT, max_import_power_w=5000.0),))
    await bench.run_by(tighter)
    await bench.holds(ONE, 1950.0)


async def test_a_policy_that_comes_to_a_running_command_knows_what_the_device_does(
    bench: LoopBench,
) -> None:
    await bench.command(ONE, 4000.0)
    await bench.holds(ONE, 4000.0)
    await bench.run_by(GUARD)
    bench.clock.advance(5 * SECOND)
    bench.say(9000.0)
    await bench.holds(ONE, 2950.0)


async def test_an_older_set_of_policies_is_passed_over(bench: LoopBench) -> None:
    await bench.run_by(FOLLOW)
    bench.clock.advance(-SECOND)
    await bench.run_by()
    bench.clock.advance(2 * SECOND)
    bench.say(3000.0)
    await bench.holds(ONE, -3000.0)


async def test_a_policy_that_ends_gives_everything_back(bench: LoopBench) -> None:
    both = policy(
        battery("one"),
        battery("two"),
        limits=[LIMIT],
        target=NetPower(power_w=0.0),
        lease=timedelta(minutes=10),
    )
    await bench.run_by(both)
    await bench.command(ONE, 1500.0)
    await bench.holds(ONE, 1500.0)
    bench.say(13_500.0)
    await bench.holds(TWO, -5000.0)
    await eventually(lambda: bench.held(ONE) < 1500.0)
    bench.clock.advance(timedelta(minutes=10))
    await bench.holds(ONE, 1500.0)
    await eventually(lambda: bench.devices[TWO].released == 1)
    await eventually(bench.forgotten)
    assert bench.events[-1] is LoopEventType.ENDED


async def test_a_renewed_lease_goes_on_without_a_write(bench: LoopBench) -> None:
    await bench.run_by(replace(FOLLOW, lease=timedelta(minutes=1)))
    bench.say(3000.0)
    await bench.holds(ONE, -3000.0)
    await bench.run_by(FOLLOW)
    bench.clock.advance(timedelta(minutes=1))
    bench.say(3000.0 - 3000.0)
    await asyncio.sleep(0.05)
    assert bench.devices[ONE].attempts == 1
    assert bench.devices[ONE].released == 0


async def test_a_withdrawn_policy_releases_also_a_device_that_is_away_just_then(
    bench: LoopBench,
) -> None:
    await bench.run_by(FOLLOW)
    bench.say(3000.0)
    await bench.holds(ONE, -3000.0)
    bench.devices[ONE].trouble = DeviceUnavailable("away")
    await bench.run_by()
    await eventually(lambda: bench.devices[ONE].release_attempts >= 2)
    assert len(await bench.policies.all()) == 1
    bench.devices[ONE].trouble = None
    await eventually(lambda: bench.devices[ONE].released == 1)
    await eventually(lambda: LoopEventType.ENDED in bench.events)


class TestRestart:
    """The gateway is killed in the middle of a policy."""

    async def test_it_goes_on_by_the_policy_on_disk(self, tmp_path: Path) -> None:
        path, clock, one = tmp_path / "spool.journal", ManualClock(START), FakeDevice()
        async with loop_bench(path, {ONE: one}, clock) as before:
            await before.run_by(FOLLOW)
            before.say(3000.0)
            await before.holds(ONE, -3000.0)
        clock.advance(timedelta(minutes=1))
        async with loop_bench(path, {ONE: one}, clock) as after:
            await asyncio.sleep(0.05)
            assert after.held(ONE) == -3000.0  # nothing is known yet, so nothing is done
            after.say(-500.0)
            await eventually(lambda: after.held(ONE) > -3000.0)

    async def test_a_policy_that_ended_meanwhile_is_given_back(self, tmp_path: Path) -> None:
        path, clock, one = tmp_path / "spool.journal", ManualClock(START), FakeDevice(timer=False)
        async with loop_bench(path, {ONE: one}, clock) as before:
            await before.run_by(FOLLOW)
            before.say(3000.0)
            await before.holds(ONE, -3000.0)
        clock.advance(timedelta(hours=2))
        async with loop_bench(path, {ONE: one}, clock) as after:
            await eventually(lambda: one.released == 1)
            await eventually(lambda: LoopEventType.ENDED in after.events)

    async def test_a_command_under_a_limit_is_taken_up_with_it(self, tmp_path: Path) -> None:
        path, clock, one = tmp_path / "spool.journal", ManualClock(START), FakeDevice()
        async with loop_bench(path, {ONE: one}, clock) as before:
            await before.run_by(GUARD)
            before.say(2000.0)
            await before.command(ONE, 4000.0)
            await before.holds(ONE, 4000.0)
            await eventually(lambda: len(before.reports) == 2)
        async with loop_bench(path, {ONE: one}, clock) as after:
            after.say(9000.0)
            await after.holds(ONE, 2950.0)
            after.clock.advance(5 * SECOND)
            after.say(4000.0)
            await after.holds(ONE, 4000.0)
            assert one.held == {POWER: 4000.0}
