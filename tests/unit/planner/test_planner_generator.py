"""Generator sets: started when they cost less than the grid, and kept to what they can do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.planner_home import GATEWAY, HOUR, START, asset_id, device_id, home, without
from tests.fakes.planner_solving import SolvingOptimizer
from tests.fakes.planner_world import PlannerWorld
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    GeneratorRating,
    MeterRole,
    MqttConnection,
    Resource,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing
from wattmesh_planner.domain.kinds.generator import GeneratorKind, GeneratorStanding
from wattmesh_planner.domain.kinds.kind import AgeLimits, Beginning, Reading
from wattmesh_planner.domain.model import MeteredPoint, SiteAsset
from wattmesh_planner.domain.plan import DeviceSchedule, Setpoint

RATING = GeneratorRating(
    max_output_power_w=2_000.0,
    min_output_power_w=500.0,
    fuel_cost_per_kwh=0.1,
    min_up_duration=3 * HOUR,
)
MINUTE = timedelta(minutes=1)


def generator(rating: GeneratorRating) -> list[Resource]:
    return [
        Asset(id=asset_id("set"), rating=rating),
        Device(
            id=device_id("set"),
            profile="set",
            gateway=GATEWAY,
            connection=MqttConnection(address="home-1/set"),
            reporting_interval=5 * MINUTE,
            points=frozenset({"active_power_w"}),
            functions=(
                DeviceFunction(asset=asset_id("set"), meter_role=MeterRole.MAIN, controls=True),
            ),
        ),
    ]


async def planned(rating: GeneratorRating) -> DeviceSchedule:
    """The schedule of a set beside a load of 1 kW that buys at 0.30; nothing is sold."""
    world = PlannerWorld(optimizer=SolvingOptimizer())
    await world.knows(*without(home(), "pv", "battery"), *generator(rating))
    (schedule,) = (await world.plan()).schedules
    assert schedule.kind is SetpointKind.ACTIVE_POWER_W
    return schedule


async def test_a_set_that_costs_less_than_the_grid_gives_out_what_is_used() -> None:
    assert set((await planned(RATING)).values) == {-1_000.0}


async def test_a_set_that_costs_more_stands_still() -> None:
    assert set((await planned(replace(RATING, fuel_cost_per_kwh=0.5))).values) == {0.0}


async def test_a_start_is_paid_for() -> None:
    """24 kWh save 4.80: less than a start costs."""
    assert set((await planned(replace(RATING, start_cost=5.0))).values) == {0.0}


async def test_one_that_runs_gives_out_its_least_load_or_more() -> None:
    """2 kWh of fuel at 0.10 for 1 kWh at 0.30: better than the grid, though half is given away."""
    rating = replace(RATING, min_output_power_w=2_000.0)
    assert set((await planned(rating)).values) == {-2_000.0}
    dearer = replace(rating, fuel_cost_per_kwh=0.2)
    assert set((await planned(dearer)).values) == {0.0}


def standing(*told: Setpoint, shown_w: float | None = 0.0, age: timedelta = MINUTE) -> Fact[object]:
    point = MeteredPoint(
        id=PointId(device_id("set"), "active_power_w"), reporting_interval=5 * MINUTE
    )
    asset = SiteAsset(
        asset=Asset(id=asset_id("set"), rating=RATING), points={"active_power_w": point}
    )
    reading = (
        {}
        if shown_w is None
        else {"active_power_w": Reading(measure_time=START - age, value=shown_w)}
    )
    beginning = Beginning(
        now=START, start=START + HOUR, limits=AgeLimits(), readings=reading, told=told
    )
    return GeneratorKind().begin(asset, beginning)


def told(first_hour: int, hours: int, power_w: float) -> Setpoint:
    return Setpoint(range=TimeRange.of(START + first_hour * HOUR, hours * HOUR), power_w=power_w)


def value(fact: Fact[object]) -> object:
    assert isinstance(fact, Known)
    return fact.value


def test_it_runs_for_as_long_as_it_was_told_without_a_break() -> None:
    asked = (told(-4, 1, 0.0), told(-3, 2, -900.0), told(-1, 2, -700.0))

    assert value(standing(*asked)) == GeneratorStanding(on=True, since=4 * HOUR)
    assert value(standing(*asked, shown_w=-800.0)) == GeneratorStanding(on=True, since=4 * HOUR)
    stopped = value(standing(told(-3, 2, -900.0), told(-1, 2, 0.0)))
    assert stopped == GeneratorStanding(on=False, since=2 * HOUR)


def test_without_a_word_its_meter_shows_whether_it_runs() -> None:
    assert value(standing(shown_w=-800.0)) == GeneratorStanding(on=True)
    assert value(standing(shown_w=-20.0)) == GeneratorStanding(on=False)


def test_what_was_not_metered_lately_is_assumed_and_then_missing() -> None:
    assert isinstance(standing(age=2 * HOUR), Assumed)
    assert isinstance(standing(age=30 * HOUR), Missing)
    assert isinstance(standing(shown_w=None), Missing)


@pytest.mark.parametrize(("hours", "more"), [(1, 2), (3, 0)])
async def test_one_that_has_just_started_runs_for_its_least_time(hours: int, more: int) -> None:
    world = PlannerWorld(optimizer=SolvingOptimizer())
    dear = replace(RATING, fuel_cost_per_kwh=0.5)
    await world.knows(*without(home(), "pv", "battery"), *generator(dear))
    await world.plan()
    inputs = world.asked
    site = inputs.sites[0]
    running = [
        replace(each, state=GeneratorStanding(on=True, since=hours * HOUR))
        if each.asset.id == asset_id("set")
        else each
        for each in site.assets
    ]

    solution = await world.optimizer.solve(
        replace(inputs, sites=(replace(site, assets=tuple(running)),))
    )

    (schedule,) = solution.schedules
    assert schedule.values[:more] == (-500.0,) * more
    assert set(schedule.values[more:]) == {0.0}
