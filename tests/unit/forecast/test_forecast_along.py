"""Fans that run with a plant by night and by the clock by day are found out by the site's load."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_forecast.domain.thermal.along import along_ratios
from wattmesh_forecast.domain.thermal.expected import slots

HALF_HOUR = timedelta(minutes=30)
PER_DAY, DAYS = 48, 15
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
FANS_W, PLANT_W = 1500.0, 4000.0


def site_after(nights: int, at_work_w: float = 500.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return loads, plants and slots of two weeks of an office, with plants on in some nights.

    Lights and devices take `at_work_w` while its fans run.
    """
    count = PER_DAY * DAYS
    slot = slots(MONDAY, HALF_HOUR, UTC, count)  # type: ignore[arg-type]
    hour, day, random = slot % PER_DAY / 2, np.arange(count) // PER_DAY, np.random.default_rng(1)
    works, open_ = slot < PER_DAY, (hour >= 6) & (hour < 19)
    plants = np.where(works & open_, random.uniform(1000, PLANT_W, count), 0.0)
    plants[(hour >= 4) & (hour < 6) & (day >= DAYS - nights)] = PLANT_W
    fans = np.where(works & open_, FANS_W, FANS_W * plants / PLANT_W)
    loads = 2000.0 + np.where(works & open_, at_work_w, 0.0) + fans
    return loads + random.normal(0, 60, count), plants, slot


def by_hour(loads: np.ndarray, plants: np.ndarray, slot: np.ndarray) -> np.ndarray:
    """Return the ratio of each hour of a workday, then of a day of rest, shape (2, 24)."""
    ratios = along_ratios(loads, plants, slot, PER_DAY, np.arange(2 * PER_DAY))
    return np.asarray(ratios.reshape(2, 24, 2).mean(axis=2))


def test_a_single_night_tells_that_fans_run_with_the_plant() -> None:
    work, rest = by_hour(*site_after(1))
    assert work[4:6].tolist() == pytest.approx([FANS_W / PLANT_W] * 2, abs=0.08)
    assert work[:4].min() > 0.25, "hours by night that were never tried are taken to be like it"
    assert work[7:19].tolist() == [0.0] * 12, "by day fans run by the clock"
    assert rest.min() > 0.25, "and days of rest on which no plant ever ran, day and night"


def test_before_any_night_the_load_that_comes_and_goes_with_plants_hints_at_fans() -> None:
    work, rest = by_hour(*site_after(0))
    assert 0.25 < work[0] <= 0.4
    assert [*work[:5], *work[20:]] == [work[0]] * 9
    assert rest.tolist() == [work[0]] * 24
    assert work[7:19].tolist() == [0.0] * 12


def test_a_load_that_steps_by_more_than_fans_take_hints_at_no_more_than_these() -> None:
    work, _ = by_hour(*site_after(0, at_work_w=9000.0))
    assert work[0] == pytest.approx(0.4)


def test_days_of_rest_that_were_never_seen_are_like_nights() -> None:
    loads, plants, slot = site_after(0)
    before = 5 * PER_DAY
    work, rest = by_hour(loads[:before], plants[:before], slot[:before])
    assert rest.tolist() == [work[0]] * 24
    assert work[0] > 0.25


def test_nothing_runs_along_where_loads_do_not_come_and_go_with_plants() -> None:
    loads, plants, slot = site_after(0)
    steady = np.random.default_rng(3).normal(2000.0, 60.0, len(loads))
    assert not by_hour(steady, plants, slot).any()


def test_a_home_whose_plant_runs_day_and_night_has_no_hours_of_rest() -> None:
    loads, _, slot = site_after(0)
    plants = np.random.default_rng(4).uniform(500.0, 2000.0, len(loads))
    assert not by_hour(loads, plants, slot).any()


def test_a_mild_noon_at_which_nothing_is_heated_is_no_rest() -> None:
    loads, plants, slot = site_after(0)
    hour = slot % PER_DAY / 2
    plants[(hour >= 11) & (hour < 15)] = 0.0
    work, _ = by_hour(loads, plants, slot)
    assert not work[11:15].any()
    assert work[0] > 0.25


def test_loads_that_only_scatter_are_no_fans() -> None:
    count, random = PER_DAY * DAYS, np.random.default_rng(2)
    slot = np.arange(count) % PER_DAY
    loads, plants = random.uniform(200, 3000, count), random.uniform(0, 3000, count)
    assert not along_ratios(loads, plants, slot, PER_DAY, slot[:PER_DAY]).any()


def test_what_is_not_known_tells_nothing() -> None:
    slot = np.arange(PER_DAY)
    none = np.full(PER_DAY, np.nan)
    assert not along_ratios(none, none, slot, PER_DAY, slot).any()


def test_holidays_are_of_the_other_kind() -> None:
    wednesday = MONDAY + timedelta(days=2)
    day_off = frozenset({wednesday.date()})
    found = slots(wednesday - HALF_HOUR, HALF_HOUR, UTC, 3, day_off)  # type: ignore[arg-type]
    assert found.tolist() == [47, 48, 49]


def test_saturdays_are_of_the_other_kind() -> None:
    friday = MONDAY + timedelta(days=4, hours=23)
    found = slots(friday, HALF_HOUR, UTC, 4)  # type: ignore[arg-type]
    assert found.tolist() == [46, 47, 48, 49]
