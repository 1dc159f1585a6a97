import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.wattmesh_command import Wattmesh

HOURS = 24
HOMES = 5


@pytest.fixture(scope="module")
def report(wattmesh: Wattmesh, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of one day of five homes."""
    file: Path = tmp_path_factory.mktemp("report") / "report.json"
    run = wattmesh.start("demo", "--days", "1", "--plain", "--report", str(file))
    status = run.wait(500)
    assert status == 0, run.output
    content: dict[str, Any] = json.loads(file.read_text())
    return content


@pytest.mark.time_limit(560)
def test_every_interval_is_planned_in_time(report: dict[str, Any]) -> None:
    assert report["plans"] == {"made": HOURS, "late": 0, "failed": 0}
    assert report["solve_ms"]["p99"] < 1_000


def test_every_published_reading_is_stored_once(report: dict[str, Any]) -> None:
    readings = report["readings"]

    meters_alone = HOMES * HOURS * 4 * 3
    assert readings["published"] > meters_alone
    assert readings["stored"] == readings["published"]
    assert readings["rejected"] == 0


def test_every_command_is_applied_and_read_back(report: dict[str, Any]) -> None:
    issued = HOMES * HOURS

    assert report["commands"] == {
        "issued": issued,
        "applied": issued,
        "verified": issued,
        "failed": 0,
        "superseded": 0,
    }


def test_control_lowers_the_cost_of_the_day(report: dict[str, Any]) -> None:
    cost = report["cost"]

    assert cost["currency"] == "USD"
    assert 0 < cost["achieved"] < cost["no_control"]
    assert report["stored_kwh"]["end"] >= report["stored_kwh"]["start"] - 0.5


def test_the_meters_agree_with_the_batteries_own_count(report: dict[str, Any]) -> None:
    assert report["ledger_error_ratio"] <= 0.005


def test_forecasts_were_made_by_models_and_compared(report: dict[str, Any]) -> None:
    forecast = report["forecast"]

    assert 0 < forecast["load_wape"] < 1
    assert 0 < forecast["pv_wape"] < 1
    assert forecast["load_wape_naive"] > 0
