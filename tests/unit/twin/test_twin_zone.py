"""The zone's physics: heat balances, machines within their ratings, thermostats as they behave."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_twin.domain.zone import (
    Mode,
    PlantSpec,
    Surroundings,
    Thermostat,
    Zone,
    ZoneSpec,
    ZoneState,
    cooling_cop,
    heating_cop,
)

START = datetime(2026, 1, 5, tzinfo=UTC)
HEATER = PlantSpec(max_power_w=3000.0, min_power_w=600.0)


class Steady:
    """The same weather for ever."""

    def __init__(self, outdoor_celsius: float, gains_w: float = 0.0) -> None:
        self._around = Surroundings(outdoor_celsius=outdoor_celsius, gains_w=gains_w)

    def at(self, moment: datetime) -> Surroundings:
        return self._around


def zone(outdoor_celsius: float, gains_w: float = 0.0) -> Zone:
    return Zone(
        spec=ZoneSpec(),
        climate=Steady(outdoor_celsius, gains_w),
        heating=HEATER,
        cooling=PlantSpec(max_power_w=2000.0, min_power_w=400.0),
    )


def test_without_heat_everything_comes_to_the_temperature_outside() -> None:
    off = Thermostat(mode=Mode.OFF)
    end = zone(5.0).advance(ZoneState(time=START), off, START + timedelta(days=40))
    assert end.interior_celsius == pytest.approx(5.0, abs=0.05)
    assert end.import_wh == 0.0


def test_in_a_steady_state_gains_leave_through_the_walls() -> None:
    """R of both ways in parallel: 1/(1/0.018 + 1/(0.0012 + 0.009)) = 0.00651 K/W; 500 W: 3.26 K."""
    off = Thermostat(mode=Mode.OFF)
    end = zone(5.0, 500.0).advance(ZoneState(time=START), off, START + timedelta(days=60))
    assert end.interior_celsius - 5.0 == pytest.approx(3.26, abs=0.05)


def test_a_thermostat_keeps_its_setpoint_and_its_plant_its_ratings() -> None:
    state, here = ZoneState(time=START), zone(0.0)
    for _ in range(48 * 6):
        state = here.advance(state, Thermostat(), state.time + timedelta(minutes=10))
        assert state.heating_w == 0.0 or 600.0 <= state.heating_w <= 3000.0
    assert state.interior_celsius == pytest.approx(21.0, abs=0.5)


def test_who_is_told_not_to_draw_does_not() -> None:
    dimmed = Thermostat(power_limit_w=500.0)
    end = zone(0.0).advance(ZoneState(time=START), dimmed, START + timedelta(hours=5))
    assert end.import_wh == 0.0


def test_cooling_cools_and_never_heats() -> None:
    warm = replace(ZoneState(time=START), interior_celsius=28.0, envelope_celsius=28.0)
    cool = Thermostat(setpoint_celsius=24.0, mode=Mode.COOLING)
    end = zone(30.0).advance(warm, cool, START + timedelta(hours=6))
    assert end.interior_celsius < 26.0
    assert end.heating_w == 0.0


def test_efficiencies_are_those_of_their_sources() -> None:
    assert heating_cop(HEATER, 0.0) == pytest.approx(0.85 * 3.28, abs=1e-6)
    assert heating_cop(HEATER, 10.0) > heating_cop(HEATER, -10.0)
    assert cooling_cop(HEATER, 30.0) == pytest.approx(3.30, abs=0.01)


def test_looking_often_changes_little() -> None:
    once = zone(0.0).advance(ZoneState(time=START), Thermostat(), START + timedelta(hours=3))
    often, here = ZoneState(time=START), zone(0.0)
    while often.time < once.time:
        often = here.advance(often, Thermostat(), often.time + timedelta(seconds=25))
    assert often.interior_celsius == pytest.approx(once.interior_celsius, abs=0.1)
