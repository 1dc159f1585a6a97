"""Battery physics."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.twin_sites import battery
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_twin.domain.battery import BatterySpec, BatteryState

orders = st.lists(
    st.tuples(st.floats(-20_000, 20_000, allow_nan=False), st.floats(0, 7200, allow_nan=False)),
    max_size=30,
)


def run(spec: BatterySpec, steps: list[tuple[float, float]]) -> list[BatteryState]:
    state = spec.initial()
    states = [state]
    for setpoint_w, seconds in steps:
        state = state.after(spec, state.power_w(spec, setpoint_w), seconds)
        states.append(state)
    return states


@given(orders, st.floats(0, 1), st.floats(0.5, 1))
def test_stored_energy_is_what_went_in_less_losses_and_what_came_out(
    steps: list[tuple[float, float]], soc: float, efficiency: float
) -> None:
    spec = battery(soc, round_trip_efficiency_ratio=efficiency)
    states = run(spec, steps)
    first, last = states[0], states[-1]
    eta = math.sqrt(efficiency)
    balance = first.stored_wh + last.charge_wh * eta - last.discharge_wh / eta
    assert last.stored_wh == pytest.approx(balance, abs=1e-6)


@given(orders, st.floats(0, 1))
def test_state_of_charge_never_leaves_0_to_1(steps: list[tuple[float, float]], soc: float) -> None:
    spec = battery(soc)
    assert all(0 <= state.soc_ratio(spec) <= 1 for state in run(spec, steps))


@given(orders, st.floats(0, 1))
def test_registers_never_fall(steps: list[tuple[float, float]], soc: float) -> None:
    states = run(battery(soc), steps)
    for before, after in pairwise(states):
        assert after.charge_wh >= before.charge_wh
        assert after.discharge_wh >= before.discharge_wh


@given(orders, st.integers(1, 20))
def test_looking_more_often_changes_nothing(steps: list[tuple[float, float]], parts: int) -> None:
    spec = battery()
    fine = [(w, s / parts) for w, s in steps for _ in range(parts)]
    once, often = run(spec, steps)[-1], run(spec, fine)[-1]
    assert often.stored_wh == pytest.approx(once.stored_wh, abs=1e-6)
    assert often.charge_wh == pytest.approx(once.charge_wh, abs=1e-6)


def test_setpoints_are_clamped_to_the_power_limits() -> None:
    spec = battery()
    assert spec.initial().power_w(spec, 9999) == 5000
    assert spec.initial().power_w(spec, -9999) == -5000


def test_power_stops_exactly_when_full_and_when_empty() -> None:
    spec = battery(0.5)
    seconds = spec.initial().seconds_to_limit(spec, 5000)
    full = spec.initial().after(spec, 5000, seconds)
    assert full.stored_wh == spec.capacity_wh
    assert full.power_w(spec, 5000) == 0
    assert full.power_w(spec, -5000) == -5000
    empty = full.after(spec, -5000, 1e6)
    assert empty.stored_wh == 0
    assert empty.power_w(spec, -1) == 0
    assert empty.discharge_wh == pytest.approx(6400 * math.sqrt(0.9))


def test_a_full_cycle_gives_back_the_round_trip_efficiency() -> None:
    spec = battery(0.0)
    (*_, last) = run(spec, [(5000, 7200), (-5000, 7200)])
    assert last.discharge_wh / last.charge_wh == pytest.approx(0.9)


@pytest.mark.parametrize("bad", [{"capacity_wh": 0.0}, {"power_w": -1.0}, {"initial_soc_ratio": 2}])
def test_impossible_batteries_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidArgument):
        battery(**bad)
