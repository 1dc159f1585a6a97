"""What is missing about one asset costs that asset, and is said as data."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.planner_home import (
    DYNAMIC,
    HOME,
    HOUR,
    START,
    STREET,
    TARIFF,
    asset_id,
    battery_device,
    device_id,
    group,
    home,
    inverter,
    without,
)
from tests.fakes.planner_world import LEAD, PlannerWorld, world_of_a_home
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Asset, GeneratorRating, MeterRole
from wattmesh_kernel.tariff import DemandCharge
from wattmesh_planner.domain.degradations import Degradation, Remedy, in_words
from wattmesh_planner.domain.errors import NothingToSteer
from wattmesh_planner.domain.facts import Reason, Topic, Why
from wattmesh_planner.domain.inputs import AssetForecast
from wattmesh_planner.domain.kinds.kind import Reading
from wattmesh_planner.domain.plan import PlanState

BATTERY, LOAD, PV = asset_id("battery"), asset_id("load"), asset_id("pv")
OTHER = SiteId("home-2")


def planned(world: PlannerWorld) -> set[str]:
    """The assets that the optimizer was asked about."""
    return {asset.asset.name for site in world.asked.sites for asset in site.assets}


async def test_a_battery_that_never_reported_is_left_out_and_the_rest_of_its_group_is_planned() -> (
    None
):
    world = PlannerWorld()
    await world.knows(*home(), *home(OTHER), group(HOME, OTHER))
    world.meter.by_device[device_id("battery", OTHER)] = None

    plan = await world.plan(STREET)

    assert plan.state is PlanState.MADE
    assert [schedule.device for schedule in plan.schedules] == [device_id("battery")]
    assert plan.degradations == (
        Degradation(
            subject=asset_id("battery", OTHER).name,
            topic=Topic.STATE,
            remedy=Remedy.LEFT_OUT,
            reason=Reason.NEVER_REPORTED,
            detail="soc_ratio",
        ),
    )
    assert len(world.forecaster.asked) == 1


async def test_with_nothing_left_to_steer_no_forecast_is_asked_for() -> None:
    world = await world_of_a_home()
    world.meter.default = None

    with pytest.raises(NothingToSteer) as caught:
        await world.plan()

    assert [each.reason for each in caught.value.degradations] == [Reason.NEVER_REPORTED]
    assert world.forecaster.asked == []


async def test_curtailable_solar_is_planned_although_its_battery_never_reported() -> None:
    world = PlannerWorld()
    await world.knows(*home(), *inverter())
    world.meter.default = None

    plan = await world.plan()

    assert plan.state is PlanState.MADE
    assert BATTERY.name not in planned(world)


async def test_a_stale_state_is_carried_on_with_its_age_and_beyond_a_day_not_believed() -> None:
    world = await world_of_a_home()
    world.meter.default = Reading(measure_time=START - LEAD - 2 * HOUR, value=0.4)

    (assumed,) = (await world.plan()).degradations
    world.meter.default = Reading(measure_time=START - LEAD - 25 * HOUR, value=0.4)
    with pytest.raises(NothingToSteer) as caught:
        await world.plan()

    assert (assumed.remedy, assumed.reason) == (Remedy.ASSUMED, Reason.STALE)
    assert assumed.age == 2 * HOUR
    (left_out,) = caught.value.degradations
    assert (left_out.remedy, left_out.reason) == (Remedy.LEFT_OUT, Reason.STALE)
    assert left_out.age == 25 * HOUR


async def test_a_device_that_reports_seldom_is_believed_for_two_of_its_intervals() -> None:
    world = PlannerWorld()
    seldom = battery_device("battery", reporting_interval=3 * HOUR)
    await world.knows(*without(home(), "battery"), *home()[4:5], seldom)
    world.meter.default = Reading(measure_time=START - 5 * HOUR, value=0.4)

    assert (await world.plan()).degradations == ()


async def test_setpoints_go_to_the_controller_and_the_state_comes_from_the_main_meter() -> None:
    world = PlannerWorld()
    meter = battery_device("a-meter", controls=False)
    controller = battery_device("z-controller", meter_role=None)
    check = battery_device("b-check", controls=False, meter_role=MeterRole.CHECK)
    await world.knows(*home()[:5], meter, controller, check)
    world.meter.by_device[device_id("a-meter")] = Reading(measure_time=START, value=0.9)

    plan = await world.plan()

    assert [schedule.device for schedule in plan.schedules] == [device_id("z-controller")]
    (battery,) = [each for each in world.asked.sites[0].assets if each.state is not None]
    assert battery.state == 0.9


async def test_a_generator_that_nobody_controls_is_named() -> None:
    generator = Asset(id=asset_id("set"), rating=GeneratorRating(max_output_power_w=5_000.0))
    world = await world_of_a_home(generator)

    (degradation,) = (await world.plan()).degradations

    assert degradation.subject == generator.name
    assert degradation.reason is Reason.NO_CONTROLLER
    assert degradation.remedy is Remedy.LEFT_OUT


async def test_without_forecast_service_yesterday_is_assumed_for_each_asset() -> None:
    world = await world_of_a_home()
    world.forecaster.away = True

    plan = await world.plan()

    assert plan.state is PlanState.MADE
    assert set(plan.sources.values()) == {"yesterday"}
    assert {each.subject for each in plan.degradations} == {LOAD.name, PV.name}
    assert {each.reason for each in plan.degradations} == {Reason.SERVICE_UNAVAILABLE}
    assert {each.remedy for each in plan.degradations} == {Remedy.ASSUMED}


async def test_a_missing_power_never_becomes_0_w() -> None:
    world = await world_of_a_home()
    known = np.full(24, 1_000.0)
    known[3:5] = np.nan
    world.forecaster.answers[LOAD] = AssetForecast(
        power_w=Series(START, HOUR, known), source="model:load/1"
    )

    (degradation,) = (await world.plan()).degradations

    (load,) = [each for each in world.asked.sites[0].assets if each.asset.id == LOAD]
    assert load.forecast is not None
    assert load.forecast.power_w.values[3:6].tolist() == [300.0, 300.0, 1_000.0]
    assert (degradation.subject, degradation.reason) == (LOAD.name, Reason.INCOMPLETE)
    assert degradation.remedy is Remedy.ASSUMED


async def test_a_load_of_which_nothing_is_known_is_ignored_and_takes_nothing_from_others() -> None:
    world = await world_of_a_home()
    world.forecaster.answers[LOAD] = Why(topic=Topic.FORECAST, reason=Reason.NEVER_REPORTED)
    world.energies.gaps = {START - hours * HOUR for hours in range(1, 60)}

    plan = await world.plan()

    assert planned(world) == {asset_id("grid").name, PV.name, BATTERY.name}
    assert [(each.subject, each.remedy) for each in plan.degradations] == [
        (LOAD.name, Remedy.IGNORED)
    ]


async def test_a_battery_is_not_steered_without_any_price() -> None:
    world = PlannerWorld()
    await world.knows(*home(tariff=DYNAMIC.id))

    with pytest.raises(NothingToSteer) as caught:
        await world.plan()

    assert [(each.subject, each.topic, each.remedy) for each in caught.value.degradations] == [
        (BATTERY.name, Topic.TARIFF, Remedy.LEFT_OUT),
        (DYNAMIC.id.name, Topic.TARIFF, Remedy.IGNORED),
    ]
    assert world.forecaster.asked == []


async def test_a_price_that_is_not_published_yet_is_that_of_the_day_before_and_said_so() -> None:
    world = PlannerWorld()
    await world.knows(*home(tariff=DYNAMIC.id))
    prices = np.arange(30, dtype=float) / 100
    world.tariffs.prices = Series(START - 24 * HOUR, HOUR, prices)

    (degradation,) = (await world.plan()).degradations

    price = world.asked.sites[0].price
    assert price is not None
    real_time = price.tariff.import_rates.real_time
    assert real_time is not None
    assert real_time.published is not None
    assert real_time.published.values.tolist() == [*prices[24:], *prices[6:24]]
    assert (degradation.subject, degradation.reason) == (DYNAMIC.id.name, Reason.NOT_PUBLISHED)
    assert degradation.remedy is Remedy.ASSUMED


async def test_without_carbon_a_plan_is_made_and_says_so() -> None:
    world = await world_of_a_home()
    world.intensities.away = True

    (degradation,) = (await world.plan()).degradations

    assert (degradation.topic, degradation.remedy) == (Topic.CARBON, Remedy.IGNORED)
    assert world.asked.sites[0].average_gco2e_per_kwh is None


async def test_what_is_asked_beside_a_read_that_failed_does_not_go_on() -> None:
    world = await world_of_a_home()
    world.meter.away = True
    before = asyncio.all_tasks()

    with pytest.raises(Unavailable):
        await world.plan()
    await asyncio.sleep(0.02)

    assert asyncio.all_tasks() == before
    assert world.forecaster.asked == []


async def test_a_bill_with_a_day_that_was_not_metered_says_so() -> None:
    world = PlannerWorld()
    charge = DemandCharge(id="peak", name="Peak", price_per_kw=5.0)
    await world.knows(*home(), replace(TARIFF, demand_charges=(charge,)))
    world.energies.gaps = {START - hours * HOUR for hours in range(5, 9)}

    (degradation,) = (await world.plan()).degradations

    assert (degradation.topic, degradation.reason) == (Topic.BILLING_STATE, Reason.INCOMPLETE)
    assert "4:00:00" in degradation.detail


def test_a_degradation_reads_as_a_sentence() -> None:
    degradation = Degradation(
        subject=BATTERY.name,
        topic=Topic.STATE,
        remedy=Remedy.ASSUMED,
        reason=Reason.STALE,
        detail="soc_ratio",
        age=timedelta(hours=2, microseconds=3),
    )

    assert in_words(degradation) == (
        "sites/home-1/assets/battery: state: too old, last known 2:00:00 ago (soc_ratio); assumed"
    )


def test_a_plan_that_time_cut_off_says_how_near_the_best_it_is_and_that_it_is_used() -> None:
    degradation = Degradation(
        subject="groups/street",
        topic=Topic.EXECUTION,
        remedy=Remedy.IGNORED,
        reason=Reason.SOLVER_TIME_LIMIT,
        detail="within 0.59% of the best there may be",
    )

    assert in_words(degradation) == (
        "groups/street: execution: the solver ran out of time "
        "(within 0.59% of the best there may be); the best plan found in time is used"
    )
