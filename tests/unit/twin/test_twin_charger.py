"""A vehicle at a charger: what it draws, and that nobody changes it by looking."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_twin.domain.charger import Charger, ChargerState, Visit
from wattmesh_twin.domain.charging_profiles import ChargingProfiles, CurrentLimit
from wattmesh_twin.domain.vehicle import VehicleSpec
from wattmesh_twin.domain.watched_limit import WatchedLimit

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
CAR = VehicleSpec(capacity_wh=50_000.0)
FREE = ChargingProfiles(max_current_a=32.0)

ratios = st.floats(0.0, 1.0)
currents = st.floats(0.0, 40.0)


def visit(hours: float = 8.0, soc_ratio: float = 0.2, start: datetime = NOON) -> Visit:
    return Visit(
        arrival=start, departure=start + hours * HOUR, vehicle=CAR, arrival_soc_ratio=soc_ratio
    )


def begin(*visits: Visit) -> tuple[Charger, ChargerState]:
    return Charger(visits=visits), ChargerState(time=NOON - HOUR)


def test_a_vehicle_draws_what_it_is_offered_and_less_when_it_is_nearly_full() -> None:
    assert CAR.power_w(0.5, CAR.offered_w(16.0)) == pytest.approx(11_040.0)
    assert CAR.power_w(0.5, CAR.offered_w(32.0)) == pytest.approx(11_040.0)
    assert CAR.power_w(0.5, CAR.offered_w(6.0)) == pytest.approx(4_140.0)
    assert CAR.power_w(0.5, CAR.offered_w(5.9)) == 0.0
    assert CAR.power_w(0.9, CAR.offered_w(16.0)) == pytest.approx(5_520.0)
    assert CAR.power_w(1.0, CAR.offered_w(16.0)) == 0.0


def test_one_phase_draws_a_third() -> None:
    small = VehicleSpec(capacity_wh=50_000.0, phases=1)
    assert small.power_w(0.5, small.offered_w(16.0)) == pytest.approx(3_680.0)


@given(ratios, currents, st.floats(1.0, 36_000.0), st.floats(0.0, 1.0))
def test_looking_in_between_changes_nothing(
    soc: float, offered: float, seconds: float, part: float
) -> None:
    power_w = CAR.offered_w(offered)
    whole = CAR.soc_after(soc, power_w, seconds)
    halfway = CAR.soc_after(soc, power_w, seconds * part)
    again = CAR.soc_after(halfway, power_w, seconds * (1 - part))
    assert again == pytest.approx(whole, abs=1e-9)
    assert soc <= whole <= 1.0


@given(ratios, currents)
def test_what_is_stored_is_what_was_drawn_less_the_loss(soc: float, offered: float) -> None:
    seconds = 0.01
    after = CAR.soc_after(soc, CAR.offered_w(offered), seconds)
    drawn_wh = CAR.drawn_wh(soc, after)
    assert (after - soc) * CAR.capacity_wh == pytest.approx(drawn_wh * 0.9)
    power_w = CAR.power_w(soc, CAR.offered_w(offered))
    assert drawn_wh * 3600 / seconds == pytest.approx(power_w, rel=1e-3, abs=0.1)


def test_a_charger_counts_over_visits_and_stands_still_between_them() -> None:
    charger, state = begin(visit(1.0), visit(1.0, start=NOON + 3 * HOUR))
    noon = charger.advance(state, FREE, NOON)
    one = charger.advance(noon, FREE, NOON + 2 * HOUR)
    both = charger.advance(one, FREE, NOON + 9 * HOUR)
    assert noon.import_wh == 0.0
    assert one.import_wh == pytest.approx(11_040.0)
    assert both.import_wh == pytest.approx(22_080.0)
    assert (noon.visit is not None, one.visit, both.visit) == (True, None, None)


def test_a_lease_ends_by_itself_at_its_time() -> None:
    failsafe = CurrentLimit(id=2, stack_level=0, current_a=6.0, start=NOON - HOUR)
    lease = CurrentLimit(id=3, stack_level=1, current_a=16.0, start=NOON, end=NOON + 30 * MINUTE)
    profiles = FREE.with_limit(failsafe).with_limit(lease)
    charger, state = begin(visit())
    hour = charger.advance(state, profiles, NOON + HOUR)
    assert hour.import_wh == pytest.approx(11_040 / 2 + 4_140 / 2)
    assert profiles.without(3).current_a(NOON) == 6.0


def test_a_wallbox_that_nobody_talks_to_falls_back() -> None:
    limit = WatchedLimit(
        set_a=16.0, failsafe_a=6.0, max_current_a=16.0, watchdog=MINUTE, heard=NOON
    )
    charger, state = begin(visit())
    found = charger.advance(state, limit, NOON + 2 * MINUTE)
    assert found.import_wh == pytest.approx((11_040 + 4_140) / 60)
    assert limit.talked_to(NOON + MINUTE).current_a(NOON + MINUTE) == 16.0


def test_visits_that_overlap_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="follow one another"):
        Charger(visits=(visit(2.0), visit(2.0, start=NOON + HOUR)))
