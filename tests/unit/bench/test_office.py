"""What could make the measurement of the office flatter the product: a look ahead, or its count."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.bench.hvac.office.__main__ import judged
from tests.bench.hvac.office.building import LEARNT_DAYS, QUARTER, SEASONS, ZONES, wishes
from tests.bench.hvac.office.environment import PER_DAY, Metered
from tests.bench.hvac.office.meters import TEMPERATURE, OfficeMeters, point_of
from wattmesh_kernel.time import TimeRange

JULY = SEASONS["july"]
HALF_HOUR = timedelta(minutes=30)


def quarter(number: int) -> Metered:
    return Metered(
        start=JULY.start + number * QUARTER,
        temperature_celsius=(22.0,) * len(ZONES),
        people=(0.0,) * len(ZONES),
        heating_w=(0.0,) * len(ZONES),
        cooling_w=(100.0 * number,) * len(ZONES),
        outdoor_celsius=20.0,
        irradiance_w_per_m2=0.0,
        facility_w=4_000.0,
        gas_wh=0.0,
    )


def test_meters_show_what_is_over_and_nothing_else() -> None:
    meters = OfficeMeters(JULY)
    for number in range(5):
        meters.add(quarter(number))
    span = TimeRange.of(JULY.start, 4 * HALF_HOUR)
    powers = asyncio.run(meters.power_w(ZONES, span, HALF_HOUR))
    assert powers[ZONES[0]].values[:2] == pytest.approx([50.0, 250.0])
    assert np.isnan(powers[ZONES[0]].values[2:]).all()
    newest = asyncio.run(meters.last(point_of(ZONES[0], TEMPERATURE), span, HALF_HOUR))
    assert np.isnan(newest.values[[0, 3]]).all()
    assert newest.values[1:3] == pytest.approx([22.0, 22.0])


def test_days_cost_what_the_clock_on_the_wall_says_and_discomfort_counts_with_people() -> None:
    first = LEARNT_DAYS * PER_DAY
    sunday = [quarter(number) for number in range(first, first + PER_DAY)]
    monday = [quarter(number) for number in range(first + PER_DAY, first + 2 * PER_DAY)]
    before = [quarter(0)] * first
    assert judged(JULY, [*before, *sunday])["cost"] == pytest.approx(24 * 4 * 0.12)
    dear = judged(JULY, [*before, *monday])
    assert dear["cost"] == pytest.approx(4 * (18 * 0.12 + 6 * 0.40))
    hot = [replace(each, temperature_celsius=(26.0,) * len(ZONES)) for each in monday]
    assert judged(JULY, [*before, *hot])["kelvin_hours_outside_worst_zone"] == 10.0


def test_on_a_holiday_nobody_is_there_and_nothing_is_dear() -> None:
    (holiday,) = JULY.closed
    noon = JULY.start + timedelta(days=(holiday - JULY.first).days, hours=13)
    assert not JULY.occupied(noon)
    assert JULY.price_per_kwh(noon) < JULY.price_per_kwh(noon + timedelta(days=1))
    assert max(each.priority for each in wishes(JULY).schedules) == 1
