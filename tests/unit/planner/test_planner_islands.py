"""Without the grid a vehicle that may gives what the battery has not."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.planner_home import HOME, HOUR, START, asset_id, battery_device, home
from tests.fakes.planner_solving import solved
from tests.fakes.planner_world import PlannerWorld
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_kernel.sites import Asset, EvChargerRating, LoadRating, Microgrid, Resource, Site
from wattmesh_planner.adapters.optimizer import schedules_from_plan
from wattmesh_planner.domain.charging import ChargingNeed, ChargingSession
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.kinds.kind import Reading

CAR = asset_id("car", HOME)
WALLBOX = battery_device("wallbox", HOME, asset="car")
HOURS = 4


def island() -> list[Resource]:
    """A home that does without the grid, of which half of the load is critical, with a wallbox."""
    switch = battery_device("switch", HOME, asset="grid", meter_role=None)
    known = [
        replace(each, rating=replace(each.rating, critical_ratio=0.5))
        if isinstance(each, Asset) and isinstance(each.rating, LoadRating)
        else replace(each, microgrid=Microgrid())
        if isinstance(each, Site)
        else each
        for each in home()
    ]
    rating = EvChargerRating(max_current_a=16.0, min_current_a=6.0, max_discharge_power_w=5_000.0)
    return [
        *known,
        replace(switch, points=frozenset({"grid_connected_ratio"})),
        Asset(id=CAR, rating=rating),
        WALLBOX,
    ]


async def planned(need: ChargingNeed, soc_ratio: float) -> tuple[PlanInputs, plan_pb2.Plan]:
    world = PlannerWorld()
    await world.knows(*island())
    world.meter.default = Reading(measure_time=START, value=0.0)
    world.sessions.by_asset[CAR] = ChargingSession(
        id="s1",
        arrival_time=START - HOUR,
        measure_time=START,
        charged_energy_wh=0.0,
        soc_ratio=soc_ratio,
        capacity_wh=50_000.0,
        need=need,
    )
    await world.plan(HOME)
    return world.asked, solved(world.asked)


def powers_w(plan: plan_pb2.Plan, name: str) -> list[float]:
    (found,) = (each for each in plan.sites[0].assets if each.asset_name.endswith(f"/{name}"))
    return list(found.powers_w[:HOURS])


def needed(**more: object) -> ChargingNeed:
    known = {"departure_time": START + 12 * HOUR, "soc_ratio": 0.5, "discharge_allowed": True}
    return ChargingNeed(**{**known, **more})  # type: ignore[arg-type]


async def test_a_car_serves_what_is_critical_when_the_battery_is_empty() -> None:
    inputs, plan = await planned(needed(), soc_ratio=0.8)
    expected_w = next(
        each.forecast.power_w.values[:HOURS]
        for each in inputs.sites[0].assets
        if isinstance(each.asset.rating, LoadRating) and each.forecast is not None
    )

    served_w, given_w = np.array(powers_w(plan, "load")), np.array(powers_w(plan, "car"))
    assert (served_w >= 0.5 * expected_w - 1.0).all()
    assert given_w.max() < 0, "it comes from the car"
    (told,) = (each for each in schedules_from_plan(plan, inputs) if each.device == WALLBOX.id)
    assert told.values[0] is not None
    assert told.values[0] < 0, "and the wallbox is told so"


@pytest.mark.parametrize("need", [needed(discharge_allowed=False), needed(min_soc_ratio=0.8)])
async def test_a_car_gives_nothing_that_its_driver_does_not_allow(need: ChargingNeed) -> None:
    _, plan = await planned(need, soc_ratio=0.8)
    assert min(powers_w(plan, "car")) >= -1e-6
