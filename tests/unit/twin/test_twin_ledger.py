"""What the twin keeps on disk outlives the process."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.twin_sites import HOUR, QUARTER, START
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_twin.adapters.ledger.journal import (
    BatteryLedger,
    ChargePointLedger,
    FileJournal,
    HourLedger,
    IslandLedger,
)
from wattmesh_twin.adapters.ledger.lines import JsonLines
from wattmesh_twin.adapters.ledger.outbox import Outbox
from wattmesh_twin.adapters.ledger.run import HistoryMark, Run, open_ports, open_run
from wattmesh_twin.domain.battery import BatteryState
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.meter import MeterState
from wattmesh_twin.domain.site import SiteState
from wattmesh_twin.domain.telegram import BatteryRecord, Telegram

HOME = SiteId("home-1")


def telegram(sequence: int) -> Telegram:
    return Telegram(
        device=DeviceId(HOME, "meter"),
        sequence=sequence,
        measure_time=START + sequence * QUARTER,
        import_wh=100.5 * sequence,
        export_wh=0.0,
        active_power_w=402.0,
    )


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_unconfirmed_telegrams_wait_across_a_restart(tmp_path: Path) -> None:
    before = Outbox(tmp_path)
    for sequence in (1, 2, 3):
        before.add(telegram(sequence))
    before.confirm(telegram(2))
    after = Outbox(tmp_path)
    assert after.pending() == (telegram(1), telegram(3))
    after.add(telegram(3))
    after.add(telegram(4))
    assert after.pending() == (telegram(1), telegram(3), telegram(4))


def test_the_ledger_names_device_time_and_points_of_what_the_broker_confirmed(
    tmp_path: Path,
) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(telegram(1))
    assert lines(tmp_path / "published.jsonl") == []
    outbox.confirm(telegram(1))
    assert lines(tmp_path / "published.jsonl") == [
        {
            "device": "sites/home-1/devices/meter",
            "sequence": 1,
            "measure_time": "2024-06-01T00:15:00.000000Z",
            "points": 3,
        }
    ]


async def test_waiting_ends_when_a_telegram_is_there(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.add(telegram(1))
    await asyncio.wait_for(waiting, 1)


def test_a_line_that_was_torn_when_the_process_died_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text('{"a":1}\n{"a":')
    file = JsonLines(path)
    file.append({"a": 2})
    assert lines(path) == [{"a": 1}, {"a": 2}]


def test_a_state_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    outbox, batteries = Outbox(tmp_path), BatteryLedger(tmp_path)
    journal = FileJournal(
        site=HOME,
        folder=tmp_path,
        outbox=outbox,
        batteries=batteries,
        charge_points=ChargePointLedger(tmp_path),
        rooms=HourLedger(tmp_path / "rooms.jsonl"),
        machines=HourLedger(tmp_path / "machines.jsonl"),
        islands=IslandLedger(tmp_path),
    )
    assert journal.load() is None
    state = SiteState(
        time=START + timedelta(microseconds=1),
        battery=BatteryState(stored_wh=1 / 3, charge_wh=0.1, discharge_wh=1e-9),
        pv_export_wh=1000.1,
        meters={"meter": MeterState(import_wh=7.7, complete=False, telegrams=3)},
        setpoint=Lease.of(-1500.0, START, HOUR),
        pv_limit=None,
    )
    journal.save(state)
    assert journal.load() == state
    journal.save(replace(state, battery=None))
    assert journal.load() == replace(state, battery=None)


def record(minutes: float, setpoint_w: float | None = None) -> BatteryRecord:
    return BatteryRecord(
        site=HOME,
        time=START + timedelta(minutes=minutes),
        charge_wh=minutes,
        discharge_wh=0.0,
        soc_ratio=0.5,
        setpoint_w=setpoint_w,
    )


def test_the_battery_ledger_goes_only_forward_and_sorts_by_its_text(tmp_path: Path) -> None:
    ledger = BatteryLedger(tmp_path)
    for each in (record(15), record(15 + 1e-3, 500.0)):
        ledger.add(each)
    again = BatteryLedger(tmp_path)
    for each in (record(15), record(15 + 1e-3, 500.0), record(30)):
        again.add(each)
    times = [str(line["time"]) for line in lines(tmp_path / "battery.jsonl")]
    assert times == sorted(times)
    assert lines(tmp_path / "battery.jsonl")[0] == {
        "site": "sites/home-1",
        "time": "2024-06-01T00:15:00.000000Z",
        "charge_wh": 15,
        "discharge_wh": 0.0,
        "soc_ratio": 0.5,
        "setpoint_w": None,
    }


def test_a_ledger_belongs_to_one_run(tmp_path: Path) -> None:
    run = Run(title="A", sites=(HOME,), reporting_interval=QUARTER, begin=START)
    assert open_run(tmp_path, run) == run
    later = replace(run, begin=START + HOUR)
    assert open_run(tmp_path, later) == run
    with pytest.raises(FailedPrecondition):
        open_run(tmp_path, replace(run, title="B"))


def test_ports_are_free_distinct_and_the_same_at_every_start(tmp_path: Path) -> None:
    sites = [SiteId(f"home-{number}") for number in range(1, 6)]
    ports = open_ports(tmp_path, sites, "127.0.0.1", 0)
    assert len(set(ports.values())) == 5
    assert open_ports(tmp_path, sites, "127.0.0.1", 0) == ports
    assert open_ports(tmp_path, sites[:2], "127.0.0.1", 15020) == {sites[0]: 15020, sites[1]: 15021}


def test_the_history_is_remembered_as_sent(tmp_path: Path) -> None:
    assert not HistoryMark(tmp_path).is_set()
    HistoryMark(tmp_path).set()
    assert HistoryMark(tmp_path).is_set()
