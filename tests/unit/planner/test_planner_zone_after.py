"""A zone is planned with the days after the plan in view: its mass gives back what it was given."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.planner_heat import KNOWN_ZONE, ZONE, heated_home, schedule_of
from tests.fakes.planner_home import HOUR
from wattmesh.optimizer.v1 import asset_pb2, problem_pb2
from wattmesh_kernel.sites import ZoneThermalModel
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.prices_after import prices_after
from wattmesh_planner.domain.thermal import LOOKED_AT, ZoneOutlook

HOURS = LOOKED_AT // HOUR
NIGHT = range(10, 16)
HEAVY = ZoneThermalModel(
    air_capacity_wh_per_k=500.0,
    air_outdoor_resistance_k_per_w=0.02,
    mass_capacity_wh_per_k=15_000.0,
    air_mass_resistance_k_per_w=0.001,
)


def outlook(hours: int = HOURS, **more: object) -> ZoneOutlook:
    return replace(
        KNOWN_ZONE,
        model=HEAVY,
        mass_celsius=21.0,
        outdoor_celsius=(2.0,) * hours,
        gains_w=(200.0,) * hours,
        powers_w=(500.0,) * hours,
        **more,  # type: ignore[arg-type]
    )


async def told(of: ZoneOutlook) -> tuple[list[float], asset_pb2.HvacZone]:
    """Return the temperatures of the plan, and the zone as the optimizer was told of it."""
    world = await heated_home()
    world.outlooks.by_asset[ZONE] = of
    plan = await world.plan()
    schedule = schedule_of(plan, "zone")
    assert schedule is not None
    assert plan.problem is not None
    problem = problem_pb2.Problem.FromString(plan.problem)
    (zone,) = (each for each in problem.sites[0].assets if each.HasField("hvac_zone"))
    return [value or 0.0 for value in schedule.values], zone.hvac_zone


async def test_a_heavy_zone_is_heated_by_night_for_the_days_after_the_plan() -> None:
    seen, _ = await told(outlook())
    blind, _ = await told(outlook(24))
    warmer = [seen[hour] - blind[hour] for hour in NIGHT]
    assert sum(warmer) > 1.0
    assert len(seen) == len(blind) == 24


async def test_the_days_after_the_plan_are_said_coarsely_and_at_their_prices() -> None:
    _, zone = await told(outlook())
    after = zone.after
    assert after.resolution.ToTimedelta() == 2 * HOUR
    assert len(after.prices_per_kwh) == (HOURS - 24) // 2
    assert set(np.round(after.prices_per_kwh, 6)) == {0.1, 0.4}
    assert len(zone.outdoor_temperatures_celsius) == 24, "the plan itself is as long as it was"
    assert len(zone.min_temperatures_celsius) == 24


async def test_what_is_known_of_the_plan_alone_says_nothing_of_later() -> None:
    _, zone = await told(outlook(24))
    assert not zone.HasField("after")


async def test_fans_that_run_along_have_their_price_now_and_later() -> None:
    fans = tuple(0.5 if hour in NIGHT else 0.0 for hour in range(24))
    _, zone = await told(outlook(along_ratios=(*fans, *(1.0,) * (HOURS - 24))))
    assert zone.added_prices_per_kwh[NIGHT[0]] == pytest.approx(0.05)
    assert zone.added_prices_per_kwh[0] == 0.0
    assert set(np.round(zone.after.prices_per_kwh, 6)) == {0.2, 0.8}


async def test_energy_that_a_site_has_left_costs_what_it_would_have_earned() -> None:
    world = await heated_home()
    await world.plan()
    (inputs,) = world.optimizer.asked
    (site,) = inputs.sites
    assert site.price is not None
    later = TimeRange.of(inputs.target.end, 24 * HOUR)
    price = replace(site.price, export_prices_per_kwh=(0.05,) * 24)
    loads = tuple(
        replace(
            each,
            forecast=None
            if each.forecast is None
            else replace(each.forecast, power_w=each.forecast.power_w.with_values(_sunny())),
        )
        for each in site.assets
    )
    found = prices_after(replace(site, price=price, assets=loads), later, HOUR)
    usual = prices_after(site, later, HOUR)
    assert found is not None
    assert usual is not None
    assert found[:3] == pytest.approx(usual[:3])
    assert (found[3:6] < 0.1).all(), "as in the plan's last day, it has sun left then"
    assert prices_after(replace(site, price=None), later, HOUR) is None


def _sunny() -> np.ndarray:
    return np.array([-500.0 if 3 <= hour < 6 else 500.0 for hour in range(24)])
