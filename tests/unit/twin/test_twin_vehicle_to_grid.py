"""A vehicle that gives: no energy from nowhere, never below its bound, and an order that ends."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.manual_clock import ManualClock
from wattmesh_twin.adapters.v2g_charger import SAFE_POWER_W, V2gChargerTwin
from wattmesh_twin.adapters.visits import COLUMNS, load_visits
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.charger import Charger, ChargerState, FixedOffer, Visit
from wattmesh_twin.domain.leased_power import LeasedPower
from wattmesh_twin.domain.order import Order
from wattmesh_twin.domain.vehicle import VehicleSpec

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
CAR = VehicleSpec(capacity_wh=50_000.0, max_discharge_power_w=7_000.0, least_soc_ratio=0.3)

ratios = st.floats(0.0, 1.0)
powers = st.floats(-12_000.0, 12_000.0)


def visit(soc_ratio: float, vehicle: VehicleSpec = CAR) -> Visit:
    return Visit(
        arrival=NOON, departure=NOON + 24 * HOUR, vehicle=vehicle, arrival_soc_ratio=soc_ratio
    )


def told(power_w: float) -> LeasedPower:
    return LeasedPower(safe_w=0.0, order=Order(value=power_w))


def charger_twin(clock: ManualClock, soc_ratio: float = 0.5) -> tuple[ChargerTwin, V2gChargerTwin]:
    twin = ChargerTwin(Charger(visits=(visit(soc_ratio),)), FixedOffer(offered_a=0.0), clock)
    return twin, V2gChargerTwin(twin, 11_040.0, "mqtt://127.0.0.1:1", "v2g", MINUTE)


def says(device: V2gChargerTwin) -> dict[str, object]:
    ((_, said),) = device.state()
    assert isinstance(said, dict)
    return said


def tell(device: V2gChargerTwin, **order: float) -> None:
    device.obey("v2g/set", json.dumps(order))


def test_a_vehicle_gives_what_it_is_asked_for_up_to_its_most_and_down_to_its_bound() -> None:
    assert CAR.power_w(0.5, -3_000.0) == -3_000.0
    assert CAR.power_w(0.5, -9_000.0) == -7_000.0
    assert CAR.power_w(0.3, -3_000.0) == 0.0
    assert VehicleSpec(capacity_wh=50_000.0).power_w(0.5, -3_000.0) == 0.0
    assert CAR.power_w(0.5, 1_000.0) == 1_000.0  # a power that is offered has no least


def test_it_loses_on_its_way_out() -> None:
    """An hour of 4,500 W takes 5,000 Wh out of the battery."""
    after = CAR.soc_after(0.5, -4_500.0, 3_600.0)
    assert after == pytest.approx(0.4)
    assert CAR.given_wh(0.5, after) == pytest.approx(4_500.0)
    assert CAR.drawn_wh(0.5, after) == 0.0


@given(ratios, powers, st.floats(1.0, 36_000.0), st.floats(0.0, 1.0))
def test_looking_in_between_changes_nothing_either_way(
    soc: float, offered: float, seconds: float, part: float
) -> None:
    whole = CAR.soc_after(soc, offered, seconds)
    halfway = CAR.soc_after(soc, offered, seconds * part)
    assert CAR.soc_after(halfway, offered, seconds * (1 - part)) == pytest.approx(whole, abs=1e-9)
    assert min(soc, CAR.least_soc_ratio) <= whole <= 1.0


@given(ratios, st.lists(st.tuples(powers, st.floats(1.0, 600.0)), max_size=8))
def test_what_is_stored_is_what_came_in_less_what_went_out_with_the_losses(
    soc: float, orders: list[tuple[float, float]]
) -> None:
    charger = Charger(visits=(visit(soc),))
    state = charger.advance(ChargerState(time=NOON), told(0.0), NOON)
    for power_w, minutes in orders:
        before = state
        until = min(state.time + minutes * MINUTE, NOON + 23 * HOUR)
        state = charger.advance(state, told(power_w), until)
        assert state.import_wh >= before.import_wh
        assert state.export_wh >= before.export_wh
        assert state.soc_ratio >= min(before.soc_ratio, CAR.least_soc_ratio)
    stored_wh = (state.soc_ratio - soc) * CAR.capacity_wh
    assert stored_wh == pytest.approx(state.import_wh * 0.9 - state.export_wh / 0.9, abs=1e-6)


def test_registers_are_exact_when_it_reaches_its_bound_on_the_way() -> None:
    charger = Charger(visits=(visit(0.5),))
    state = charger.advance(ChargerState(time=NOON), told(-5_000.0), NOON + 10 * HOUR)
    assert state.export_wh == pytest.approx(0.2 * 50_000 * 0.9)
    assert (state.import_wh, state.soc_ratio) == (0.0, 0.3)
    assert charger.power_w(state, told(-5_000.0)) == 0.0


def test_who_comes_below_the_bound_gives_nothing_and_keeps_what_it_has() -> None:
    charger = Charger(visits=(visit(0.1),))
    state = charger.advance(ChargerState(time=NOON), told(-5_000.0), NOON + HOUR)
    assert (state.export_wh, state.soc_ratio) == (0.0, 0.1)


def test_a_lease_that_ends_has_it_charge_and_nobody_need_say_so() -> None:
    clock = ManualClock(NOON)
    twin, device = charger_twin(clock)
    tell(device, power_w=-3_000, lease_seconds=900)
    assert (says(device)["active_power_w"], says(device)["plug"]) == (-3000, "discharging")
    clock.advance(HOUR)
    said = says(device)
    assert (said["active_power_w"], said["plug"]) == (SAFE_POWER_W, "charging")
    assert said["setpoint_w"] == SAFE_POWER_W
    assert said["export_energy_wh"] == 750.0
    assert said["import_energy_wh"] == pytest.approx(0.75 * SAFE_POWER_W)
    assert twin.look().state.export_wh == pytest.approx(750.0)


@pytest.mark.parametrize(
    ("soc_ratio", "power_w", "plug"),
    [
        (0.5, 5_000, "charging"),
        (0.5, 0, "held_back"),
        (0.2, -3_000, "waiting"),
        (1.0, 5_000, "takes_nothing"),
    ],
)
def test_it_says_what_goes_on_at_its_plug(soc_ratio: float, power_w: float, plug: str) -> None:
    _, device = charger_twin(ManualClock(NOON), soc_ratio)
    tell(device, power_w=power_w, lease_seconds=900)
    assert says(device)["plug"] == plug


def test_more_than_it_can_do_is_no_order() -> None:
    _, device = charger_twin(ManualClock(NOON))
    with pytest.raises(ValueError, match="-20000"):
        tell(device, power_w=-20_000, lease_seconds=900)
    assert says(device)["setpoint_w"] == SAFE_POWER_W


def test_without_a_vehicle_it_has_no_state_of_charge() -> None:
    clock = ManualClock(NOON)
    _, device = charger_twin(clock)
    clock.advance(25 * HOUR)
    said = says(device)
    assert (said["plug"], said["soc_ratio"], said["active_power_w"]) == ("free", None, 0)


def test_the_meter_of_a_site_sees_what_comes_out_of_a_vehicle() -> None:
    clock = ManualClock(NOON)
    twin, _ = charger_twin(clock)
    twin.offer(told(-3_000.0))
    twin.remember()
    clock.advance(HOUR)
    twin.look()
    assert twin.mean_power_w(NOON, NOON + HOUR) == pytest.approx(-3_000.0)


def test_a_file_says_which_vehicles_give(tmp_path: Path) -> None:
    file = tmp_path / "visits.csv"
    row = "2026-06-01T12:00:00Z,2026-06-01T18:00:00Z,0.5,50000,16,3,"
    head = ",".join((*COLUMNS, "max_discharge_power_w", "least_soc_ratio"))
    later = row.replace("-01T", "-02T")
    file.write_text(f"{head}\n{row}a,7000,0.3\n{later}b,,\n")
    one, other = load_visits(file)
    assert one.vehicle == CAR
    assert other.vehicle == VehicleSpec(capacity_wh=50_000.0)
