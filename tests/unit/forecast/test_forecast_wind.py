"""Wind turbines: what their curves make of the wind, what is learnt, and what is not known."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmesh_forecast.domain.hours import HOUR, AssetHours, Floats, LocalClock
from wattmesh_forecast.domain.input_faults import InputFault
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_forecast.domain.wind.expectation import WindPast, wind_quantiles
from wattmesh_forecast.domain.wind.hub import at_standard_density, hub_speed
from wattmesh_forecast.domain.wind.screening import screened_turbines
from wattmesh_forecast.domain.wind.turbine import Turbine
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import WindRating
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.adapters.data.microgrids import wind_rating
from wattmesh_twin.domain.wind import DrawnWind, WindSite, power_w

RATING = wind_rating(10_000.0, 24.0)
TURBINE = Turbine.of(RATING)
RATIOS = (0.1, 0.5, 0.9)
START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 36
LAST = 30 * 24 - 1
SUBJECT = Subject(
    asset=AssetId(SiteId("farm"), "wind"),
    kind=Kind.WIND,
    zone=ZoneInfo("UTC"),
    location=None,
    turbine=RATING,
)


@cache
def truth() -> tuple[Floats, Floats]:
    """What the twin's turbine gave of its rating, and a forecast of its wind at 10 m that errs."""
    wind, site, count = DrawnWind(mean_m_per_s=6.0, seed=3), WindSite(), DAYS * 24
    speed = np.array([wind.speed(START + (hour + 0.5) * HOUR) for hour in range(count)])
    gave = np.array([power_w(RATING, each, site) for each in speed]) / RATING.max_output_power_w
    random, off = np.random.default_rng(1), np.zeros(count)
    for hour in range(1, count):
        off[hour] = 0.9 * off[hour - 1] + 0.35 * random.normal()
    return gave, np.maximum(0.8 * speed + off, 0.0)


def past(gave: Floats, last: int, *, told: bool = True) -> WindPast:
    known = gave.copy()
    known[last + 1 :] = np.nan
    at_hub = hub_speed({10.0: truth()[1]}, 24.0) if told else None
    return WindPast(turbine=TURBINE, ratio=known, speed_m_per_s=at_hub, last=last)


def issues() -> list[tuple[int, np.ndarray]]:
    return [(last, np.arange(last + 1, last + 25)) for last in range(20 * 24 - 1, 34 * 24, 31)]


def wape_and_coverage(told: bool) -> tuple[float, float]:
    gave = truth()[0]
    error = total = covered = count = 0.0
    for last, targets in issues():
        low, middle, high = wind_quantiles(past(gave, last, told=told), targets, RATIOS).T
        came = gave[targets]
        error += float(np.abs(middle - came).sum())
        total += float(came.sum())
        covered += float(((low <= came) & (came <= high)).sum())
        count += len(targets)
    return error / total, covered / count


def test_wind_at_the_hub_goes_with_the_height() -> None:
    def at(winds: dict[float, float], height: float) -> float:
        found = hub_speed({h: np.array([v]) for h, v in winds.items()}, height)
        assert found is not None
        return float(found[0])

    assert at({10.0: 5.0}, 30.0) == pytest.approx(5.0 * 3**0.2)
    assert at({10.0: 5.0, 80.0: 8.0}, 10.0 * 8**0.5) == pytest.approx(6.5)
    assert at({10.0: 5.0, 40.0: 6.0}, 80.0) == pytest.approx(6.0 * 2 ** (np.log(1.2) / np.log(4)))
    assert at({10.0: np.nan, 80.0: 8.0}, 20.0) == pytest.approx(8.0 * 0.25**0.2)
    assert hub_speed({}, 30.0) is None


def test_thin_air_counts_as_slower_wind_and_unknown_air_as_standard() -> None:
    ten, celsius = np.array([10.0, 10.0]), np.array([15.0, 15.0])
    found = at_standard_density(ten, np.array([90_000.0, np.nan]), celsius, 0.001)
    assert found == pytest.approx([10 * (90_000 / 287.05 / 288.15 / 1.225) ** (1 / 3), 10.0])


def test_without_a_curve_the_rotor_tells_and_an_hour_is_not_one_speed() -> None:
    small = Turbine.of(WindRating(max_output_power_w=10_000, rotor_diameter_m=7))
    large = Turbine.of(WindRating(max_output_power_w=10_000, rotor_diameter_m=10))
    at = np.array([2.0, 8.0, 14.0, 39.0])

    assert small.ratio(at) == pytest.approx([0.0, 0.5, 0.99, 0.0], abs=0.03)
    assert large.ratio(at)[1] > 1.5 * small.ratio(at)[1]
    # At the knee of the curve gusts bring nothing and lulls cost something.
    assert 0.9 < float(TURBINE.ratio(np.array([12.0]))[0]) < 0.99


def test_a_wind_that_is_told_too_weak_is_learnt_and_the_bands_come_true() -> None:
    gave, told = truth()
    at_hub = hub_speed({10.0: told}, 24.0)
    assert at_hub is not None
    hours = np.concatenate([targets for _, targets in issues()])
    bare = float(np.abs(TURBINE.ratio(at_hub[hours]) - gave[hours]).sum() / gave[hours].sum())

    wape, coverage = wape_and_coverage(told=True)

    assert wape < 0.6 * bare
    assert 0.7 < coverage < 0.92


def test_without_wind_the_bands_are_wide_enough_and_the_first_hours_go_on() -> None:
    gave = truth()[0]
    wape, coverage = wape_and_coverage(told=False)
    first, middle = [], float(np.median(gave))
    for last, targets in issues():
        (said,) = wind_quantiles(past(gave, last, told=False), targets[:1], (0.5,))[0]
        first.append((abs(said - gave[last + 1]), abs(middle - gave[last + 1])))
    errors, by_median = np.array(first).sum(axis=0)

    assert 0.7 < coverage < 0.95
    assert errors < 0.5 * by_median
    assert wape < 1.0


@settings(max_examples=25, deadline=None)
@given(last=st.integers(24, LAST), told=st.booleans(), seed=st.integers(0, 100))
def test_another_future_gives_the_same_forecast(last: int, told: bool, seed: int) -> None:
    gave, other = truth()[0], truth()[0].copy()
    other[last + 1 :] = np.random.default_rng(seed).uniform(0, 1, len(other) - last - 1)
    targets = np.arange(last + 1, last + 30)

    pair = []
    for each in (gave, other):
        one = past(each, last, told=told)
        ratio = each if seed % 2 else one.ratio
        whole = WindPast(turbine=TURBINE, ratio=ratio, speed_m_per_s=one.speed_m_per_s, last=last)
        pair.append(wind_quantiles(whole, targets, RATIOS))
    assert np.array_equal(pair[0], pair[1])


@settings(max_examples=25, deadline=None)
@given(holes=st.floats(0, 1), blind=st.floats(0, 1), seed=st.integers(0, 100))
def test_whatever_is_missing_quantiles_rise_within_the_rating(
    holes: float, blind: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    gave, told = (each.copy() for each in truth())
    gave[random.random(len(gave)) < holes] = np.nan
    told[random.random(len(told)) < blind] = np.nan
    one = WindPast(turbine=TURBINE, ratio=gave, speed_m_per_s=told, last=LAST)

    found = wind_quantiles(one, np.arange(LAST + 1, LAST + 49), RATIOS)

    assert np.isfinite(found).all()
    assert (np.diff(found, axis=1) >= 0).all()
    assert ((found >= 0) & (found <= 1)).all()


def measured(ratio: Floats, wind: Floats | None) -> AssetHours:
    span = TimeRange.of(START, len(ratio) * HOUR)
    return AssetHours(
        start=START,
        power_w=ratio * RATING.max_output_power_w,
        clock=LocalClock.of(span, ZoneInfo("UTC")),
        wind_m_per_s=wind,
    )


@pytest.mark.parametrize("told", [True, False])
def test_hours_at_a_limit_teach_nothing_and_are_said(told: bool) -> None:
    gave, wind = truth()[0], hub_speed({10.0: truth()[1] / 0.8}, 24.0)
    windy = np.flatnonzero(gave[:LAST] > 0.6)
    limited = gave.copy()
    limited[windy] = 0.3

    (clean,) = screened_turbines([(SUBJECT, measured(gave, wind if told else None))])
    (found,) = screened_turbines([(SUBJECT, measured(limited, wind if told else None))])

    assert np.isnan(found.power_w[windy]).mean() > 0.85
    assert [each.fault for each in found.findings] == [InputFault.CURTAILED]
    assert np.isnan(clean.power_w).mean() < 0.03


def test_a_turbine_that_stood_while_it_blew_is_not_expected_to_stand() -> None:
    gave, wind = truth()[0], hub_speed({10.0: truth()[1] / 0.8}, 24.0)
    stood = gave.copy()
    stood[LAST - 60 : LAST - 12] = 0.0
    (found,) = screened_turbines([(SUBJECT, measured(stood, wind))])

    blew = np.zeros(len(gave), dtype=np.bool_)
    blew[LAST - 60 : LAST - 12] = gave[LAST - 60 : LAST - 12] > 0.5
    assert blew.sum() > 5
    assert np.isnan(found.power_w[blew]).mean() > 0.7


def test_power_beyond_the_rating_is_not_believed() -> None:
    gave = truth()[0].copy()
    gave[100] = 3.0
    (found,) = screened_turbines([(SUBJECT, measured(gave, None))])
    assert np.isnan(found.power_w[100])
