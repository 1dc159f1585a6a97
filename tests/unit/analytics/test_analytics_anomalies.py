"""What is wrong is found, dated and priced; what is only uneven is not."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmesh_analytics.domain.anomalies import figures, findings
from wattmesh_analytics.domain.anomalies.findings import AnomalyKind, Days
from wattmesh_analytics.domain.anomalies.shift import Watch, shifts
from wattmesh_analytics.domain.energy import Floats
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId

HOME = SiteId("home-1")
GRID, PLANT, BATTERY = (AssetId(HOME, name) for name in ("grid", "pv", "battery"))
FIRST = date(2024, 1, 1)
"""A Monday."""


def days_of(count: int) -> Days:
    days = tuple(FIRST + timedelta(days=each) for each in range(count))
    return Days(days=days, off=np.array([day.weekday() >= 5 for day in days]))


def office(days: Days, seed: int = 3) -> Floats:
    """An office [Wh]: 2 kW always, 6 kW more on working days from 8 to 18 h; uneven by 5 %."""
    rng = np.random.default_rng(seed)
    load = np.full((len(days.days), 24), 2_000.0)
    load[~days.off, 8:18] += 6_000
    return np.asarray(load * rng.uniform(0.95, 1.05, load.shape))


def test_a_pump_that_runs_on_is_found_within_a_week_and_priced() -> None:
    days = days_of(90)
    load = office(days)
    load[60:] += 300
    (found,) = findings.base_load(GRID, days, load)

    assert found.kind is AnomalyKind.BASE_LOAD
    assert abs((found.since - days.days[60]).days) <= 1
    assert (found.seen - days.days[60]).days <= 7
    assert found.ended is None
    assert found.lost_wh_per_day == pytest.approx(300 * 24, rel=0.1)
    assert "instead of" in found.reason


def test_what_was_mended_has_ended() -> None:
    days = days_of(120)
    load = office(days)
    load[50:80] += 500
    (found,) = findings.base_load(GRID, days, load)

    assert found.ended is not None
    assert abs((found.ended - days.days[80]).days) <= 4


@given(st.integers(0, 500))
@settings(max_examples=20, deadline=None)
def test_an_uneven_office_raises_nothing(seed: int) -> None:
    days = days_of(120)
    load = office(days, seed)

    assert findings.base_load(GRID, days, load) == []
    assert findings.days_off(GRID, days, load) == []


def test_lights_on_at_weekends_are_a_schedule_and_no_base_load() -> None:
    days = days_of(150)
    load = office(days)
    after = np.arange(150) >= 100
    load[np.ix_(np.flatnonzero(days.off & after), np.arange(8, 18))] += 6_000

    (found,) = findings.days_off(GRID, days, load)
    assert found.value == pytest.approx(1.0, abs=0.1)
    assert (found.seen - days.days[100]).days <= 21
    assert findings.base_load(GRID, days, load) == []


def test_dirt_is_told_from_dull_weather() -> None:
    """From day 60 a tenth less of the same sun; from day 30 to 40 there is half the sun."""
    rng = np.random.default_rng(1)
    days = days_of(100)
    bell = np.maximum(np.sin((np.arange(24) - 6) / 12 * np.pi), 0) * 800
    sun = bell * rng.uniform(0.5, 1.0, (100, 1))
    sun[30:40] *= 0.5
    given_wh = 3.2 * sun * rng.uniform(0.98, 1.02, sun.shape)
    given_wh[60:] *= 0.9
    (found,) = findings.low_generation(PLANT, days, given_wh, sun)

    assert abs((found.since - days.days[60]).days) <= 2
    assert found.value / found.usual == pytest.approx(0.9, abs=0.02)


def test_weak_light_of_winter_is_no_dirt_and_clipped_noons_hide_none() -> None:
    """In weak light a plant gives less of the same sun, and at 2.4 kW its inverter clips."""
    rng = np.random.default_rng(2)
    days = days_of(100)
    bell = np.maximum(np.sin((np.arange(24) - 6) / 12 * np.pi), 0) * 1_000
    winter = np.where(np.arange(100) < 50, 1.0, 0.45)[:, None]
    sun = bell * winter * rng.uniform(0.9, 1.0, (100, 1))
    given_wh = 3.0 * sun * np.where(sun < 350, 0.8, 1.0) * rng.uniform(0.98, 1.02, sun.shape)
    dirty = given_wh.copy()
    dirty[30:] *= 0.9

    assert findings.low_generation(PLANT, days, given_wh, sun) == []
    (found,) = findings.low_generation(PLANT, days, np.minimum(dirty, 2_400), sun)
    assert abs((found.since - days.days[30]).days) <= 2


def cycled(capacity_wh: Floats, round_trip: Floats, noise: float = 0.0) -> tuple[Floats, Floats]:
    """A battery that is filled by 60 % each noon and emptied each evening, shapes (days, 24)."""
    count = len(capacity_wh)
    net, soc = np.zeros((count, 24)), np.full((count, 24), 0.2)
    way = np.sqrt(round_trip)
    for hour in range(4):
        net[:, 10 + hour] = 0.15 * capacity_wh / way
        soc[:, 10 + hour :] += 0.15
        net[:, 18 + hour] = -0.15 * capacity_wh * way
        soc[:, 18 + hour :] -= 0.15
    rng = np.random.default_rng(5)
    return net * rng.normal(1, noise, net.shape), soc


def test_capacity_and_losses_are_told_apart() -> None:
    """10 kWh in and 8.1 kWh out for a full swing are a capacity of 9 kWh and 0.81."""
    net, soc = cycled(np.array([9_000.0]), np.array([0.81]))
    capacity, round_trip = figures.battery_days(net, soc)

    assert capacity[0] == pytest.approx(9_000)
    assert round_trip[0] == pytest.approx(0.81)


def test_a_battery_that_holds_a_fifth_less_is_found() -> None:
    days = days_of(150)
    holds = np.where(np.arange(150) < 80, 10_000.0, 8_000.0)
    net, soc = cycled(holds, np.full(150, 0.9), noise=0.03)
    (found,) = findings.battery(BATTERY, days, net, soc)

    assert found.kind is AnomalyKind.BATTERY_CAPACITY
    assert found.value / found.usual == pytest.approx(0.8, abs=0.05)
    assert (found.seen - days.days[80]).days <= 14


def test_a_meter_that_creeps_is_found_although_no_day_is_odd() -> None:
    """A twentieth of a per cent a day."""
    rng = np.random.default_rng(2)
    days = days_of(150)
    main = rng.uniform(500, 1_500, (150, 24))
    check = main * (1 + 0.0005 * np.arange(150))[:, None] * rng.normal(1, 0.002, main.shape)

    found = findings.drift(DeviceId(HOME, "check"), days, check, main)
    assert found
    assert found[0].usual < found[0].value
    assert findings.drift(DeviceId(HOME, "check"), days, main, main) == []


def test_cold_weather_takes_more_and_a_clogged_filter_takes_more_of_the_same() -> None:
    rng = np.random.default_rng(4)
    days = days_of(110)
    outside = rng.uniform(-5, 12, (110, 1)) * np.ones(24)
    inside = np.full((110, 24), 21.0)
    used = 40 * (inside - outside) * rng.uniform(0.95, 1.05, outside.shape)
    assert findings.hvac(GRID, days, used, inside, outside) == []
    used[70:] *= 1.25
    (found,) = findings.hvac(GRID, days, used, inside, outside)
    assert found.value / found.usual == pytest.approx(1.25, abs=0.05)


@given(st.lists(st.floats(0, 100) | st.just(float("nan")), max_size=90))
@settings(max_examples=30, deadline=None)
def test_whatever_is_metered_a_shift_is_dated_within_it(values: list[float]) -> None:
    for found in shifts(np.array(values), Watch(least_ratio=0.1)):
        assert 0 <= found.since <= found.found < len(values)
        assert found.ended is None or found.found < found.ended < len(values)
