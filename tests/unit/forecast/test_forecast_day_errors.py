"""What a day is off by goes on, as far as it lately did."""

import numpy as np

from wattmesh_forecast.domain.day_errors import expected_errors

DAYS = 42


def noise(size: float = 0.05) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(1).normal(0.0, size, (DAYS, 24))


def test_a_building_that_was_left_for_weeks_is_not_forecast_as_if_it_were_full() -> None:
    away = noise()
    away[20:, 9:17] -= 0.6

    expected = expected_errors(away)

    assert (expected[30:, 10:16] < -0.25).all()
    assert np.abs(expected[24:, :6]).max() < 0.1
    before, after = np.abs(away[20:]).mean(), np.abs(away - expected[:-1])[20:].mean()
    assert after < 0.75 * before


def test_errors_that_come_by_chance_are_not_carried_on() -> None:
    away = noise()

    made_worse = np.abs(away - expected_errors(away)[:-1]).mean() / np.abs(away).mean()

    assert made_worse < 1.03


def test_nothing_of_a_day_goes_into_what_was_expected_of_it() -> None:
    away, other = noise(), noise()
    other[30:] = 7.0

    assert np.array_equal(expected_errors(away)[:31], expected_errors(other)[:31])


def test_one_day_out_of_all_proportion_moves_the_next_by_little() -> None:
    away = noise()
    away[-1] = 50.0

    assert np.abs(expected_errors(away)[-1]).max() < 0.2


def test_hours_that_were_not_measured_say_nothing() -> None:
    away = noise()
    away[-3:] = np.nan

    assert np.isfinite(expected_errors(away)).all()
    assert not expected_errors(np.full((3, 24), np.nan)).any()
