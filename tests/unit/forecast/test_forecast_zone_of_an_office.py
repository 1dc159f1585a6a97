"""A room with three masses that is aired by day: what a plan would do with its model comes true."""

import numpy as np
import pytest

from tests.fakes.thermal_office import HOURS, PER_DAY, PLANT, lived, set_points, weather
from wattmesh_forecast.domain.thermal.identify import Identification, Verdict, identify
from wattmesh_forecast.domain.thermal.outlook import heat_factor
from wattmesh_forecast.domain.thermal.record import Floats, ZoneRecord
from wattmesh_forecast.domain.thermal.response import step_of
from wattmesh_forecast.domain.thermal.tracking import free_run

LEARNT_DAYS, DAYS = 14, 18
SEEDS = (1, 2, 3)
COP = 4.0


def usual(seed: int) -> ZoneRecord:
    of = weather(DAYS, seed)
    return lived(of, set_points(of))


@pytest.fixture(scope="module")
def known() -> dict[int, Identification]:
    return {seed: identify(usual(seed).part(0, LEARNT_DAYS * PER_DAY), PLANT) for seed in SEEDS}


@pytest.mark.parametrize("seed", SEEDS)
def test_air_from_outside_and_an_eastern_window_leave_the_zone_identified(
    seed: int, known: dict[int, Identification]
) -> None:
    found, record = known[seed], usual(seed)
    assert found.verdict is Verdict.IDENTIFIED
    assert found.fit is not None
    errors = []
    for day in range(LEARNT_DAYS, DAYS):
        past = record.part(0, day * PER_DAY)
        ahead = record.part(day * PER_DAY, (day + 1) * PER_DAY)
        errors.append(free_run(found.fit, PLANT, past, ahead) - ahead.temperature_celsius)
    assert np.sqrt(np.mean(np.concatenate(errors) ** 2)) < 0.09


@pytest.mark.parametrize("seed", SEEDS)
def test_what_cooling_further_before_noon_takes_and_spares_is_known(
    seed: int, known: dict[int, Identification]
) -> None:
    of = weather(DAYS, seed)
    before_noon = slice(LEARNT_DAYS * PER_DAY + 16, LEARNT_DAYS * PER_DAY + 24)
    afternoon = slice(before_noon.stop, before_noon.stop + 12)
    lower = set_points(of)
    lower[before_noon] -= 2.0
    cooled, plain = lived(of, lower), usual(seed)
    more_kwh = (cooled.cooling_w - plain.cooling_w) * HOURS / 1e3
    warmer = cooled.temperature_celsius - plain.temperature_celsius
    said_kwh = _kwh(known[seed], warmer[before_noon.start : afternoon.stop])
    assert said_kwh[:8].sum() == pytest.approx(more_kwh[before_noon].sum(), rel=0.15)
    assert said_kwh[8:].sum() == pytest.approx(more_kwh[afternoon].sum(), rel=0.2)


def _kwh(found: Identification, warmer: Floats) -> Floats:
    """Return what a model says that a change of temperature takes of electricity [kWh], (n,)."""
    assert found.fit is not None
    step, state = step_of(found.fit.rates, HOURS), np.zeros(2)
    taken = []
    for wanted in warmer:
        heat = (wanted - step.a[0] @ state) / step.b_heat[0]
        state = step.a @ state + step.b_heat * heat
        taken.append(-heat / heat_factor(found.fit)[1] / COP * HOURS)
    return np.array(taken)
