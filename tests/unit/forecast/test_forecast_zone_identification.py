"""A zone's model is found in ordinary operation, and nothing is claimed that cannot be told."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.thermal_zone import HEAT_K_PER_KWH, PLANT, RATES, SUN_K_PER_H, zone_record
from wattmesh_forecast.domain.thermal.identify import Identification, Verdict, identify
from wattmesh_forecast.domain.thermal.influences import Influence, Plant
from wattmesh_forecast.domain.thermal.record import ZoneRecord
from wattmesh_forecast.domain.thermal.response import Rates, step_of
from wattmesh_forecast.domain.thermal.tracking import free_run, standing


@pytest.fixture(scope="module")
def known() -> Identification:
    return identify(zone_record(14), PLANT)


def test_a_kilowatt_the_sun_and_the_leak_are_found(known: Identification) -> None:
    assert known.verdict is Verdict.IDENTIFIED
    assert known.fit is not None
    heat, sun = known.fit.factors[Influence.HEATING], known.fit.factors[Influence.SUN]
    assert heat == pytest.approx(HEAT_K_PER_KWH, rel=0.15)
    assert sun == pytest.approx(SUN_K_PER_H, rel=0.3)
    assert known.fit.rates.leak == pytest.approx(RATES.leak, rel=0.3)


def test_what_is_said_to_be_unsure_covers_the_truth(known: Identification) -> None:
    assert known.fit is not None
    off = abs(known.fit.factors[Influence.HEATING] - HEAT_K_PER_KWH)
    assert off < 3 * known.fit.factor_std[Influence.HEATING]


def test_a_day_ahead_is_said_within_three_tenths_of_a_kelvin(known: Identification) -> None:
    record = zone_record(17)
    assert known.fit is not None
    errors = []
    for day in (14, 15, 16):
        ahead = record.part(day * 48, (day + 1) * 48)
        said = free_run(known.fit, PLANT, record.part(0, day * 48), ahead)
        errors.append(said - ahead.temperature_celsius)
    assert np.sqrt(np.mean(np.concatenate(errors) ** 2)) < 0.3


def test_too_few_days_say_nothing() -> None:
    assert identify(zone_record(4), PLANT).verdict is Verdict.TOO_SHORT


def test_days_with_gaps_do_not_count() -> None:
    record = zone_record(7)
    outdoor = record.outdoor_celsius.copy()
    outdoor[::48] = np.nan
    gappy = replace(record, outdoor_celsius=outdoor)
    assert identify(gappy, PLANT).verdict is Verdict.TOO_SHORT


@pytest.mark.parametrize("power_w", [0.0, 900.0])
def test_a_plant_that_never_changes_tells_nothing_of_a_kilowatt(power_w: float) -> None:
    found = identify(zone_record(14, constant_w=power_w), PLANT)
    assert found.verdict is Verdict.NOT_EXCITED
    assert not found.usable


def test_a_meter_of_something_else_is_not_planned_with() -> None:
    record = zone_record(14)
    random = np.random.default_rng(3)
    other = replace(record, heating_w=random.uniform(0, 3000, record.count))
    assert not identify(other, PLANT).usable


@pytest.mark.parametrize("since_day", [0, 8])
def test_a_thermometer_that_is_stuck_is_not_planned_with(since_day: int) -> None:
    record = zone_record(14)
    stuck = record.temperature_celsius.copy()
    stuck[since_day * 48 :] = 20.5
    shown = replace(record, temperature_celsius=stuck)
    found = identify(shown, PLANT)
    assert found.days == since_day, "days on which it was stuck say nothing"
    assert found.fit is None or standing(found.fit, PLANT, shown) is None


def test_without_a_plant_there_is_nothing_to_plan() -> None:
    assert identify(zone_record(14), Plant()).verdict is Verdict.NOT_EXCITED


def test_another_season_is_learned_though_the_old_one_is_remembered() -> None:
    """Twice the leak from one month to the next: shutters open, doors used."""
    before = zone_record(28)
    leaky = zone_record(21, rates=replace(RATES, leak=2 * RATES.leak), seed=2)
    both = ZoneRecord(
        hours=before.hours,
        **{
            name: np.concatenate([getattr(before, name), getattr(leaky, name)])
            for name in (
                "temperature_celsius",
                "outdoor_celsius",
                "heating_w",
                "cooling_w",
                "hour_of_day",
                "sun",
            )
        },
    )
    old, new = identify(before, PLANT), identify(both, PLANT)
    assert old.fit is not None
    assert new.fit is not None
    assert new.fit.rates.leak > 1.4 * old.fit.rates.leak


def test_where_it_stands_is_known_from_noisy_temperatures() -> None:
    record = zone_record(14, noise_k=0.3)
    quiet = zone_record(14, noise_k=0.0)
    found = identify(record, PLANT)
    assert found.fit is not None
    stands = standing(found.fit, PLANT, record)
    assert stands is not None
    assert stands.air_celsius == pytest.approx(quiet.temperature_celsius[-1], abs=0.3)


def test_nothing_measured_lately_is_said() -> None:
    record = zone_record(14)
    found = identify(record, PLANT)
    silent = record.temperature_celsius.copy()
    silent[-4 * 48 :] = np.nan
    assert found.fit is not None
    assert standing(found.fit, PLANT, replace(record, temperature_celsius=silent)) is None


def test_a_step_of_first_order_is_its_formula() -> None:
    step = step_of(Rates(leak=0.1), 1.0)
    assert step.a[0, 0] == pytest.approx(0.9048, abs=1e-4)
    assert step.b_heat[0] == pytest.approx(0.9516, abs=1e-4)
