"""A public holiday is a day of rest where the building rests on it, which those before tell."""

from datetime import UTC, date, datetime, timedelta

import numpy as np

from wattmesh_forecast.domain.thermal.days_off import days_off

HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
FIRST, NEXT = date(2026, 6, 8), date(2026, 6, 25)
"""A Monday that was seen, and a Thursday that comes."""


def busy(*rested: date, days: int = 14) -> np.ndarray:
    """Return what a workplace draws by the hour on some days, on those rested as on weekends."""
    dates = [(MONDAY + timedelta(days=day)).date() for day in range(days)]
    works = np.array([each.weekday() < 5 and each not in rested for each in dates])
    return np.repeat(np.where(works, 7.0, 1.0), 24)


def found(values: np.ndarray, *holidays: date) -> frozenset[date]:
    return days_off(holidays, values, MONDAY, HOUR, UTC)  # type: ignore[arg-type]


def test_a_holiday_that_comes_is_a_day_of_rest_where_none_was_seen() -> None:
    assert found(busy(), NEXT) == {NEXT}


def test_whoever_rested_on_the_last_rests_on_the_next() -> None:
    assert found(busy(FIRST), FIRST, NEXT) == {FIRST, NEXT}


def test_whoever_worked_on_the_last_works_on_the_next() -> None:
    assert not found(busy(), FIRST, NEXT)


def test_a_holiday_on_a_weekend_says_nothing_of_the_next() -> None:
    saturday = date(2026, 6, 6)
    assert found(busy(), saturday, NEXT) == {saturday, NEXT}


def test_homes_that_are_busier_on_weekends_rest_when_they_are() -> None:
    at_home = 8.0 - busy(FIRST)
    assert found(at_home, FIRST, NEXT) == {FIRST, NEXT}


def test_what_is_not_known_says_nothing() -> None:
    assert found(np.full(24 * 14, np.nan), FIRST, NEXT) == {FIRST, NEXT}
    assert found(busy(days=3), NEXT) == {NEXT}, "no weekend was seen"
