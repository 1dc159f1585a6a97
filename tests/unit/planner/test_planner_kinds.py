from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.planner_home import HOUR, RATING, START, asset_id, device_id
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.sites import Asset, BatteryRating, SocPowerLimit
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.kinds import PARTS
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, value_of
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.kinds.battery import power_limits_w
from wattmesh_planner.domain.kinds.kind import AgeLimits, Beginning, Reading
from wattmesh_planner.domain.model import MeteredPoint, SiteAsset
from wattmesh_planner.domain.plan import Setpoint

TAPERED = replace(
    RATING,
    soc_power_limits=(
        SocPowerLimit(soc_ratio=0.8, max_charge_power_w=5_000.0, max_discharge_power_w=5_000.0),
        SocPowerLimit(soc_ratio=1.0, max_charge_power_w=1_000.0, max_discharge_power_w=5_000.0),
    ),
)


def battery(rating: BatteryRating = RATING) -> SiteAsset:
    point = MeteredPoint(
        id=PointId(device_id("battery"), "soc_ratio"), reporting_interval=timedelta(minutes=5)
    )
    return SiteAsset(
        asset=Asset(id=asset_id("battery"), rating=rating),
        controller=device_id("battery"),
        points={"soc_ratio": point},
    )


def setpoint(offset: timedelta, power_w: float) -> Setpoint:
    return Setpoint(range=TimeRange.of(START + offset, HOUR), power_w=power_w)


def begin(
    *told: Setpoint,
    soc_ratio: float = 0.5,
    age: timedelta = HOUR / 2,
    rating: BatteryRating = RATING,
) -> Fact[float]:
    beginning = Beginning(
        now=START,
        start=START,
        limits=AgeLimits(),
        readings={"soc_ratio": Reading(measure_time=START - age, value=soc_ratio)},
        told=told,
    )
    return KINDS[BatteryRating].begin(battery(rating), beginning)


def test_every_kind_that_is_planned_has_its_part_of_the_problem() -> None:
    assert PARTS.keys() == KINDS.keys()


def test_charging_until_the_plan_begins_counts_with_its_efficiency() -> None:
    assert value_of(begin(setpoint(-HOUR, 2_000.0))) == pytest.approx(
        0.5 + 0.5 * 2_000 * 0.9 / 10_000
    )


def test_discharging_takes_more_than_it_gives() -> None:
    assert value_of(begin(setpoint(-HOUR, -2_000.0))) == pytest.approx(
        0.5 - 0.5 * 2_000 / 0.8 / 10_000
    )


def test_setpoints_outside_of_the_wait_do_not_count() -> None:
    assert value_of(begin(setpoint(-3 * HOUR, 5e3), setpoint(HOUR, 5e3))) == 0.5


def test_a_reading_newer_than_the_start_is_taken_as_it_is() -> None:
    assert value_of(begin(setpoint(-HOUR, 5e3), soc_ratio=0.7, age=-HOUR)) == 0.7


def test_a_full_battery_is_not_thought_to_charge_faster_than_it_can() -> None:
    assert power_limits_w(TAPERED, 0.9) == (3_000.0, 5_000.0)
    assert value_of(begin(setpoint(-HOUR, 5e3), soc_ratio=0.9, rating=TAPERED)) == pytest.approx(
        min(0.9 + 0.5 * 3_000 * 0.9 / 10_000, 1.0)
    )


@pytest.mark.parametrize(
    ("age", "fact"),
    [(HOUR, Known), (2 * HOUR, Assumed), (24 * HOUR, Assumed), (25 * HOUR, Missing)],
)
def test_the_older_a_state_the_less_it_is_believed(age: timedelta, fact: type[Fact[float]]) -> None:
    found = begin(age=age)

    assert isinstance(found, fact)
    assert found.age == age


@given(st.floats(0, 1), st.lists(st.floats(-1e6, 1e6), max_size=6))
def test_no_setpoints_bring_a_battery_beyond_full_or_empty(soc: float, powers: list[float]) -> None:
    told = [setpoint(-(index + 1) * HOUR, power) for index, power in enumerate(powers)]

    found = value_of(begin(*reversed(told), soc_ratio=soc, age=6 * HOUR))

    assert found is not None
    assert 0 <= found <= 1
