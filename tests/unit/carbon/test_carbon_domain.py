from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_carbon.adapters.postgres import series_from_rows
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_carbon.domain.pattern import forecast_pattern
from wattmesh_carbon.domain.spread import spread
from wattmesh_carbon.domain.window import best_stretches, best_window
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2024, 5, 1, tzinfo=UTC)


def series(*values: float) -> Series:
    return Series(START, HOUR, np.array(values))


def test_average_intensity_is_never_negative_but_marginal_may_be() -> None:
    zone = ZoneId("gb")
    Intensity(zone=zone, basis=Basis.MARGINAL, gco2e_per_kwh=series(-5), source="grid")
    with pytest.raises(InvalidArgument):
        Intensity(zone=zone, basis=Basis.AVERAGE, gco2e_per_kwh=series(-5), source="grid")


def test_a_daily_pattern_is_expected_again() -> None:
    day = 200 + 100 * np.sin(np.arange(24) / 24 * 2 * np.pi)
    history = Series(START, HOUR, np.tile(day, 14))

    expected = forecast_pattern(history, TimeRange.of(START + 14 * DAY, DAY))

    assert expected.values == pytest.approx(day)


def test_a_present_deviation_fades() -> None:
    history = Series(START, HOUR, np.concatenate((np.full(14 * 24 - 1, 200.0), [250.0])))

    expected = forecast_pattern(history, TimeRange.of(START + 14 * DAY, DAY)).values

    assert expected[0] > expected[5] > 200
    assert expected[-1] == pytest.approx(200, abs=5)


def test_quantiles_hold_what_comes_as_often_as_they_say_and_widen_with_the_lead() -> None:
    """A grid whose deviation from its day wanders, as wind does."""
    rng, hours = np.random.default_rng(7), 16 * 24
    wander = np.zeros(hours)
    for hour in range(1, hours):
        wander[hour] = 0.97 * wander[hour - 1] + rng.normal(0, 8)
    whole = 300 + 80 * np.sin(np.arange(hours) / 24 * 2 * np.pi) + wander
    history = Series(START, HOUR, whole[: 14 * 24])
    expected = forecast_pattern(history, TimeRange.of(history.end, 2 * DAY))
    found = spread(history, expected)
    assert found is not None
    low, median, high = (found.quantiles[ratio] for ratio in (0.1, 0.5, 0.9))
    assert np.all(low <= median)
    assert np.all(median <= high)
    assert (high - low)[-6:].mean() > 1.5 * (high - low)[:3].mean()
    inside = (whole[14 * 24 :] >= low) & (whole[14 * 24 :] <= high)
    assert inside.mean() > 0.5
    assert 0.6 < found.score.coverage_ratio <= 1.0
    assert found.score.mean_absolute_error < found.score.naive_mean_absolute_error
    assert found.score.compared > 1000


def test_a_week_of_intensities_is_too_little_to_say_how_far_a_forecast_may_be_off() -> None:
    history = Series(START, HOUR, np.full(7 * 24, 200.0))
    expected = forecast_pattern(history, TimeRange.of(history.end, DAY))
    assert spread(history, expected) is None


def test_a_zone_nobody_published_for_has_no_forecast() -> None:
    with pytest.raises(NotFound):
        forecast_pattern(
            Series.filled(TimeRange.of(START, DAY), HOUR, np.nan), TimeRange.of(START, DAY)
        )


def test_best_window_is_the_cleanest_and_says_what_waiting_saves() -> None:
    window = best_window(series(300, 100, 200, 400), 2 * HOUR)

    assert window.span == TimeRange.of(START + HOUR, 2 * HOUR)
    assert (window.mean, window.immediate_mean) == (150, 200)


@pytest.mark.parametrize("run", [timedelta(0), 5 * HOUR])
def test_a_run_that_does_not_fit_is_refused(run: timedelta) -> None:
    with pytest.raises(InvalidArgument):
        best_window(series(1, 2, 3, 4), run)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=48), st.integers(1, 48))
def test_no_window_is_cleaner_than_the_best(values: list[float], hours: int) -> None:
    if hours > len(values):
        hours = len(values)
    window = best_window(series(*values), hours * HOUR)
    means = [np.mean(values[i : i + hours]) for i in range(len(values) - hours + 1)]

    assert window.mean == pytest.approx(min(means))


def test_a_run_that_may_be_interrupted_takes_the_cleanest_hours() -> None:
    window = best_stretches(series(300, 100, 200, 50), 2 * HOUR, HOUR)

    assert [each.start for each in window.stretches] == [START + HOUR, START + 3 * HOUR]
    assert (window.mean, window.immediate_mean) == (75, 200)


def test_no_stretch_is_too_short_to_be_worth_starting_for() -> None:
    window = best_stretches(series(300, 100, 200, 50), 2 * HOUR, 2 * HOUR)

    assert window.stretches == (TimeRange.of(START + 2 * HOUR, 2 * HOUR),)
    assert window.mean == 125


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.integers(1, 9), st.integers(1, 4))
def test_no_choice_of_stretches_is_cleaner(values: list[int], hours: int, shortest: int) -> None:
    hours = min(hours, len(values))
    shortest = min(shortest, hours)
    window = best_stretches(series(*values), hours * HOUR, shortest * HOUR)

    def allowed(chosen: tuple[int, ...]) -> bool:
        marks = "".join("x" if i in chosen else " " for i in range(len(values)))
        return all(len(stretch) >= shortest for stretch in marks.split())

    choices = filter(allowed, combinations(range(len(values)), hours))
    assert window.mean * hours == pytest.approx(min(sum(values[i] for i in c) for c in choices))
    assert all(each.duration >= shortest * HOUR for each in window.stretches)


def test_half_hourly_values_are_averaged_to_hours_and_gaps_stay_gaps() -> None:
    half = HOUR / 2
    rows = [
        (START, START + half, 100.0, "grid"),
        (START + half, START + HOUR, 200.0, "grid"),
        (START + HOUR, START + HOUR + half, 300.0, "grid"),
    ]

    read = series_from_rows(rows, TimeRange.of(START, 3 * HOUR), HOUR)

    assert read.values[0] == 150
    assert np.isnan(read.values[1:]).all()


def test_hourly_values_hold_for_each_quarter() -> None:
    rows = [(START, START + HOUR, 100.0, "grid")]

    read = series_from_rows(rows, TimeRange.of(START, HOUR), HOUR / 4)

    assert read.values.tolist() == [100.0] * 4
