"""A reserve's signal moves members at once, from what they do, and never past a limit."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.loop_bench import loop_bench
from tests.fakes.loop_site import SECOND, SITE, START, battery, device, plant, policy, shows, slots
from tests.fakes.manual_clock import ManualClock
from tests.fakes.settable_devices import FakeDevice
from wattmesh_kernel.loop_policy import LoopLimit, LoopPolicy, NetPower
from wattmesh_kernel.reserve_signal import ReserveSignal

LIMIT = LoopLimit(id="connection", max_import_power_w=8000.0, max_export_power_w=8000.0)
HELD = policy(battery("one"), battery("two"), limits=[LIMIT])


def signal(
    power_w: float, *, seconds: float = 0, reserve: str = "r", hold: float = 10
) -> ReserveSignal:
    return ReserveSignal(
        site=SITE,
        reserve=reserve,
        power_w=power_w,
        hold=timedelta(seconds=hold),
        signal_time=START + timedelta(seconds=seconds),
    )


def told(made: LoopPolicy, signals: Sequence[ReserveSignal], load_w: float = 1000.0) -> list[float]:
    """Return what members are told a second later, of which the first is commanded to charge."""
    site = plant(made, lambda _: load_w)
    site.asked = {slots(made)[0]: 2000.0}
    site.run(1)
    for each in signals:
        site.state.activate(each, site.now)
    site.run(1)
    return [site.told_w().get(slot, 0.0) for slot in slots(made)]


def test_members_move_from_what_they_were_told_by_their_room() -> None:
    # 7 kW and 5 kW of room to give
    assert told(HELD, [signal(-3000.0)]) == pytest.approx([2000 - 1750, -1250])


def test_an_older_signal_changes_nothing_and_reserves_add_up() -> None:
    late = [signal(-3000.0, seconds=2), signal(5000.0, seconds=1), signal(1200.0, reserve="s")]
    assert sum(told(HELD, late)) == pytest.approx(2000 - 3000 + 1200)


def test_what_is_asked_beyond_a_limit_is_not_done() -> None:
    assert sum(told(HELD, [signal(9000.0)], load_w=3000.0)) <= 8000 - 3000


def test_it_ends_by_itself() -> None:
    site = plant(HELD, lambda _: 1000.0)
    site.run(1)
    site.state.activate(signal(-3000.0, hold=5), site.now)
    site.run(2)
    assert sum(site.told_w().values()) == pytest.approx(-3000.0)
    site.run(6)
    assert site.verdict is not None
    assert not site.verdict.wishes  # members are left to themselves


def test_a_target_is_moved_so_that_the_meter_shows_what_is_asked() -> None:
    site = plant(policy(battery("one"), target=NetPower(power_w=500.0)), lambda _: 1000.0)
    site.run(5)
    site.state.activate(signal(-2000.0, seconds=5, hold=60), site.now)
    site.run(10)
    assert site.total_w(site.now) == pytest.approx(-1500.0, abs=50)


async def test_a_device_is_told_without_another_word_of_the_meter(tmp_path: Path) -> None:
    devices = {device("one"): FakeDevice(), device("two"): FakeDevice()}
    clock = ManualClock(START)
    async with loop_bench(tmp_path / "spool.journal", devices, clock) as bench:
        await bench.run_by(policy(battery("one"), limits=[LIMIT]))
        bench.loops.hear([shows(1000.0, clock.now() + SECOND / 100)])
        bench.loops.activate(signal(-2500.0))
        await bench.holds(device("one"), -2500.0)
        bench.loops.activate(signal(1500.0, seconds=1))
        await bench.holds(device("one"), 1500.0)
