"""Charge points of a site: what its meter sees, what outlives the process, who comes."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_journal import MemoryJournal
from tests.fakes.twin_sites import HOUR, QUARTER, START, home
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.adapters.ledger.journal import (
    BatteryLedger,
    ChargePointLedger,
    FileJournal,
    HourLedger,
    IslandLedger,
)
from wattmesh_twin.adapters.ledger.outbox import Outbox
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.domain.charger import Charger, ChargerState, FixedOffer, Visit, charged_at_once
from wattmesh_twin.domain.charging_profiles import ChargingProfiles, CurrentLimit
from wattmesh_twin.domain.drawn_visits import Habits, SessionDistributions, draw_visits
from wattmesh_twin.domain.physics import SitePhysics
from wattmesh_twin.domain.site import ChargePointSpec
from wattmesh_twin.domain.telegram import Telegram
from wattmesh_twin.domain.vehicle import VehicleSpec

CAR = VehicleSpec(capacity_wh=50_000.0, limit_soc_ratio=0.9)
VISIT = Visit(
    arrival=START + HOUR / 2,
    departure=START + 5 * HOUR,
    vehicle=CAR,
    arrival_soc_ratio=0.4,
    token="car-1",
)
ALL = ChargingProfiles(max_current_a=16.0)
SIX = CurrentLimit(id=7, stack_level=1, current_a=6.0, start=START, end=START + 3 * HOUR)


class Street:
    """A home of 1 kW with a charge point, and its process."""

    def __init__(self, journal: MemoryJournal | FileJournal | None = None) -> None:
        self.clock = ManualClock(START)
        self.journal = journal or MemoryJournal()
        self.charger = self.begin()
        self.site = self.run()

    def begin(self) -> ChargerTwin:
        state = ChargerState(time=START)
        return ChargerTwin(Charger(visits=(VISIT,)), ALL, self.clock, state)

    def run(self) -> SiteTwin:
        physics = self.physics(self.charger)
        state = physics.spec.initial(START)
        kept: list[tuple[ChargerState, object]] = []
        if isinstance(self.journal, FileJournal):
            state = self.journal.load() or state
            kept = list(self.journal.load_charger("ev"))
        self.charger.remember(kept)  # type: ignore[arg-type]
        return SiteTwin(
            physics=physics,
            state=state,
            clock=self.clock,
            journal=self.journal,
            interval=QUARTER,
            charge_points={"ev": self.charger},
        )

    def physics(self, charger: ChargerTwin) -> SitePhysics:
        bare = home(self.clock)
        return replace(
            bare,
            spec=replace(bare.spec, charge_points=(ChargePointSpec(id="ev"),)),
            data=replace(bare.data, charge_points={"ev": charger}),
        )

    def killed(self) -> None:
        """Begin again with nothing but what is on disk."""
        self.charger = self.begin()
        self.site = self.run()


def imports_wh(sent: list[Telegram]) -> Mapping[float, float]:
    return {(each.measure_time - START) / HOUR: each.import_wh for each in sent}


def test_the_meter_sees_what_vehicles_draw_however_late_it_looks() -> None:
    street = Street()
    street.clock.advance(2 * HOUR)
    street.charger.offer(ALL.with_limit(SIX))
    street.clock.advance(4 * HOUR)
    street.site.now()

    journal = street.journal
    assert isinstance(journal, MemoryJournal)
    seen = imports_wh(journal.sent)
    assert seen[0.5] == pytest.approx(500)
    assert seen[1.5] == pytest.approx(1_500 + 11_040, abs=0.2)
    assert seen[3.0] - seen[2.0] == pytest.approx(1_000 + 4_140, abs=0.2)
    drawn_wh = street.charger.look().state.import_wh
    assert seen[6.0] == pytest.approx(6_000 + drawn_wh, abs=0.2)
    assert drawn_wh == pytest.approx(0.5 * 50_000 / 0.9)


def test_the_ledger_says_what_a_visit_came_to_and_what_it_would_have_at_once() -> None:
    street = Street()
    street.charger.offer(ALL.with_limit(replace(SIX, end=START + 9 * HOUR)))
    street.clock.advance(6 * HOUR)
    street.site.now()

    journal = street.journal
    assert isinstance(journal, MemoryJournal)
    last = journal.visits[-1]
    assert last.over
    assert last.asset.name == "sites/home-1/assets/ev"
    assert last.charged_wh == pytest.approx(4.5 * 4_140)
    assert last.wanted_wh == pytest.approx(0.5 * 50_000 / 0.9)
    assert sum(last.at_once_wh) == pytest.approx(last.wanted_wh)
    assert last.at_once_wh[0] == pytest.approx(11_040 / 2)


def test_a_twin_that_is_killed_goes_on_with_vehicle_register_and_limits(tmp_path: Path) -> None:
    def journal() -> FileJournal:
        return FileJournal(
            site=home(ManualClock(START)).spec.id,
            folder=tmp_path,
            outbox=Outbox(tmp_path),
            batteries=BatteryLedger(tmp_path),
            charge_points=ChargePointLedger(tmp_path),
            rooms=HourLedger(tmp_path / "rooms.jsonl"),
            machines=HourLedger(tmp_path / "machines.jsonl"),
            islands=IslandLedger(tmp_path),
        )

    steady, killed = Street(), Street(journal())
    for street in (steady, killed):
        street.clock.advance(1.1 * HOUR)
        street.site.now()
        street.charger.offer(ALL.with_limit(SIX))
        street.clock.advance(0.3 * HOUR)
    killed.journal = journal()
    killed.killed()
    for street in (steady, killed):
        street.clock.advance(2 * HOUR)
        street.site.now()

    assert killed.charger.look() == steady.charger.look()
    assert killed.site.now() == steady.site.now()
    lines = (tmp_path / "visits.jsonl").read_text().splitlines()
    assert [json.loads(line)["over"] for line in lines] == [False]


def test_at_once_is_per_hour_of_the_clock_from_the_arrival_on() -> None:
    start, energies_wh = charged_at_once(VISIT, 16.0, HOUR)
    assert start == START
    assert energies_wh[:2] == pytest.approx((5_520, 11_040))
    charger = Charger(visits=(VISIT,))
    offer = FixedOffer(offered_a=16.0)
    last = charger.advance(ChargerState(time=START), offer, START + 6 * HOUR)
    assert sum(energies_wh) == pytest.approx(last.import_wh)


SPAN = TimeRange(datetime(2024, 6, 3, tzinfo=UTC), datetime(2024, 8, 5, tzinfo=UTC))
BERLIN = ZoneInfo("Europe/Berlin")
MORNINGS = np.where((np.arange(96) >= 32) & (np.arange(96) < 40), 1.0, 0.0)
KNOWN = SessionDistributions(
    weekday_arrivals=MORNINGS,
    weekend_arrivals=MORNINGS,
    mean_stay_hours=np.full(48, 5.0),
    mean_energy_wh=np.full(48, 15_000.0),
)
HABITS = Habits(
    vehicles=[("a", CAR), ("b", CAR)], visits_per_day=0.8, declared_ratio=0.5, works=True
)


def test_visits_are_drawn_as_measured_ones_are_distributed() -> None:
    visits = draw_visits(HABITS, KNOWN, SPAN, BERLIN, "office/ev-1")
    local = [visit.arrival.astimezone(BERLIN) for visit in visits]

    assert 25 < len(visits) < 45  # 0.8 of 45 working days
    assert {moment.weekday() for moment in local} <= set(range(5))
    assert all(8 <= moment.hour < 10 for moment in local)
    hours = [(visit.departure - visit.arrival) / HOUR for visit in visits]
    assert np.mean(hours) == pytest.approx(5.0, abs=1.2)
    assert {visit.token for visit in visits} == {"a", "b"}
    declared = [visit for visit in visits if visit.declared_departure is not None]
    assert 0.3 < len(declared) / len(visits) < 0.7
    assert any(visit.declared_departure != visit.departure for visit in declared)
    Charger(visits=visits)  # none overlaps another


def test_what_a_vehicle_wants_fits_into_its_stay_and_into_its_battery() -> None:
    for visit in draw_visits(HABITS, KNOWN, SPAN, BERLIN, "office/ev-1"):
        hours = (visit.departure - visit.arrival) / HOUR
        assert 0 < visit.wanted_wh <= 0.9 * hours * CAR.full_power_w + 1
        assert 0.05 <= visit.arrival_soc_ratio < CAR.limit_soc_ratio


def test_a_day_is_the_same_whatever_else_is_drawn() -> None:
    whole = draw_visits(HABITS, KNOWN, SPAN, BERLIN, "office/ev-1")
    later = TimeRange(SPAN.start + timedelta(days=7), SPAN.end)
    part = draw_visits(HABITS, KNOWN, later, BERLIN, "office/ev-1")
    assert part == tuple(visit for visit in whole if visit.arrival >= later.start)
