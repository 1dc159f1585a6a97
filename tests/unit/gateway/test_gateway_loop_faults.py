"""What goes wrong with one site's loop stays there: devices are safe, the others go on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.loop_bench import LoopBench, loop_bench
from tests.fakes.loop_site import METER, SECOND, START, battery, device, policy, shows
from tests.fakes.manual_clock import ManualClock
from tests.fakes.settable_devices import FakeDevice
from wattmesh_gateway.domain.loop_event import LoopEventType
from wattmesh_kernel.loop_policy import LoopLimit, LoopMeter, LoopPolicySet, NetPower

ONE, TWO, THREE = device("one"), device("two"), device("three")
LIMIT = LoopLimit(id="connection", max_import_power_w=8000.0)
GUARD = policy(battery("one"), limits=[LIMIT])
ASKED_EVERY = LoopMeter(device=METER, sample_interval=SECOND)


class Unforeseen(float):
    """A value that passes for a number until somebody counts with it."""

    def __add__(self, other: object) -> float:
        raise ArithmeticError("nobody thought of that")

    __radd__ = __sub__ = __rsub__ = __lt__ = __le__ = __gt__ = __ge__ = __add__  # type: ignore[assignment]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[LoopBench]:
    devices = {each: FakeDevice() for each in (ONE, TWO, THREE, METER)}
    async with loop_bench(tmp_path / "spool.journal", devices, ManualClock(START)) as made:
        yield made


async def test_a_loop_that_cannot_decide_has_its_devices_safe_and_the_gateway_goes_on(
    bench: LoopBench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.run_by(GUARD)
    bench.say(1000.0)
    await bench.command(ONE, 3000.0)
    await bench.holds(ONE, 3000.0)
    bench.say(Unforeseen(1000.0))
    await bench.holds(ONE, 0.0)
    await bench.command(TWO, 2000.0)  # somebody whom that loop does not steer
    await bench.holds(TWO, 2000.0)
    bench.say(1000.0)
    await bench.holds(ONE, 3000.0)
    said = [each.message for each in caplog.records if "its decision" in each.message]
    assert [each.partition(": its")[0] for each in said] == ["the loop of sites/home-1"]


async def test_a_word_that_no_loop_can_take_costs_that_word_alone(bench: LoopBench) -> None:
    await bench.run_by(policy(battery("one"), target=NetPower(power_w=0.0)))
    bench.clock.advance(SECOND)
    unfit = shows(500.0, bench.clock.now())
    object.__setattr__(unfit, "measure_time", "now")
    bench.loops.hear([unfit, shows(3000.0, bench.clock.now())])
    await bench.holds(ONE, -3000.0)


async def test_a_loop_that_fails_is_run_again_and_commands_go_on_meanwhile(
    bench: LoopBench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.devices[METER].readings = [shows(3000.0, START)]
    bench.found.trouble = RuntimeError("a fault of the gateway")
    followed = policy(battery("one"), target=NetPower(power_w=0.0))
    await bench.run_by(replace(followed, meters=(ASKED_EVERY,)))
    await eventually(lambda: any("a fault of the gateway" in each for each in caplog.messages))
    await bench.command(TWO, 2000.0)
    await bench.holds(TWO, 2000.0)
    bench.found.trouble = None
    await bench.holds(ONE, -3000.0)


async def test_what_no_meter_can_measure_moves_no_device(bench: LoopBench) -> None:
    bench.devices[METER].readings = [shows(1000.0, START)]
    await bench.run_by(replace(GUARD, meters=(ASKED_EVERY,)))
    await eventually(lambda: LoopEventType.METER_USED in bench.events)
    await bench.command(ONE, 3000.0)
    await bench.holds(ONE, 3000.0)
    polls = bench.devices[METER].polls
    bench.clock.advance(SECOND)
    bench.devices[METER].readings = [shows(3.4e38, bench.clock.now())]
    await eventually(lambda: bench.devices[METER].polls > polls + 2)
    await asyncio.sleep(0.05)
    assert [value for value, _ in bench.devices[ONE].applied] == [3000.0]


async def test_policies_of_a_clock_that_was_ahead_make_no_later_ones_older(
    bench: LoopBench,
) -> None:
    ahead = LoopPolicySet(issue_time=bench.clock.now() + timedelta(days=1), policies=(GUARD,))
    await bench.loops.take(ahead)
    bench.say(2000.0)
    await bench.command(ONE, 3000.0)
    await bench.holds(ONE, 3000.0)
    bench.clock.advance(SECOND)
    tighter = LoopLimit(id="connection", max_import_power_w=4000.0)
    await bench.run_by(policy(battery("one"), limits=[tighter]))
    bench.clock.advance(5 * SECOND)
    bench.say(5000.0)
    await bench.holds(ONE, 1950.0)
