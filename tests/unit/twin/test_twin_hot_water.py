"""Hot water of a site: metered, told, beside its doubles, and over a kill."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_journal import MemoryJournal
from tests.fakes.twin_sites import HOUR, QUARTER, START, home, hourly
from wattmesh_kernel.ids import AssetId, DeviceId
from wattmesh_twin.adapters.ledger.journal import (
    BatteryLedger,
    ChargePointLedger,
    FileJournal,
    HourLedger,
    IslandLedger,
)
from wattmesh_twin.adapters.ledger.outbox import Outbox
from wattmesh_twin.app.room_history import tank_history
from wattmesh_twin.app.run_hot_water import HotWaterTwin
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.app.run_tank import TankTwin
from wattmesh_twin.domain.climate import MeasuredClimate
from wattmesh_twin.domain.hot_water import HotWaterSpec
from wattmesh_twin.domain.order import Order
from wattmesh_twin.domain.tank import TankSpec, TankState

DAY = 24 * HOUR
SPEC = HotWaterSpec(id="tank", zone=ZoneInfo("UTC"), tank=TankSpec(heater_w=1200.0))
TANK = AssetId.parse("sites/home-1/assets/tank")


class Tank:
    """A tank of which 2 kW are drawn from 7 to 8 and from 19 to 20, put up a day before."""

    def __init__(self) -> None:
        self.begin = START + DAY
        self.clock = ManualClock(self.begin)
        hours = np.arange(24 * 8) % 24
        drawn = np.where((hours == 7) | (hours == 19), 2000.0, 0.0)
        self.climate = MeasuredClimate(
            outdoor_celsius=hourly([20.0] * hours.size, self.clock),
            sun_w_per_m2=hourly([0.0] * hours.size, self.clock),
            gains_w=hourly(list(drawn), self.clock),
        )
        self.water = self.put_up()

    def put_up(self) -> HotWaterTwin:
        state = TankState(time=START, celsius=SPEC.own_celsius)
        twin = TankTwin(SPEC.tank, SPEC.orders, self.clock, state, self.climate, draws=None)
        return HotWaterTwin(SPEC, twin, self.climate)


def test_the_meter_of_the_site_sees_the_heater_however_late_it_looks() -> None:
    tank, journal = Tank(), MemoryJournal()
    tank.water.begin(tank.begin)
    bare = home(tank.clock, load_w=(1000.0,) * 24 * 8)
    physics = replace(bare, data=replace(bare.data, consumers={"tank": tank.water.twin}))
    site = SiteTwin(
        physics=physics,
        state=physics.spec.initial(tank.begin),
        clock=tank.clock,
        journal=journal,
        interval=QUARTER,
        rooms={"tank": tank.water},
    )
    before = tank.water.twin.look().state.import_wh
    tank.clock.advance(30 * HOUR)
    site.now()
    drawn_wh = tank.water.twin.look().state.import_wh - before
    assert drawn_wh > 500.0
    assert journal.sent[-1].import_wh == pytest.approx(30_000 + drawn_wh, abs=0.2)
    assert [each.time for each in journal.rooms] == [
        tank.begin + hour * HOUR for hour in range(1, 31)
    ]


def test_left_alone_it_is_its_double_and_told_it_is_not() -> None:
    alone, told = Tank(), Tank()
    for tank in (alone, told):
        tank.water.begin(tank.begin)
    order = Order(value=60.0, end=told.begin + 6 * HOUR)
    told.water.twin.order(replace(told.water.twin.orders, setpoint=order))
    for tank in (alone, told):
        tank.clock.advance(6 * HOUR)
    last = alone.water.records(alone.clock.now(), TANK)[-1]
    assert last.rules_wh["at_rest"] == pytest.approx(last.import_wh)
    other = told.water.records(told.clock.now(), TANK)[-1]
    assert other.rules_wh == last.rules_wh
    assert other.import_wh > last.import_wh + 300.0


def test_a_clock_lowers_it_while_energy_is_dear() -> None:
    assert SPEC.clock_celsius(START + 15 * HOUR) == 53.0
    assert SPEC.clock_celsius(START + 16 * HOUR) == 48.0
    assert SPEC.clock_celsius(START + 21 * HOUR) == 53.0


def test_what_was_read_before_the_run_has_its_draws() -> None:
    tank = Tank()
    past = tank_history(DeviceId.parse("sites/home-1/devices/tank"), tank.water.twin, tank.begin)
    assert past.times[0] == START
    assert past.times[-1] == tank.begin - timedelta(minutes=30)
    by_name = {point.segment: values for point, values in past.readings.items()}
    assert np.all(np.diff(by_name["import_energy_wh"]) >= 0)
    drawn_wh = by_name["import_energy_wh"][20] - by_name["import_energy_wh"][14]
    assert drawn_wh > 300.0  # for what was drawn from 7 to 8


def test_a_twin_that_is_killed_goes_on_with_tank_orders_and_doubles(tmp_path: Path) -> None:
    steady, killed = Tank(), Tank()
    for tank in (steady, killed):
        tank.water.begin(tank.begin)
        order = Order(value=58.0, end=tank.begin + 4 * HOUR)
        tank.water.twin.order(replace(tank.water.twin.orders, setpoint=order))
        tank.clock.advance(2 * HOUR)
        tank.water.records(tank.clock.now(), TANK)
    journal = FileJournal(
        site=home(killed.clock).spec.id,
        folder=tmp_path,
        outbox=Outbox(tmp_path),
        batteries=BatteryLedger(tmp_path),
        charge_points=ChargePointLedger(tmp_path),
        rooms=HourLedger(tmp_path / "rooms.jsonl"),
        machines=HourLedger(tmp_path / "machines.jsonl"),
        islands=IslandLedger(tmp_path),
    )
    journal.save_room("tank", killed.water.memory)
    killed.water = killed.put_up()
    memory = journal.load_tank("tank")
    assert memory is not None
    killed.water.restore(memory)
    for tank in (steady, killed):
        tank.clock.advance(10 * HOUR)
    ended = [tank.water.records(tank.clock.now(), TANK)[-1] for tank in (steady, killed)]
    assert ended[1].import_wh == pytest.approx(ended[0].import_wh)
    assert ended[1].rules_wh == pytest.approx(ended[0].rules_wh)
