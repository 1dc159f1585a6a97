"""A site that follows the clock, reports on the raster and survives a restart."""

import asyncio
from datetime import timedelta

import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_journal import MemoryJournal
from tests.fakes.twin_sites import HOUR, QUARTER, START, battery, home
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.domain.site import SiteState

NAN = float("nan")


class World:
    """A home, its clock and its journal."""

    def __init__(self, **changes: object) -> None:
        self.clock = ManualClock(START)
        changes = {"battery": battery(0.5), "pv_w": [0, 3000] * 24} | changes
        self.physics = home(self.clock, **changes)  # type: ignore[arg-type]
        self.journal = MemoryJournal()
        self.twin = self.start(self.physics.spec.initial(START), self.journal)

    def start(self, state: SiteState, journal: MemoryJournal) -> SiteTwin:
        return SiteTwin(
            physics=self.physics, state=state, clock=self.clock, journal=journal, interval=QUARTER
        )


def test_a_telegram_is_made_only_after_its_time_has_passed() -> None:
    world = World()
    world.clock.advance(QUARTER - timedelta(microseconds=1))
    world.twin.now()
    assert world.journal.sent == []
    world.clock.advance(timedelta(microseconds=1))
    world.twin.now()
    (telegram,) = world.journal.sent
    assert telegram.measure_time == START + QUARTER
    assert (telegram.import_wh, telegram.export_wh, telegram.active_power_w) == (250, 0, 1000)


def test_telegrams_of_a_long_pause_are_all_made_with_their_own_times() -> None:
    world = World()
    world.clock.advance(5 * HOUR)
    world.twin.now()
    assert [t.sequence for t in world.journal.sent] == list(range(1, 21))
    assert [t.measure_time for t in world.journal.sent] == [
        START + number * QUARTER for number in range(1, 21)
    ]


async def test_it_reports_on_the_grid_when_nobody_asks() -> None:
    world = World()
    task = asyncio.create_task(world.twin.run())
    await world.clock.run_for(HOUR)
    task.cancel()
    assert len(world.journal.sent) == 4


def test_the_ledger_has_every_reporting_time_and_every_change_of_the_order() -> None:
    world = World()
    world.clock.advance(timedelta(minutes=5))
    world.twin.set_battery_power(1000, timedelta(minutes=30))
    world.clock.advance(timedelta(minutes=45))
    world.twin.now()
    seen = [(record.time - START, record.setpoint_w) for record in world.journal.records]
    minutes = [(at.total_seconds() / 60, setpoint) for at, setpoint in seen]
    assert minutes == [(5, 1000), (15, 1000), (30, 1000), (35, None), (45, None)]
    last = world.journal.records[-1]
    assert last.charge_wh == pytest.approx(500)
    assert last.soc_ratio == pytest.approx(0.5 + 500 * 0.9**0.5 / 6400)


def test_a_twin_that_was_killed_goes_on_as_if_it_had_never_been_away() -> None:
    steady, killed = World(), World()
    for world in (steady, killed):
        world.clock.advance(timedelta(minutes=20))
        world.twin.set_battery_power(-1500, HOUR)
    journal = MemoryJournal()
    assert killed.journal.state is not None
    killed.clock.advance(3 * HOUR)
    steady.clock.advance(3 * HOUR)
    restarted = killed.start(killed.journal.state, journal)
    assert restarted.now() == steady.twin.now()
    assert killed.journal.sent + journal.sent == steady.journal.sent
    assert killed.journal.records + journal.records == steady.journal.records


def test_a_meter_is_silent_about_an_interval_that_was_not_measured() -> None:
    world = World(load_w=[1000, NAN, 1000], pv_w=None)
    world.clock.advance(3 * HOUR)
    world.twin.now()
    hours = {(telegram.measure_time - START - QUARTER) // HOUR for telegram in world.journal.sent}
    assert hours == {0, 2}
    assert [telegram.sequence for telegram in world.journal.sent] == list(range(1, 9))


def test_a_clock_that_has_not_reached_the_start_changes_nothing() -> None:
    world = World()
    world.clock.set(START - HOUR)
    assert world.twin.now().time == START
    assert world.journal.sent == []
