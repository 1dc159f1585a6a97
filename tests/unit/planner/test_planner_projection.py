from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.planner_world import BATTERY, HOUR, START
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.projection import Setpoint, StateOfCharge, project_soc

HALF_FULL = StateOfCharge(measure_time=START - HOUR / 2, soc_ratio=0.5)


def setpoint(offset: timedelta, power_w: float) -> Setpoint:
    return Setpoint(range=TimeRange.of(START + offset, HOUR), power_w=power_w)


def test_charging_until_the_plan_begins_counts_with_its_efficiency() -> None:
    running = setpoint(-HOUR, 2_000.0)

    soc = project_soc(BATTERY, HALF_FULL, [running], START)

    assert soc == pytest.approx(0.5 + 0.5 * 2_000 * 0.9 / 10_000)


def test_discharging_takes_more_than_it_gives() -> None:
    soc = project_soc(BATTERY, HALF_FULL, [setpoint(-HOUR, -2_000.0)], START)

    assert soc == pytest.approx(0.5 - 0.5 * 2_000 / 0.8 / 10_000)


def test_setpoints_outside_of_the_wait_do_not_count() -> None:
    soc = project_soc(BATTERY, HALF_FULL, [setpoint(-3 * HOUR, 5e3), setpoint(HOUR, 5e3)], START)

    assert soc == 0.5


def test_a_reading_newer_than_the_start_is_taken_as_it_is() -> None:
    fresh = StateOfCharge(measure_time=START + HOUR, soc_ratio=0.7)

    assert project_soc(BATTERY, fresh, [setpoint(-HOUR, 5e3)], START) == 0.7


@given(
    st.floats(0, 1),
    st.lists(st.floats(-1e6, 1e6), max_size=6),
)
def test_no_setpoints_bring_a_battery_beyond_full_or_empty(soc: float, powers: list[float]) -> None:
    state = StateOfCharge(measure_time=START - 6 * HOUR, soc_ratio=soc)
    setpoints = [setpoint(-(index + 1) * HOUR, power) for index, power in enumerate(powers)]

    assert 0 <= project_soc(BATTERY, state, setpoints, START) <= 1
