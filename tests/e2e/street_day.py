"""A day of vehicles through the whole mesh: what a driver and a fuse would lose.

Run by `make e2e-street`; it takes some minutes. A yard of three charge points behind one fuse, on
real OCPP, with a battery, a price that changes over the day, and drivers who say until when.
"""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.wattmesh_command import Wattmesh

FIRST = datetime(2024, 4, 1, tzinfo=UTC)
DAY = datetime(2024, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FUSE_KW = 14.0
LAYOUT = f"""
title: A yard with charge points
time_zone: UTC
currency: EUR
group: yard
files:
  load: {{path: load.csv, clock: utc, time_column: start}}
sites:
  - id: yard
    loads: [{{id: load, file: load, column: kw, unit: kW}}]
    battery: {{capacity_kwh: 5, power_kw: 2, round_trip_efficiency: 0.9}}
    fuses: [{{id: yard, display_name: Fuse of the yard, max_import_kw: {FUSE_KW}}}]
    charge_points:
      - {{id: ev-1, node: yard, visits: visits-1.csv}}
      - {{id: ev-2, node: yard, visits: visits-2.csv}}
      - {{id: ev-3, node: yard, visits: visits-3.csv}}
price:
  import_per_kwh: {{file: load, column: price}}
"""
VISITS = {
    "visits-1.csv": [(7.2, 15.5, 0.55), (18.1, 23.4, 0.7)],
    "visits-2.csv": [(8.6, 16.1, 0.6)],
    "visits-3.csv": [(8.9, 13.2, 0.7)],
}
"""Hours of arrival and departure, and the state of charge on arrival."""
COLUMNS = (
    "arrival_time departure_time declared_departure_time arrival_soc_ratio capacity_wh"
    " max_current_a phases token"
)


def write_yard(folder: Path) -> Path:
    (folder / "wattmesh-data.yaml").write_text(LAYOUT)
    with (folder / "load.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("start", "kw", "price"))
        for index in range(24 * 40):
            start = FIRST + index * HOUR
            price = 0.45 if 16 <= start.hour < 21 else 0.2
            rows.writerow((start.isoformat(), 1.0 + 0.5 * (start.hour in (7, 18)), price))
    for name, visits in VISITS.items():
        with (folder / name).open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS.split())
            for come, go, soc in visits:
                times = (DAY + come * HOUR, DAY + go * HOUR, DAY + (go + 0.2) * HOUR)
                rows.writerow((*(each.isoformat() for each in times), soc, 50_000, 16, 3, name[:8]))
    return folder


@pytest.fixture(scope="module")
def report(wattmesh: Wattmesh, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of the day."""
    yard = write_yard(tmp_path_factory.mktemp("yard"))
    file = yard / "report.json"
    options = ("--data", str(yard), "--start", f"{DAY:%Y-%m-%d}", "--rate", "600")
    run = wattmesh.start("demo", "--days", "1", "--plain", "--report", str(file), *options)
    status = run.wait(900)
    assert status == 0, run.output
    content: dict[str, Any] = json.loads(file.read_text())
    return content


@pytest.mark.time_limit(960)
def test_every_vehicle_leaves_with_nearly_all_that_it_could_have(report: dict[str, Any]) -> None:
    charging = report["kinds"]["ev_charger"]
    assert charging["sessions"] == 4
    at_once = charging["missed_kwh"]["no_control"]
    assert charging["missed_kwh"]["achieved"] <= at_once + 0.1 * charging["wanted_kwh"]


def test_the_fuse_holds_where_charging_at_once_would_have_blown_it(report: dict[str, Any]) -> None:
    peak = report["kinds"]["ev_charger"]["peak_kw"]
    assert peak["achieved"] <= FUSE_KW
    assert peak["no_control"] > FUSE_KW


def test_every_session_is_stored_with_its_energy(report: dict[str, Any]) -> None:
    charging = report["kinds"]["ev_charger"]
    assert charging["stored_sessions"] == charging["sessions"]
    assert charging["energy_kwh"]["achieved"] > 0.85 * charging["wanted_kwh"]


def test_every_command_has_its_read_back_and_no_vehicle_is_called_a_liar(
    report: dict[str, Any],
) -> None:
    commands = report["commands"]
    assert commands["issued"] == commands["applied"] == commands["verified"] > 24
    assert "contrary" not in report["effects"]
    assert report["effects"].get("confirmed", 0) > 0


def test_control_costs_no_more_than_charging_at_once(report: dict[str, Any]) -> None:
    cost = report["kinds"]["ev_charger"]["cost"]
    assert cost["achieved"] <= cost["no_control"] + 0.01
