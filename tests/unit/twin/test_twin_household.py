"""Machines of a home that somebody loads: when they run, what the meter sees, what is counted."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_journal import MemoryJournal
from tests.fakes.twin_sites import HOUR, QUARTER, START, home
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.machines import machine_ledgers
from wattmesh_runtime.documents import DocumentCodec
from wattmesh_twin.adapters.ledger.journal import HourLedger
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.app.run_household import MachineMemory, MachineTwin
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.domain.household import MachineSpec
from wattmesh_twin.domain.order import Order
from wattmesh_twin.domain.telegram import MachineRecord

WASHER = AssetId.parse("sites/home-1/assets/washer")
SPEC = MachineSpec(
    id="washer",
    zone=ZoneInfo("America/Los_Angeles"),
    powers_w=(2000.0, 500.0, 500.0, 1000.0),
    loaded_hour=20,
    done_hour=7,
    weekdays=frozenset({4}),
)


def machine(clock: ManualClock) -> MachineTwin:
    return MachineTwin(SPEC, WASHER, ApplianceTwin(clock, own=False))


def window(clock: ManualClock, hours: float) -> TimeRange:
    return TimeRange(clock.now(), clock.now() + hours * HOUR)


def permit(twin: MachineTwin, hours: float = 1.0) -> None:
    now = twin.twin.clock.now()
    twin.twin.order(Order(value=1.0, end=now + hours * HOUR))


def test_it_is_loaded_by_the_wall_clock_and_done_the_next_morning() -> None:
    first, second = islice(SPEC.windows(START), 2)
    local = [each.astimezone(SPEC.zone) for each in (first.start, first.end)]
    assert [(each.weekday(), each.hour) for each in local] == [(4, 20), (5, 7)]
    assert second.start - first.start == timedelta(days=7)
    again = next(SPEC.windows(first.start))
    assert again == second, "it is not loaded twice"


def test_the_meter_of_the_site_sees_a_run_when_it_was_however_late_it_looks() -> None:
    clock, journal = ManualClock(START), MemoryJournal()
    twin = machine(clock)
    bare = home(clock, load_w=(1000.0,) * 24)
    physics = replace(bare, data=replace(bare.data, consumers={"washer": twin.twin}))
    site = SiteTwin(
        physics=physics,
        state=physics.spec.initial(START),
        clock=clock,
        journal=journal,
        interval=QUARTER,
        machines={"washer": twin},
    )
    twin.load(window(clock, 8))
    clock.advance(2 * HOUR)
    permit(twin)
    clock.advance(6 * HOUR)
    site.now()
    shown = {each.measure_time: each.import_wh for each in journal.sent}
    expected = {2.0: 2000.0, 2.25: 2250.0 + 500.0, 2.5: 2500.0 + 625.0, 8.0: 9000.0}
    for hours, register_wh in expected.items():
        assert shown[START + hours * HOUR] == pytest.approx(register_wh, abs=0.2)


def hours_of(twin: MachineTwin) -> Sequence[MachineRecord]:
    return list(twin.records(twin.twin.clock.now()))


def test_a_run_counts_as_done_by_the_end_of_its_window_alone() -> None:
    clock = ManualClock(START)
    twin = machine(clock)
    twin.load(window(clock, 3))
    clock.advance(2 * HOUR)
    permit(twin)
    clock.advance(HOUR)
    twin.load(window(clock, 2))
    clock.advance(2 * HOUR)
    permit(twin)  # too late
    clock.advance(2 * HOUR)
    last = hours_of(twin)[-1]
    assert (last.wanted, last.met) == (2, 1)
    for register_wh in (last.import_wh, last.at_once_wh):
        assert register_wh == pytest.approx(2 * SPEC.energy_wh)


def test_its_double_begins_at_once() -> None:
    clock = ManualClock(START)
    twin = machine(clock)
    twin.load(window(clock, 8))
    clock.advance(4 * HOUR)
    permit(twin)
    clock.advance(2 * HOUR)
    by_hour = [(each.import_wh, each.at_once_wh) for each in hours_of(twin)]
    assert by_hour[0] == pytest.approx((0.0, SPEC.energy_wh))
    assert by_hour[-1] == pytest.approx((SPEC.energy_wh, SPEC.energy_wh))


def test_killed_in_a_run_it_goes_on_with_its_order_and_its_promise() -> None:
    clock = ManualClock(START)
    twin, codec = machine(clock), DocumentCodec[MachineMemory](MachineMemory)
    twin.load(window(clock, 3))
    permit(twin)
    clock.advance(HOUR / 2)
    kept = codec.to_json(twin.memory)
    clock.advance(HOUR / 4)
    second = machine(clock)
    second.restore(codec.from_json(kept.encode() if isinstance(kept, str) else kept))
    clock.advance(3 * HOUR)
    last = hours_of(second)[-1]
    assert (last.wanted, last.met) == (1, 1)
    assert last.import_wh == pytest.approx(SPEC.energy_wh)


def test_the_report_reads_what_was_written_down(tmp_path: Path) -> None:
    clock = ManualClock(START)
    twin, ledger = machine(clock), HourLedger(tmp_path / "machines.jsonl")
    twin.load(window(clock, 3))
    clock.advance(4 * HOUR)
    for record in (*hours_of(twin), *hours_of(twin)):
        ledger.add(record)
    ledger.close()
    known = machine_ledgers(tmp_path)[WASHER.name]
    span = TimeRange(START, START + 4 * HOUR)
    assert list(known.sooner_wh(span, 4)) == pytest.approx([SPEC.energy_wh, 0.0, 0.0, 0.0])
    assert (len(known.whole(span)), known.done(span), known.open(span)) == (1, 0, 0)


def test_a_run_over_the_end_of_a_report_is_open_and_weighed_against_nothing(
    tmp_path: Path,
) -> None:
    """A day has the evening's dishwasher in part: begun at once it would have drawn all of it."""
    clock = ManualClock(START)
    twin, ledger = machine(clock), HourLedger(tmp_path / "machines.jsonl")
    for first, window_hours in ((0, 6), (18, 11)):
        clock.set(START + first * HOUR)
        twin.load(window(clock, window_hours))
        clock.set(START + (first + 4) * HOUR)
        permit(twin)
        for record in hours_of(twin):
            ledger.add(record)
    clock.set(START + 31 * HOUR)
    for record in hours_of(twin):
        ledger.add(record)
    ledger.close()
    known = machine_ledgers(tmp_path)[WASHER.name]
    day, both = TimeRange(START, START + 24 * HOUR), TimeRange(START, START + 30 * HOUR)
    assert (len(known.whole(day)), known.done(day), known.open(day)) == (1, 1, 1)
    assert (len(known.whole(both)), known.done(both), known.open(both)) == (2, 2, 0)
    sooner_wh = known.sooner_wh(day, 24)
    assert (sooner_wh[0], sooner_wh[4]) == pytest.approx((SPEC.energy_wh, -SPEC.energy_wh))
    assert sum(abs(sooner_wh)) == pytest.approx(2 * SPEC.energy_wh)
    assert sum(known.sooner_wh(both, 30)) == pytest.approx(0.0)


class Board:
    """Hears of runs."""

    def __init__(self) -> None:
        self.wanted: list[TimeRange] = []

    async def want_run(self, asset: AssetId, spec: MachineSpec, window: TimeRange) -> None:
        assert (asset, spec) == (WASHER, SPEC)
        self.wanted.append(window)


async def test_people_load_it_at_its_hour_and_say_until_when() -> None:
    clock, board = ManualClock(START), Board()
    twin = machine(clock)
    task = asyncio.ensure_future(twin.run(board))
    first, second = islice(SPEC.windows(START), 2)
    await clock.run_for(first.start - START - timedelta(minutes=1))
    assert not board.wanted
    await clock.run_for(timedelta(days=7, minutes=2))
    assert board.wanted == [first, second]
    assert twin.twin.standing.programme == SPEC.programme
    task.cancel()
