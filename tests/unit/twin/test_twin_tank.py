"""The tank's physics: heat balances, a thermostat that keeps its setpoint, draws of a day."""

from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_twin.domain.tank import TankSpec, TankState, advance, cop, drawn_w

START = datetime(2026, 1, 5, tzinfo=UTC)
SPEC = TankSpec()


def test_what_stands_loses_its_heat_exactly() -> None:
    """2 W/K of 290 Wh/K for 10 h: exp(-20/290) of the 34 K above what is around."""
    state = TankState(time=START)
    for _ in range(600):
        state = advance(SPEC, state, 0.0, 5.0, 0.0)
    assert state.celsius == pytest.approx(18.0 + 34.0 * 0.93336, abs=1e-3)
    assert state.import_wh == 0.0


def test_a_thermostat_keeps_the_water_between_its_hysteresis_and_its_setpoint() -> None:
    state = TankState(time=START, celsius=52.0)
    for _ in range(24 * 60):
        state = advance(SPEC, state, 52.0, 5.0, 0.0)
        assert 48.9 < state.celsius < 52.2


def test_a_day_of_draws_is_as_much_as_the_pattern() -> None:
    minutes = (START + timedelta(minutes=each) for each in range(24 * 60))
    assert sum(drawn_w(each) for each in minutes) / 60_000.0 == pytest.approx(5.845, abs=0.01)


def test_its_efficiency_is_that_of_its_source() -> None:
    assert cop(SPEC, 50.0, 5.0) == pytest.approx(0.8 * 3.0425)
