"""Programmes of appliances: their energy, what can pause and what goes on to its end."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.manual_clock import ManualClock
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.domain.appliance import ApplianceState, Programme, Stage, advance, loaded
from wattmesh_twin.domain.order import Order

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WASH = Programme(powers_w=(2000.0,) * 30 + (200.0,) * 30)


@given(st.lists(st.integers(1, 900), min_size=1, max_size=30))
def test_looking_changes_nothing(seconds: list[int]) -> None:
    often = once = loaded(ApplianceState(time=START), WASH)
    end = START
    for each in seconds:
        end += timedelta(seconds=each)
        often = advance(often, end, permitted=True)
    once = advance(once, end, permitted=True)
    assert abs(often.import_wh - once.import_wh) < 1e-6
    assert often.ran == once.ran


def test_a_whole_programme_draws_what_it_says_and_is_finished() -> None:
    state = advance(loaded(ApplianceState(time=START), WASH), START + 90 * MINUTE, permitted=True)
    assert round(state.import_wh, 6) == 1100.0
    assert state.stage(permitted=True) is Stage.FINISHED
    assert state.power_w(permitted=True) == 0.0


def test_it_waits_for_its_permission_and_goes_on_to_its_end_without_it() -> None:
    clock = ManualClock(START)
    washer = ApplianceTwin(clock, own=False)
    washer.load(WASH)
    clock.advance(20 * MINUTE)
    assert washer.look().stage(permitted=washer.permitted) is Stage.READY
    washer.order(Order(value=1.0, end=clock.now() + 10 * MINUTE))
    clock.advance(25 * MINUTE)
    assert (washer.permitted, washer.power_w) == (False, 2000.0)
    clock.advance(60 * MINUTE)
    assert round(washer.look().import_wh, 6) == 1100.0


def test_one_behind_a_plug_pauses_and_runs_while_it_is_left_alone() -> None:
    clock = ManualClock(START)
    pump = ApplianceTwin(clock, own=True)
    pump.load(Programme(powers_w=(600.0,) * 60, pauses=True))
    clock.advance(10 * MINUTE)
    pump.order(Order(value=0.0, end=clock.now() + 5 * MINUTE))
    clock.advance(2 * MINUTE)
    assert pump.look().stage(permitted=pump.permitted) is Stage.PAUSED
    clock.advance(8 * MINUTE)
    assert round(pump.look().import_wh, 6) == 150.0
