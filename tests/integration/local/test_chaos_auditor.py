"""The auditor of a disturbed mesh sees every way in which a promise can be broken."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.chaos.auditor import PROMISES, Seen, audit
from wattmesh_runtime.database import Database
from wattmesh_runtime.migrations import migrate

BEGIN = datetime(2016, 9, 5, 7, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
HOURS = 3
METER = "sites/home-1/devices/meter"
STORED, DONE, SINGLE, CLOSED, PLANNED = PROMISES
POINT = f"{METER}/points/import_energy_wh"
TABLES = """
CREATE SCHEMA metering; CREATE SCHEMA control; CREATE SCHEMA planner;
CREATE TABLE metering.points (point_key int, name text);
CREATE TABLE metering.readings (point_key int, measure_time timestamptz, value float8);
CREATE TABLE planner.plans (scope text, start_time timestamptz, state text);
CREATE TABLE control.commands (
    number int, command text, site text, device text, channel text, kind text, state text,
    read_back_value float8, start_time timestamptz, end_time timestamptz, cut_time timestamptz,
    close_time timestamptz, apply_time timestamptz, verify_time timestamptz);
"""
"""What the auditor reads of the mesh's tables."""


@pytest.fixture
def seen(database_url: str, tmp_path: Path) -> Iterator[Seen]:
    """A mesh that kept its promises."""
    with psycopg.connect(database_url, row_factory=dict_row, autocommit=True) as database:
        database.execute(TABLES)
        seen = Seen(database=database, ledger=tmp_path, begin=BEGIN, end=BEGIN + HOURS * HOUR)
        _meter(seen)
        _battery(seen)
        for hour in range(HOURS + 1):
            database.execute(
                "INSERT INTO planner.plans VALUES ('sites/home-1', %s, 'made')",
                (BEGIN + hour * HOUR,),
            )
        yield seen


def _meter(seen: Seen) -> None:
    words = {"import_energy_wh": "import_wh", "export_energy_wh": "export_wh"}
    words["active_power_w"] = "active_power_w"
    lines = []
    for number in range(1, 4 * HOURS + 1):
        values = {"import_wh": 100.0 * number, "export_wh": 0.5, "active_power_w": 400.0}
        time = BEGIN + number * QUARTER
        lines.append({"device": METER, "measure_time": time.isoformat(), **values})
        for key, word in enumerate(words.values()):
            row = (key, time, values[word])
            seen.database.execute("INSERT INTO metering.readings VALUES (%s, %s, %s)", row)
    for key, quantity in enumerate(words):
        point = (key, f"{METER}/points/{quantity}")
        seen.database.execute("INSERT INTO metering.points VALUES (%s, %s)", point)
    (seen.ledger / "outbox.jsonl").write_text("\n".join(map(json.dumps, lines)))


def _battery(seen: Seen) -> None:
    """Each hour has a command, which the battery hears a second after it has begun."""
    lines = []
    for hour in range(HOURS):
        begin, end, value = BEGIN + hour * HOUR, BEGIN + (hour + 1) * HOUR, 1000.0 + 100 * hour
        applied = begin + timedelta(seconds=1)
        lines.append({"site": "sites/home-1", "time": applied.isoformat(), "setpoint_w": value})
        seen.database.execute(
            "INSERT INTO control.commands VALUES (%s, %s, 'sites/home-1', %s, 'power',"
            " 'active_power_w', 'verified', %s, %s, %s, NULL, %s, %s, %s)",
            (
                *(hour, f"commands/{hour}", "sites/home-1/devices/battery", value),
                *(begin, end, end, applied, applied),
            ),
        )
    (seen.ledger / "battery.jsonl").write_text("\n".join(map(json.dumps, lines)))


def test_a_mesh_that_kept_its_promises_is_told_nothing(seen: Seen) -> None:
    assert audit(seen) == {promise: [] for promise in PROMISES}


@pytest.mark.parametrize(
    ("harm", "promise", "word"),
    [
        ("DELETE FROM metering.readings WHERE value = 500", STORED, f"lost: {POINT}"),
        ("UPDATE metering.readings SET value = 501 WHERE value = 500", STORED, "500.0 is 501.0"),
        (
            "UPDATE metering.readings SET measure_time = measure_time + interval '1 min'"
            " WHERE value = 500",
            STORED,
            f"invented: {POINT}",
        ),
        ("UPDATE control.commands SET read_back_value = 1500 WHERE number = 1", DONE, "commands/1"),
        ("UPDATE control.commands SET verify_time = NULL", DONE, "no command was verified"),
        (
            "UPDATE control.commands SET end_time = end_time + interval '30 min',"
            " close_time = close_time + interval '30 min' WHERE number = 0",
            SINGLE,
            "commands/0 still held when commands/1",
        ),
        ("UPDATE control.commands SET close_time = NULL WHERE number = 0", CLOSED, "commands/0"),
        (
            "DELETE FROM planner.plans WHERE start_time = '2016-09-05T08:00Z'",
            PLANNED,
            "no plan for 05 08:00",
        ),
        ("UPDATE planner.plans SET state = 'failed'", PLANNED, "nothing was planned"),
    ],
)
def test_each_broken_promise_is_seen_and_no_other(
    seen: Seen, harm: str, promise: str, word: str
) -> None:
    seen.database.execute(harm)

    broken = audit(seen)

    assert any(word in each for each in broken[promise]), broken
    assert not any(said for other, said in broken.items() if other != promise)


async def test_it_reads_the_tables_that_there_are(database_url: str, tmp_path: Path) -> None:
    for schema in ("metering", "control", "planner"):
        async with Database(database_url, schema) as database:
            await migrate(database, f"wattmesh_{schema}")
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        broken = audit(Seen(database=connection, ledger=tmp_path, begin=BEGIN, end=BEGIN + HOUR))

    assert broken[STORED] == ["no meter has sent anything"]
    assert broken[PLANNED] == ["nothing was planned"]
