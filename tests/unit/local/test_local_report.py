import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.ledger import battery_ledgers, published_readings
from wattmesh_local.watching.report import find_faults

SOUND: dict[str, Any] = {
    "intervals": 168,
    "plans": {"made": 168, "late": 1, "failed": 0},
    "readings": {"published": 100, "stored": 100, "rejected": 0, "duplicates": 7},
    "commands": {"issued": 840, "applied": 840, "verified": 840, "failed": 0},
    "ledger_error_ratio": 0.005,
}


def test_a_run_with_resent_readings_and_one_late_plan_in_a_week_is_sound() -> None:
    assert find_faults(SOUND) == []


@pytest.mark.parametrize(
    ("part", "key", "value", "words"),
    [
        ("readings", "stored", 99, "100 readings published, 99 stored"),
        ("readings", "stored", 101, "101 stored"),
        ("readings", "rejected", 1, "1 readings rejected"),
        ("plans", "failed", 1, "1 plans failed"),
        ("plans", "late", 2, "2 of 168 plans late"),
        ("plans", "made", 167, "167 plans for 168 intervals"),
        ("commands", "applied", 839, "839 applied"),
        ("commands", "verified", 839, "839 verified"),
        ("commands", "failed", 1, "1 commands failed"),
        ("commands", "issued", 0, "no command was issued"),
    ],
)
def test_whatever_was_lost_late_or_undone_makes_a_run_unsound(
    part: str, key: str, value: int, words: str
) -> None:
    content = copy.deepcopy(SOUND)
    content[part][key] = value

    assert any(words in fault for fault in find_faults(content))


@pytest.mark.parametrize("error", [0.0051, None])
def test_batteries_whose_meters_disagree_make_a_run_unsound(error: float | None) -> None:
    assert find_faults({**SOUND, "ledger_error_ratio": error}) != []


def test_a_telegram_written_down_twice_was_published_once(tmp_path: Path) -> None:
    line = {"device": "sites/home-1/devices/meter", "measure_time": "2016-09-05T07:15:00Z"}
    lines = [{**line, "points": 3}, {**line, "points": 3}, {**line, "device": "other", "points": 3}]
    torn = '{"device": "sites/home-1/dev'
    text = "\n".join([*map(json.dumps, lines), torn])
    (tmp_path / "published.jsonl").write_text(text)

    assert published_readings(tmp_path) == 6


def test_a_battery_s_own_count_is_read_between_its_entries(tmp_path: Path) -> None:
    start = datetime(2016, 9, 5, 7, tzinfo=UTC)
    counted = {"site": "sites/home-1", "discharge_wh": 10.0, "soc_ratio": 0.5}
    rows = [
        {**counted, "time": start.isoformat(), "charge_wh": 100.0},
        {**counted, "time": (start + timedelta(hours=1)).isoformat(), "charge_wh": 300.0},
    ]
    (tmp_path / "battery.jsonl").write_text("\n".join(map(json.dumps, rows)))

    (ledger,) = battery_ledgers(tmp_path).values()

    assert ledger.throughput_wh(TimeRange.of(start, timedelta(minutes=30))) == (100.0, 0.0)


def test_devices_that_wrote_nothing_published_nothing(tmp_path: Path) -> None:
    assert published_readings(tmp_path) == 0
    assert battery_ledgers(tmp_path) == {}


def test_a_vehicle_whose_session_was_not_stored_makes_a_run_unsound() -> None:
    kinds = {"ev_charger": {"sessions": 6, "stored_sessions": 5}}
    (fault,) = find_faults({**SOUND, "kinds": kinds})
    assert "5 of their sessions" in fault


def test_a_command_that_a_newer_one_superseded_is_no_fault_and_one_that_was_lost_is() -> None:
    counts = {"issued": 120, "applied": 118, "verified": 118, "failed": 0}
    assert find_faults({**SOUND, "commands": counts | {"superseded": 2}}) == []
    assert find_faults({**SOUND, "commands": counts | {"superseded": 1}}) != []
