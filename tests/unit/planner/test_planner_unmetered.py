"""A forecast rests on what is metered: when that stops for a day, the plan says so."""

from datetime import timedelta

from tests.fakes.planner_home import GATEWAY, HOUR, START, asset_id, device_id, home, without
from tests.fakes.planner_world import LEAD, PlannerWorld
from wattmesh_kernel.sites import Device, DeviceFunction, MeterRole, MqttConnection
from wattmesh_planner.domain.degradations import Degradation, Remedy
from wattmesh_planner.domain.facts import Reason, Topic
from wattmesh_planner.domain.kinds.kind import Reading

PV_METER = device_id("pv-meter")


def pv_meter() -> Device:
    return Device(
        id=PV_METER,
        profile="meter",
        gateway=GATEWAY,
        connection=MqttConnection(address="home-1/pv"),
        reporting_interval=timedelta(minutes=5),
        points=frozenset({"active_power_w"}),
        functions=(DeviceFunction(asset=asset_id("pv"), meter_role=MeterRole.MAIN),),
    )


async def said(age: timedelta | None) -> tuple[Degradation, ...]:
    """Return what a plan is made without, when the sun was metered last so long ago."""
    world = PlannerWorld()
    await world.knows(*without(home(), "pv-meter"), pv_meter())
    world.meter.by_device[PV_METER] = (
        None if age is None else Reading(measure_time=START - LEAD - age, value=-500.0)
    )
    plan = await world.plan()
    planned = {each.asset.name for site in world.asked.sites for each in site.assets}
    assert asset_id("pv").name in planned, "it takes part all the same"
    return plan.degradations


async def test_a_plant_that_was_not_metered_for_a_day_is_said() -> None:
    (degradation,) = await said(24 * HOUR)
    assert (degradation.subject, degradation.topic) == (asset_id("pv").name, Topic.FORECAST)
    assert (degradation.remedy, degradation.reason) == (Remedy.ASSUMED, Reason.STALE)
    assert degradation.age == 24 * HOUR


async def test_a_plant_whose_meter_never_spoke_is_said_and_one_that_speaks_is_not() -> None:
    (degradation,) = await said(None)
    assert degradation.reason is Reason.NEVER_REPORTED
    assert await said(HOUR) == ()
    assert await said(23 * HOUR) == (), "a night without a word is nothing yet"
