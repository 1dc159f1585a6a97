"""A site that can do without the grid keeps energy ready, and is planned as an island then."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.planner_home import HOME, START, battery_device, device_id, home
from tests.fakes.planner_world import PlannerWorld
from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import LoadRating, Microgrid, Resource, Site
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.inputs import AssetForecast
from wattmesh_planner.domain.kinds.kind import Reading
from wattmesh_planner.domain.readiness import critical_powers_w, outage_from

HOUR = timedelta(hours=1)
READY = Microgrid(readiness=6 * HOUR, readiness_price_per_kwh=0.5)
SWITCH = device_id("switch", HOME)


def microgrid_home(microgrid: Microgrid = READY) -> list[Resource]:
    switch = battery_device("switch", HOME, asset="grid", meter_role=None)
    site, *others = home()
    assert isinstance(site, Site)
    return [
        replace(site, microgrid=microgrid),
        *others,
        replace(switch, points=frozenset({"grid_connected_ratio"})),
    ]


async def problem_with(switch: float | None) -> problem_pb2.Site:
    world = PlannerWorld()
    await world.knows(*microgrid_home())
    if switch is not None:
        world.meter.by_device[SWITCH] = Reading(measure_time=START, value=switch)
    await world.plan(HOME)
    site: problem_pb2.Site = ProblemWriter(carbon_price_per_kg=0.0).problem(world.asked).sites[0]
    return site


async def test_hours_of_critical_load_are_kept_ready_at_the_sites_price() -> None:
    site = await problem_with(1.0)
    reserve = site.islanding_reserve
    assert reserve.duration.ToTimedelta() == 6 * HOUR
    assert (reserve.shortfall_price_per_kwh, reserve.percentile_ratio) == (0.5, 0.9)
    assert reserve.generators_count
    assert not site.islanded_ranges
    loads = [each.fixed_load for each in site.assets if each.HasField("fixed_load")]
    assert loads
    assert all(len(each.critical_powers_w) == len(each.powers_w) for each in loads)


async def test_with_an_open_switch_the_next_hours_are_planned_without_the_grid() -> None:
    site = await problem_with(0.0)
    (span,) = site.islanded_ranges
    assert (span.end_time.ToDatetime() - span.start_time.ToDatetime()) == 6 * HOUR
    assert not site.HasField("islanding_reserve"), "it is being used"


async def test_a_switch_that_says_nothing_is_taken_for_closed() -> None:
    assert not (await problem_with(None)).islanded_ranges


def test_the_critical_part_is_that_of_the_percentile() -> None:
    span = TimeRange.of(START, HOUR)
    forecast = AssetForecast(
        power_w=Series.filled(span, HOUR, 1000.0),
        deviation_w=Series.filled(span, HOUR, 500.0),
        source="test",
    )
    found = critical_powers_w(LoadRating(critical_ratio=0.5), forecast, READY)
    assert found == pytest.approx(np.array([820.4]), abs=0.5)
    whole = critical_powers_w(LoadRating(), replace(forecast, deviation_w=None), READY)
    assert whole == pytest.approx(np.array([1000.0]))


def test_an_outage_is_expected_to_last_as_long_as_is_kept_ready_for_one() -> None:
    day = TimeRange.of(START, 24 * HOUR)
    assert outage_from(day, READY).duration == 6 * HOUR
    assert outage_from(day, Microgrid()).duration == 4 * HOUR
    assert outage_from(TimeRange.of(START, HOUR), READY).duration == HOUR
