"""Commands of a plan follow the meter by what energy is worth, and no further than that."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.loop_bench import LoopBench, loop_bench
from tests.fakes.loop_site import (
    SECOND,
    START,
    Plant,
    battery,
    device,
    plant,
    policy,
    slots,
)
from tests.fakes.manual_clock import ManualClock
from tests.fakes.settable_devices import FakeDevice
from wattmesh_gateway.domain.command import CommandState
from wattmesh_gateway.domain.loop_event import LoopEventType
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.loop_policy import LoopLimit, LoopPolicy, LoopWorth
from wattmesh_kernel.time import TimeRange
from wattmesh_kernel.worth import EnergyWorth, StoredWorth

HOUR = timedelta(hours=1)
PLANNER = "planner"
EFFICIENCY = 0.95
CAPACITY_WH = 10_000.0


def stored(name: str = "battery", *values: float, kept: float = 0.0) -> StoredWorth:
    return StoredWorth(
        device=device(name),
        values_per_kwh=values or (0.20,),
        charge_efficiency_ratio=EFFICIENCY,
        discharge_efficiency_ratio=EFFICIENCY,
        kept_soc_ratio=kept,
        capacity_wh=CAPACITY_WH,
    )


def worthy(
    made: LoopPolicy,
    *stores: StoredWorth,
    price: float,
    credit: float = 0.0,
    paid: float = 0.0,
    floor_w: float | None = None,
) -> LoopPolicy:
    """Return a policy that says what energy is worth; `paid` for a reduction, down to `floor_w`."""
    worth = EnergyWorth(
        import_price_per_kwh=price,
        export_price_per_kwh=credit,
        stores=stores,
        reduction_price_per_kwh=paid,
        reduction_floor_w=floor_w,
    )
    span = TimeRange.of(START, HOUR)
    return replace(made, worths=(LoopWorth(span=span, worth=worth, owner=PLANNER),))


def following(made: LoopPolicy, rest_w: float, *asked_w: float, soc: float = 0.5) -> Plant:
    """Return a site whose batteries a plan asks something of, and the meter sees something else."""
    site = plant(made, lambda seconds: rest_w)
    for slot, power_w in zip(slots(made), asked_w, strict=True):
        site.asked[slot] = power_w
        site.moved.add(slot)
        site.tell(slot, power_w)
        site.state.hear(level(soc, slot[0].segment), site.now)
    return site


def level(soc: float, name: str = "battery") -> Reading:
    return Reading(point=PointId(device(name), "soc_ratio"), measure_time=START, value=soc)


ONE = policy(battery(min_soc_ratio=0.0, max_soc_ratio=1.0))
(SLOT,) = slots(ONE)


def test_load_beyond_the_plan_is_served_from_the_store_while_the_grid_is_dearer() -> None:
    site = following(worthy(ONE, stored(), price=0.54), 2000.0, -500.0)
    site.run(5)
    assert site.told_w()[SLOT] == pytest.approx(-2000.0, abs=60)


def test_what_is_kept_for_a_dearer_hour_is_not_given_to_a_cheap_one() -> None:
    site = following(worthy(ONE, stored("battery", 0.51), price=0.22), 2000.0, 0.0)
    site.run(5)
    assert site.writes == 1, "the plan holds, and nothing is written"


def test_a_difference_that_forecasts_are_not_good_for_moves_nothing() -> None:
    site = following(worthy(ONE, stored("battery", 0.209), price=0.22), 2000.0, 0.0)
    site.run(5)
    assert site.writes == 1


def test_sun_that_would_earn_nothing_is_stored_and_only_the_surplus() -> None:
    site = following(worthy(ONE, stored(), price=0.22), -1800.0, 0.0)
    site.run(5)
    assert site.told_w()[SLOT] == pytest.approx(1800.0, abs=60)


def test_sun_that_earns_more_than_it_is_worth_later_is_sold() -> None:
    made = worthy(ONE, stored("battery", 0.20), price=0.54, credit=0.30)
    site = following(made, -1800.0, 0.0)
    site.run(5)
    assert site.writes == 1


def test_a_planned_discharge_does_not_flow_out_for_nothing() -> None:
    site = following(worthy(ONE, stored(), price=0.54), 700.0, -2500.0)
    site.run(5)
    assert site.told_w()[SLOT] == pytest.approx(-700.0, abs=60)


def test_what_a_plan_buys_ahead_is_bought_though_the_load_is_another() -> None:
    made = worthy(ONE, stored("battery", 0.51), price=0.22)
    site = following(made, 1500.0, 3000.0)
    site.run(5)
    assert site.writes == 1, "a stored kWh is worth more than it costs now"
    cheap = following(worthy(ONE, stored("battery", 0.10), price=0.22), 1500.0, 3000.0)
    cheap.run(5)
    assert cheap.told_w()[SLOT] == pytest.approx(-1500.0, abs=60), "and here it is not"


def test_energy_kept_for_a_peak_stays_though_its_price_says_nothing_of_it() -> None:
    made = worthy(ONE, stored("battery", 0.20, kept=0.6), price=0.54)
    site = following(made, 2000.0, -500.0, soc=0.5)
    site.run(5)
    assert site.told_w()[SLOT] == -500.0, "the plan's own part is given"
    sunny = following(made, -2000.0, 0.0, soc=0.5)
    sunny.run(5)
    assert sunny.told_w()[SLOT] == pytest.approx(2000.0, abs=60)


def test_the_last_kilowatt_hours_are_kept_that_are_worth_more() -> None:
    made = worthy(ONE, stored("battery", 0.51, 0.51, 0.10, 0.10), price=0.22)
    site = following(made, 4000.0, 0.0, soc=0.60)
    site.run(3600, step=10 * SECOND)
    assert site.told_w()[SLOT] == 0.0, "it gave some, and stopped by itself"
    given_wh = sum(max(4000.0 - shown, 0.0) for _, shown in site.meter_w) * 10 / 3600
    assert 0 < given_wh < 0.2 * CAPACITY_WH


def test_a_full_store_is_not_told_ever_more_and_serves_load_at_once() -> None:
    """Else the meter's surplus, which it cannot take, would be found in the rest of the site."""
    made = worthy(ONE, stored(), price=0.54)
    load = {"w": -3000.0}
    site = plant(made, lambda seconds: load["w"])
    site.asked[SLOT], site.moved = 0.0, {SLOT}
    site.tell(SLOT, 0.0)
    site.state.hear(level(0.99), site.now)
    site.run(150)
    assert site.told_w()[SLOT] == 0.0, "100 Wh of room are full after two minutes"
    load["w"] = 1000.0
    site.run(5)
    assert site.told_w()[SLOT] == pytest.approx(-1000.0, abs=60)


def test_a_paid_reduction_is_kept_by_the_store_down_to_its_floor_and_no_further() -> None:
    made = worthy(ONE, stored("battery", 0.51), price=0.22, paid=0.5, floor_w=1000.0)
    site = following(made, 2500.0, -500.0)
    site.run(5)
    assert site.told_w()[SLOT] == pytest.approx(-1550.0, abs=60)
    quieter = following(made, 1200.0, -900.0)
    quieter.run(5)
    assert quieter.told_w()[SLOT] == pytest.approx(-250.0, abs=60), "what is not paid is kept"


def test_below_the_floor_energy_is_given_if_the_grid_alone_is_dearer() -> None:
    made = worthy(ONE, stored("battery", 0.10), price=0.22, paid=0.5, floor_w=1000.0)
    site = following(made, 2500.0, -500.0)
    site.run(5)
    assert site.told_w()[SLOT] == pytest.approx(-2500.0, abs=60)


def test_a_reduction_that_is_paid_below_no_exchange_is_given_into_the_grid() -> None:
    made = worthy(ONE, stored("battery", 0.40), price=0.22, paid=0.5, floor_w=-1500.0)
    site = following(made, 2500.0, -3000.0)
    site.run(5)
    assert site.told_w()[SLOT] == pytest.approx(-4050.0, abs=60)
    dearer = worthy(ONE, stored("battery", 0.60), price=0.22, paid=0.5, floor_w=-1500.0)
    dear = following(dearer, 2500.0, -1000.0)
    dear.run(10)
    assert dear.told_w()[SLOT] == pytest.approx(-2500.0, abs=60), "for imports that are dearer"
    free = following(worthy(ONE, stored("battery", 0.40), price=0.22, paid=0.5), 500.0, -1000.0)
    free.run(5)
    assert free.told_w()[SLOT] == -5000.0, "however low"


def test_nothing_is_bought_for_a_store_in_a_paid_reduction() -> None:
    made = worthy(ONE, stored("battery", 5.0), price=0.22, paid=0.5, floor_w=2000.0)
    site = following(made, 1000.0, 0.0)
    site.run(5)
    assert site.writes == 1


def test_of_two_stores_that_give_less_of_worth_gives_first() -> None:
    made = worthy(
        policy(battery("one"), battery("two")),
        *(stored("one", 0.40), stored("two", 0.20)),
        price=0.54,
    )
    one, two = slots(made)
    site = following(made, 3000.0, 0.0, 0.0)
    site.run(5)
    assert site.told_w()[one] == 0.0
    assert site.told_w()[two] == pytest.approx(-3000.0, abs=60)


def test_a_limit_goes_before_what_energy_is_worth() -> None:
    limit = LoopLimit(id="connection", max_export_power_w=500.0)
    made = worthy(policy(battery(), limits=[limit]), stored("battery", 0.0), price=0.54, credit=0.3)
    site = following(made, -3000.0, 0.0)
    site.run(10)
    assert site.told_w()[SLOT] >= 2500.0


def test_worth_is_over_with_its_interval() -> None:
    made = worthy(ONE, stored(), price=0.54)
    short = replace(made.worths[0], span=TimeRange.of(START, 10 * SECOND))
    site = following(replace(made, worths=(short,)), 2000.0, -500.0)
    site.run(9)
    assert site.told_w()[SLOT] == pytest.approx(-2000.0, abs=60)
    site.run(9)
    assert site.told_w()[SLOT] == -500.0, "the command is kept again"


BATTERY = device("battery")
FOLLOW = worthy(ONE, stored(), price=0.54)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[LoopBench]:
    devices = {BATTERY: FakeDevice()}
    async with loop_bench(tmp_path / "spool.journal", devices, ManualClock(START)) as made:
        yield made


async def test_the_record_of_a_moved_command_says_so_and_it_is_proven_all_the_same(
    bench: LoopBench,
) -> None:
    await bench.run_by(FOLLOW)
    bench.loops.hear([level(0.5)])
    bench.say(2000.0)
    await bench.command(BATTERY, -500.0, owner=PLANNER)
    await bench.loaded_until(2000.0, BATTERY, lambda: bench.held(BATTERY) == -2000.0)
    await eventually(lambda: len(bench.reports) == 2)
    applied, verified = bench.reports
    assert applied.overruled_by == verified.overruled_by == "the loop follows the meter"
    assert verified.state is CommandState.VERIFIED


async def test_control_is_told_what_the_loop_told_in_place_of_a_command(bench: LoopBench) -> None:
    """Every value once, those of a command together, and none of what was as asked."""
    await bench.run_by(FOLLOW)
    bench.loops.hear([level(0.5)])
    bench.say(2000.0)
    first = await bench.command(BATTERY, -500.0, owner=PLANNER)
    await bench.loaded_until(2000.0, BATTERY, lambda: bench.held(BATTERY) == -2000.0)
    await bench.loaded_until(1500.0, BATTERY, lambda: bench.held(BATTERY) == -1500.0)
    await bench.command(BATTERY, -700.0, owner="operator")
    await bench.holds(BATTERY, -700.0)
    await eventually(lambda: bool(bench.moves))
    assert {each.command.id for each in bench.moves} == {first.id}
    told_w = [move.power_w for each in bench.moves for move in each.moves]
    assert (told_w[-1], -2000.0 in told_w) == (-1500.0, True)
    assert all(one != other for one, other in pairwise(told_w))
    counts = [(each.before, len(each.moves)) for each in bench.moves]
    assert all(before + count == after for (before, count), (after, _) in pairwise(counts))
    times = [move.time for each in bench.moves for move in each.moves]
    assert times == sorted(times)


async def test_a_command_of_somebody_else_is_kept_as_it_is(bench: LoopBench) -> None:
    await bench.run_by(FOLLOW)
    bench.loops.hear([level(0.5)])
    bench.say(2000.0)
    await bench.command(BATTERY, -500.0, owner="operator")
    await bench.holds(BATTERY, -500.0)
    for _ in range(5):
        bench.clock.advance(5 * SECOND)
        bench.say(1500.0)
    await eventually(lambda: len(bench.reports) == 2)
    assert bench.held(BATTERY) == -500.0
    assert [each.overruled_by for each in bench.reports] == ["", ""]
    assert bench.setpoint_events == []


def test_a_policy_refuses_worth_that_overlaps() -> None:
    with pytest.raises(InvalidArgument):
        replace(FOLLOW, worths=FOLLOW.worths * 2)


async def test_a_newer_plan_is_taken_while_a_device_is_being_told(bench: LoopBench) -> None:
    await bench.run_by(FOLLOW)
    bench.loops.hear([level(0.5)])
    bench.say(500.0)
    await bench.command(BATTERY, -500.0, owner=PLANNER)
    await bench.loaded_until(1000.0, BATTERY, lambda: bench.held(BATTERY) == -1000.0)
    slow = bench.devices[BATTERY]
    attempts, slow.gate = slow.attempts, asyncio.Event()
    await bench.loaded_until(2000.0, BATTERY, lambda: slow.attempts > attempts)
    for number in range(5):
        await bench.run_by(worthy(ONE, stored("battery", 0.2 + number / 1000), price=0.54))
    slow.gate.set()
    await bench.loaded_until(2500.0, BATTERY, lambda: bench.held(BATTERY) == -2500.0)
    await bench.loaded_until(800.0, BATTERY, lambda: bench.held(BATTERY) == -800.0)
    assert bench.events.count(LoopEventType.STARTED) == 1, "it is the same loop all along"


async def test_where_a_write_was_cut_off_is_found_out_by_writing_again(bench: LoopBench) -> None:
    await bench.run_by(FOLLOW)
    bench.loops.hear([level(0.5)])
    bench.say(500.0)
    await bench.command(BATTERY, -500.0, owner=PLANNER)
    await bench.loaded_until(-3000.0, BATTERY, lambda: bench.held(BATTERY) == 3000.0)
    slow = bench.devices[BATTERY]
    attempts, slow.gate = slow.attempts, asyncio.Event()
    await bench.loaded_until(1000.0, BATTERY, lambda: slow.attempts > attempts)
    another = worthy(policy(battery(), battery("other")), stored(), price=0.54)
    await bench.run_by(another)
    slow.gate.set()
    await bench.loaded_until(2500.0, BATTERY, lambda: bench.held(BATTERY) == -2500.0)
    await bench.loaded_until(3500.0, BATTERY, lambda: bench.held(BATTERY) == -3500.0)
