"""Rooms of a site: cooled by people's thermostat or by order, metered, beside their doubles."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_journal import MemoryJournal
from tests.fakes.twin_sites import HOUR, QUARTER, START, home, hourly
from wattmesh_kernel.ids import DeviceId
from wattmesh_twin.adapters.ledger.journal import (
    BatteryLedger,
    ChargePointLedger,
    FileJournal,
    HourLedger,
    IslandLedger,
)
from wattmesh_twin.adapters.ledger.outbox import Outbox
from wattmesh_twin.app.ports import SiteJournal
from wattmesh_twin.app.room_history import room_history
from wattmesh_twin.app.run_rooms import RoomTwin
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.app.run_zone import ZoneTwin
from wattmesh_twin.domain.climate import MeasuredClimate
from wattmesh_twin.domain.physics import SitePhysics
from wattmesh_twin.domain.rooms import Band, Comfort, RoomSpec
from wattmesh_twin.domain.zone import Mode, PlantSpec, ZoneSpec

DAY = 24 * HOUR
SPEC = RoomSpec(
    id="zone",
    zone=ZoneSpec(),
    plant=PlantSpec(max_power_w=3000.0, min_power_w=300.0),
    mode=Mode.COOLING,
    comfort=Comfort(
        zone=ZoneInfo("UTC"),
        day=Band(low_celsius=20.0, high_celsius=24.0),
        night=Band(low_celsius=20.0, high_celsius=27.0),
    ),
)
DEVICE = DeviceId.parse("sites/home-1/devices/zone")


class House:
    """A home of 1 kW with a cooled room, on a clock; 33 °C outside, sun from 6 to 18."""

    def __init__(self, journal: SiteJournal | None = None, begin_days: float = 2.0) -> None:
        self.begin = START + begin_days * DAY
        self.clock = ManualClock(self.begin)
        self.journal = MemoryJournal() if journal is None else journal
        self.start()

    def start(self) -> None:
        """Begin, or go on with what the journal has."""
        hours = np.arange(24 * 8)
        sun = np.where((hours % 24 >= 6) & (hours % 24 < 18), 500.0, 0.0)
        climate = MeasuredClimate(
            outdoor_celsius=hourly([33.0] * hours.size, self.clock),
            sun_w_per_m2=hourly(list(sun), self.clock),
            gains_w=hourly([300.0] * hours.size, self.clock),
        )
        zone = SPEC.in_climate(climate)
        self.twin = ZoneTwin(zone, SPEC.scheduled, self.clock, SPEC.initial(START))
        self.twin.remember()
        self.room = RoomTwin(SPEC, self.twin)
        physics, state = self.physics(), None
        if isinstance(self.journal, FileJournal):
            state, memory = self.journal.load(), self.journal.load_room("zone")
            if memory is not None:
                self.room.restore(memory)
        if state is None:
            state = physics.spec.initial(self.begin)
            self.room.begin(self.begin)
        self.site = SiteTwin(
            physics=physics,
            state=state,
            clock=self.clock,
            journal=self.journal,
            interval=QUARTER,
            rooms={"zone": self.room},
        )

    def physics(self) -> SitePhysics:
        bare = home(self.clock, load_w=(1000.0,) * 24 * 8)
        return replace(
            bare,
            spec=replace(bare.spec, rooms=(SPEC,)),
            data=replace(bare.data, consumers={"zone": self.twin}),
        )

    def order(self, celsius: float, hours: float) -> None:
        end = self.clock.now() + hours * HOUR
        told = replace(self.twin.orders, setpoint_celsius=celsius, setpoint_end=end)
        self.twin.order(told)


def test_the_meter_sees_what_a_room_draws_however_late_it_looks() -> None:
    house = House()
    before = house.twin.look().state.import_wh
    house.clock.advance(30 * HOUR)
    house.site.now()

    assert isinstance(house.journal, MemoryJournal)
    drawn_wh = house.twin.look().state.import_wh - before
    assert drawn_wh > 1_000.0
    assert house.journal.sent[-1].import_wh == pytest.approx(30_000 + drawn_wh, abs=0.2)


def test_left_alone_a_room_is_what_the_plain_rule_comes_to() -> None:
    house = House()
    before = house.twin.look().state.import_wh
    house.clock.advance(DAY)
    house.site.now()

    assert isinstance(house.journal, MemoryJournal)
    last = house.journal.rooms[-1]
    assert len(house.journal.rooms) == 24
    assert last.import_wh == pytest.approx(house.twin.look().state.import_wh)
    assert last.rules_wh["schedule"] == pytest.approx(last.import_wh, rel=1e-6)
    assert last.rules_wh["at_rest"] > last.rules_wh["schedule"] > before
    assert last.rules_kh["at_rest"] == pytest.approx(0.0, abs=0.1)


def test_an_order_counts_until_it_ends_and_changes_no_double() -> None:
    alone, told = House(), House()
    for house in (alone, told):
        house.clock.advance(HOUR)
    told.order(21.0, hours=3)
    for house in (alone, told):
        house.clock.advance(2 * HOUR)
    celsius = alone.twin.look().state.interior_celsius
    assert told.twin.look().state.interior_celsius < celsius - 1.0
    assert told.twin.look().thermostat.setpoint_celsius == 21.0
    for house in (alone, told):
        house.clock.advance(3 * HOUR)
        house.site.now()
    assert told.twin.look().thermostat == alone.twin.look().thermostat
    assert isinstance(alone.journal, MemoryJournal)
    assert isinstance(told.journal, MemoryJournal)
    assert told.journal.rooms[-1].rules_wh == alone.journal.rooms[-1].rules_wh
    assert told.journal.rooms[-1].import_wh > alone.journal.rooms[-1].import_wh


def test_a_schedule_is_there_when_the_stricter_hours_begin() -> None:
    high = [SPEC.scheduled.thermostat(START + hour * HOUR).setpoint_celsius for hour in range(24)]
    assert high[5:8] == pytest.approx([26.7, 26.7, 23.7])  # 24 °C from 8 on, minus half its band
    assert high[17:19] == pytest.approx([23.7, 26.7])


def test_a_twin_that_is_killed_goes_on_with_room_orders_and_doubles(tmp_path: Path) -> None:
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

    steady, killed = House(), House(journal())
    for house in (steady, killed):
        house.clock.advance(1.1 * HOUR)
        house.site.now()
        house.order(22.0, hours=2)
        house.clock.advance(0.2 * HOUR)
    killed.journal = journal()
    killed.start()
    for house in (steady, killed):
        house.clock.advance(5 * HOUR)
        house.site.now()
    now = killed.twin.look().state
    assert now.import_wh == pytest.approx(steady.twin.look().state.import_wh, rel=1e-3)
    assert now.interior_celsius == pytest.approx(
        steady.twin.look().state.interior_celsius, abs=0.02
    )
    assert killed.room.doubles["at_rest"].state.import_wh == pytest.approx(
        steady.room.doubles["at_rest"].state.import_wh
    )


def test_what_was_read_before_the_run_teaches_how_a_room_answers() -> None:
    house = House()
    fresh = ZoneTwin(house.twin.zone, SPEC.scheduled, house.clock, SPEC.initial(START))
    fresh.remember()
    past = room_history(DEVICE, fresh, house.begin)
    assert past.times[0] == START
    assert past.times[-1] == house.begin - timedelta(minutes=30)
    by_name = {point.segment: values for point, values in past.readings.items()}
    assert np.all(np.diff(by_name["import_energy_wh"]) >= 0)
    assert np.ptp(by_name["temperature_celsius"]) > 1.0
    assert set(by_name["outdoor_temperature_celsius"]) == {33.0}
