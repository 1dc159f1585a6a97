"""A site's energies: exact, whoever looks and whenever."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_sites import HOUR, QUARTER, START, battery, home
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.measured import LookAhead
from wattmesh_twin.domain.physics import SitePhysics
from wattmesh_twin.domain.site import GRID_METER, SiteState

NAN = float("nan")


def physics_at(hours: float, **changes: object) -> SitePhysics:
    """A home on a clock that stands `hours` after the start."""
    return home(ManualClock(START + hours * HOUR), **changes)  # type: ignore[arg-type]


def ordered(physics: SitePhysics, power_w: float, hours: float) -> SiteState:
    lease = Lease.of(power_w, START, hours * HOUR)
    return replace(physics.spec.initial(START), setpoint=lease)


def test_registers_are_the_integral_of_power_and_never_mix() -> None:
    physics = physics_at(3, load_w=[1000, 500, 200], pv_w=[0, 2000, 200])
    meter = physics.advance(physics.spec.initial(START), START + 3 * HOUR).meters[GRID_METER]
    assert meter.import_wh == pytest.approx(1000)
    assert meter.export_wh == pytest.approx(1500)


def test_the_meter_sees_the_moment_the_battery_is_full() -> None:
    physics = physics_at(1, load_w=[0, 0], battery=battery(0.9))
    state = physics.advance(ordered(physics, 5000, 24), START + HOUR)
    assert state.battery is not None
    assert state.battery.stored_wh == 6400
    assert state.meters[GRID_METER].import_wh == pytest.approx(state.battery.charge_wh, abs=1e-9)
    assert physics.powers(state).net_w == 0


def test_a_lease_that_ends_leaves_the_battery_idle() -> None:
    physics = physics_at(2, load_w=[0, 0], battery=battery())
    state = physics.advance(ordered(physics, 1000, 0.5), START + 2 * HOUR)
    assert state.setpoint is None
    assert state.battery is not None
    assert state.battery.charge_wh == pytest.approx(500)
    assert physics.powers(state).battery_w == 0


def test_curtailment_limits_generation_until_its_lease_ends() -> None:
    physics = physics_at(2, load_w=[0, 0], pv_w=[3000, 3000])
    lease = Lease.of(0.25, START, HOUR)
    state = replace(physics.spec.initial(START), pv_limit=lease)
    first = physics.advance(state, START + HOUR)
    last = physics.advance(first, START + 2 * HOUR)
    assert first.pv_export_wh - state.pv_export_wh == pytest.approx(1000)
    assert last.pv_export_wh - first.pv_export_wh == pytest.approx(3000)


def test_what_nobody_measured_is_in_no_register_and_makes_the_interval_incomplete() -> None:
    physics = physics_at(3, load_w=[1000, NAN, 1000], pv_w=[0, 0, 0])
    _, reports = physics.run(physics.spec.initial(START), START + 3 * HOUR, QUARTER)
    complete = [report.meters[GRID_METER].complete for report in reports]
    assert complete == [True] * 4 + [False] * 4 + [True] * 4
    assert reports[-1].meters[GRID_METER].import_wh == pytest.approx(2000)


def test_a_plant_that_was_not_measured_is_off_and_the_meter_sees_it() -> None:
    physics = physics_at(2, load_w=[1000] * 2, pv_w=[NAN, 400])
    first = physics.spec.initial(START)
    assert physics.powers(first).pv_w is None
    state, reports = physics.run(first, START + 2 * HOUR, HOUR)
    assert [report.meters[GRID_METER].complete for report in reports] == [True, True]
    assert state.meters[GRID_METER].import_wh == pytest.approx(1600)
    assert state.pv_export_wh - first.pv_export_wh == pytest.approx(400)


def test_reports_lie_on_the_grid_and_hold_the_mean_power_of_their_interval() -> None:
    start = START + timedelta(minutes=50)
    physics = physics_at(2, load_w=[1000, 2000])
    _, reports = physics.run(physics.spec.initial(start), START + 1.5 * HOUR, QUARTER)
    assert [report.time - START for report in reports] == [HOUR, HOUR + QUARTER, HOUR + 2 * QUARTER]
    assert reports[1].meters[GRID_METER].mean_power_w(QUARTER) == pytest.approx(2000)


def test_physics_refuses_to_run_ahead_of_the_clock() -> None:
    physics = physics_at(0.5)
    with pytest.raises(LookAhead):
        physics.advance(physics.spec.initial(START), START + 2 * HOUR)


@given(
    st.lists(st.integers(1, 4 * 3600), min_size=1, max_size=12),
    st.floats(-6000, 6000),
    st.floats(0.01, 4),
)
def test_energies_balance_and_do_not_depend_on_when_somebody_looks(
    looks: list[int], setpoint_w: float, hours: float
) -> None:
    span = timedelta(seconds=sum(looks))
    physics = home(
        ManualClock(START + span), load_w=[800, 0, 2500] * 16, pv_w=[0, 1500, 3000] * 16,
        battery=battery(),
    )  # fmt: skip
    once = physics.advance(ordered(physics, setpoint_w, hours), START + span)
    state = ordered(physics, setpoint_w, hours)
    for seconds in looks:
        state = physics.advance(state, state.time + timedelta(seconds=seconds))
    assert state.battery is not None
    assert once.battery is not None
    assert state.battery.stored_wh == pytest.approx(once.battery.stored_wh, abs=1e-6)
    meter, meter_once = state.meters[GRID_METER], once.meters[GRID_METER]
    assert meter.import_wh == pytest.approx(meter_once.import_wh, abs=1e-6)
    assert meter.export_wh == pytest.approx(meter_once.export_wh, abs=1e-6)
    battery_wh = once.battery.charge_wh - once.battery.discharge_wh
    generated_wh = once.pv_export_wh - physics.spec.initial(START).pv_export_wh
    net_wh = meter_once.import_wh - meter_once.export_wh
    assert net_wh == pytest.approx(
        _integral([800, 0, 2500], span) - generated_wh + battery_wh, abs=1e-5
    )


def _integral(cycle: list[float], span: timedelta) -> float:
    hours, rest = divmod(span, HOUR)
    whole = sum(cycle[index % 3] for index in range(hours))
    return whole + cycle[hours % 3] * (rest / HOUR)
