"""Fans that run with a plant by night and by the clock by day are found out by the site's load."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_forecast.domain.thermal.along import along_ratios
from wattmesh_forecast.domain.thermal.expected import slots

PER_DAY, DAYS = 48, 15
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
FANS_W, PLANT_W = 1500.0, 4000.0


def found_after(nights: int) -> np.ndarray:
    """Return the ratio of each half hour of a Tuesday, after so many nights with the plant on."""
    count = PER_DAY * DAYS
    slot = slots(MONDAY, timedelta(minutes=30), UTC, count)  # type: ignore[arg-type]
    hour, day, random = slot % PER_DAY / 2, np.arange(count) // PER_DAY, np.random.default_rng(1)
    works, open_ = slot < PER_DAY, (hour >= 6) & (hour < 19)
    plants = np.where(works & open_, random.uniform(1000, PLANT_W, count), 0.0)
    plants[(hour >= 4) & (hour < 6) & (day >= DAYS - nights)] = PLANT_W
    fans = np.where(works & open_, FANS_W, FANS_W * plants / PLANT_W)
    loads = 2000.0 + np.where(works & open_, 5000.0, 0.0) + fans
    loads += random.normal(0, 60, count)
    return along_ratios(loads, plants, slot, PER_DAY, np.arange(PER_DAY))


def test_a_single_night_tells_that_fans_run_with_the_plant() -> None:
    ratios = found_after(1).reshape(24, 2).mean(axis=1)
    assert ratios[4:6].tolist() == pytest.approx([FANS_W / PLANT_W] * 2, abs=0.08)
    assert ratios[:4].min() > 0.25, "hours by night that were never tried are taken to be like it"
    assert ratios[7:19].tolist() == [0.0] * 12, "by day fans run by the clock"


def test_nothing_runs_along_where_nothing_was_seen_to() -> None:
    assert not found_after(0).any()


def test_loads_that_only_scatter_are_no_fans() -> None:
    count, random = PER_DAY * DAYS, np.random.default_rng(2)
    slot = np.arange(count) % PER_DAY
    loads, plants = random.uniform(200, 3000, count), random.uniform(0, 3000, count)
    assert not along_ratios(loads, plants, slot, PER_DAY, slot[:PER_DAY]).any()


def test_what_is_not_known_tells_nothing() -> None:
    slot = np.arange(PER_DAY)
    none = np.full(PER_DAY, np.nan)
    assert not along_ratios(none, none, slot, PER_DAY, slot).any()


def test_saturdays_are_of_the_other_kind() -> None:
    friday = MONDAY + timedelta(days=4, hours=23)
    found = slots(friday, timedelta(minutes=30), UTC, 4)  # type: ignore[arg-type]
    assert found.tolist() == [46, 47, 48, 49]
