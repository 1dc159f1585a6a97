"""Generator sets and wind turbines behave as their books say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_kernel.sites import PowerCurvePoint, WindRating
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.adapters.data.microgrids import wind_rating
from wattmesh_twin.domain.generator import (
    GeneratorSpec,
    GeneratorState,
    Stage,
    advance,
    ordered,
)
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.wind import DrawnWind, WindSite, hub_speed, power_w

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPEC = GeneratorSpec(rated_w=10_000.0, least_w=3_000.0, start_duration=timedelta(0))


def running(spec: GeneratorSpec, told_w: float, hours: float = 24.0) -> GeneratorState:
    state = GeneratorState(time=START, fuel_l=spec.fuel_l)
    return ordered(spec, state, Lease.of(told_w, START, hours * HOUR))


def test_a_generator_burns_by_the_line_from_no_load_to_full_load() -> None:
    assert SPEC.fuel_l_per_hour(5_000.0) == pytest.approx(2.07, abs=0.01)
    after = advance(SPEC, running(SPEC, 5_000.0), START + 10 * HOUR)
    assert after.burnt_l == pytest.approx(20.7, abs=0.05)
    assert after.energy_wh == pytest.approx(50_000.0)
    assert after.starts == 1


def test_told_less_than_its_least_load_it_gives_its_least_load() -> None:
    assert running(SPEC, 1_000.0).power_w(SPEC) == -3_000.0
    assert running(SPEC, 20_000.0).power_w(SPEC) == -10_000.0


def test_without_fuel_it_stands_still_to_the_litre() -> None:
    spec = replace(SPEC, fuel_l=4.14)
    after = advance(spec, running(spec, 5_000.0), START + 10 * HOUR)
    assert after.energy_wh == pytest.approx(10_000.0, rel=0.01)
    assert (after.stage(spec), after.power_w(spec), after.fuel_l) == (Stage.LOCKED, 0.0, 0.0)


def test_maintained_it_takes_orders_and_does_nothing() -> None:
    spec = replace(SPEC, maintenance=(TimeRange.of(START + HOUR, HOUR),))
    after = advance(spec, running(spec, 5_000.0), START + 3 * HOUR)
    assert after.energy_wh == pytest.approx(10_000.0)
    assert after.starts == 2


def test_looking_often_changes_nothing() -> None:
    spec = replace(SPEC, min_run_duration=HOUR, start_duration=timedelta(seconds=10))
    once = advance(spec, running(spec, 4_000.0, 0.5), START + 3 * HOUR)
    often = running(spec, 4_000.0, 0.5)
    for minute in range(1, 181):
        often = advance(spec, often, START + minute * timedelta(minutes=1))
    assert often.energy_wh == pytest.approx(once.energy_wh)
    assert often.fuel_l == pytest.approx(once.fuel_l)
    assert once.started is None


def test_wind_at_the_hub_and_thin_air() -> None:
    assert hub_speed(5.0, 30.0, WindSite()) == pytest.approx(6.23, abs=0.01)
    curve = (
        PowerCurvePoint(wind_speed_m_per_s=4.0, output_power_w=0.0),
        PowerCurvePoint(wind_speed_m_per_s=12.0, output_power_w=8_000.0),
    )
    rating = WindRating(max_output_power_w=8_000.0, hub_height_m=10.0, power_curve=curve)
    assert power_w(rating, 8.0, WindSite()) == pytest.approx(4_000.0)
    assert power_w(rating, 30.0, WindSite()) == 0.0, "it has cut out"
    assert power_w(rating, 8.0, WindSite(density_kg_per_m3=1.0)) < 3_600.0


def test_drawn_wind_has_its_mean_stays_for_hours_and_is_the_same_for_everybody() -> None:
    wind = DrawnWind(mean_m_per_s=6.0, seed=3)
    speeds = np.array([wind.speed(START + hour * HOUR) for hour in range(0, 4000, 4)])
    assert speeds.mean() == pytest.approx(6.0, abs=0.4)
    assert speeds.std() / speeds.mean() == pytest.approx(0.52, abs=0.06), "Weibull of shape 2"
    assert np.corrcoef(speeds[:-1], speeds[1:])[0, 1] > 0.4
    assert DrawnWind(mean_m_per_s=6.0, seed=3).speed(START) == wind.speed(START)
    assert wind_rating(10_000.0, 24.0).curtailable
