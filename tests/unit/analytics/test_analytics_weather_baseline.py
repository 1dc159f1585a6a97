"""What a site would have consumed in the weather there was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattmesh_analytics.domain.weather_baseline import (
    Hours,
    fit_baseline,
    hours_of,
    predict,
    uncertainty_wh,
)
from wattmesh_kernel.series import Series

BERLIN = ZoneInfo("Europe/Berlin")
YEAR = 365 * 24


def office(first_year: int, hours: int, saving: float = 0.0, seed: int = 0) -> Hours:
    """An office that works from 8 to 18 h of working days, and is heated below 12 °C."""
    rng = np.random.default_rng(seed)
    start = datetime(first_year, 1, 1, tzinfo=UTC)
    count = np.arange(hours)
    season = 10 - 9 * np.cos(2 * np.pi * count / YEAR)
    celsius = season + 4 * np.sin(2 * np.pi * count / 24) + rng.normal(0, 2, hours).round(2)
    made = hours_of(Series(start, timedelta(hours=1), np.zeros(hours)), celsius, BERLIN)
    weekday, hour = made.hour_of_week // 24, made.hour_of_week % 24
    works = (weekday < 5) & (hour >= 8) & (hour < 18)
    heat = np.maximum(12 - celsius, 0) * np.where(works, 900, 300)
    used = 2_000 + 6_000 * works + heat
    return replace(made, consumed_wh=used * (1 - saving) * rng.normal(1, 0.05, hours))


def test_places_in_week_and_year_are_the_zones() -> None:
    """2024-03-31, a Sunday: at 1 h UTC clocks in Berlin go from 2 to 3 h."""
    start = datetime(2024, 3, 31, 0, tzinfo=UTC)
    found = hours_of(Series(start, timedelta(hours=1), np.zeros(23)), np.zeros(23), BERLIN)

    assert found.hour_of_week[:2].tolist() == [6 * 24 + 1, 6 * 24 + 3]
    assert found.hour_of_week[-1] == 0
    assert (found.month[0], found.month[-1]) == (3, 4)


def test_a_measure_is_seen_through_another_years_weather() -> None:
    """A tenth less in another winter: told within what it says it may be off."""
    before, after = office(2023, YEAR), office(2024, 60 * 24, saving=0.1, seed=1)
    models = fit_baseline(before)
    expected = predict(models, after)
    saved = float((expected - after.consumed_wh).sum())
    truth = float(after.consumed_wh.sum()) / 0.9 * 0.1

    assert abs(saved - truth) < uncertainty_wh(models, after) < truth
    assert saved == pytest.approx(truth, rel=0.1)


def test_without_a_measure_nothing_is_saved() -> None:
    before, after = office(2023, YEAR), office(2024, 60 * 24, seed=2)
    models = fit_baseline(before)
    saved = float((predict(models, after) - after.consumed_wh).sum())

    assert abs(saved) < 0.01 * float(after.consumed_wh.sum())


def test_a_month_that_was_hardly_metered_has_no_baseline() -> None:
    before = office(2023, YEAR)
    consumed = before.consumed_wh.copy()
    consumed[31 * 24 : 36 * 24] = np.nan
    models = fit_baseline(replace(before, consumed_wh=consumed))
    after = office(2024, 60 * 24)

    assert sorted(set(range(1, 13)) - set(models)) == [2]
    first = np.isfinite(predict(models, after))[: 59 * 24]
    assert first.sum() == 31 * 24 - 1
