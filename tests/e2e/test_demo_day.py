import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.wattmesh_command import Wattmesh
from tests.fakes.otlp_receiver import OtlpReceiver, below, otlp_receiver

HOURS = 24
HOMES = 5


@pytest.fixture(scope="module")
def collector() -> Iterator[OtlpReceiver]:
    """What is told to a collector of traces during that day."""
    with otlp_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def report(
    wattmesh: Wattmesh, tmp_path_factory: pytest.TempPathFactory, collector: OtlpReceiver
) -> dict[str, Any]:
    """The report of one day of five homes."""
    file: Path = tmp_path_factory.mktemp("report") / "report.json"
    arguments = ("demo", "--days", "1", "--plain", "--report", str(file))
    run = wattmesh.start(*arguments, otlp_endpoint=collector.endpoint)
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


def test_a_turn_of_the_loop_is_one_trace_through_all_services(
    report: dict[str, Any], collector: OtlpReceiver
) -> None:
    turns = [each for each in collector.spans if each.name == "loop.turn"]
    assert len({each.trace_id for each in turns}) == len(turns) >= report["plans"]["made"]
    turn = turns[HOURS // 2]
    spans = collector.trace(turn.trace_id)

    assert below(spans, turn) >= {
        "planner: planner.make_plan",
        "planner: planner.gather_facts",
        "metering: wattmesh.metering.v1.MeteringService/GetLatestReadings",
        "forecast: wattmesh.forecast.v1.ForecastService/IssueForecasts",
        "modelhost: tensorflow.serving.PredictionService/Predict",
        "carbon: wattmesh.carbon.v1.CarbonService/ForecastAverageIntensity",
        "optimizer: wattmesh.optimizer.v1.OptimizerService/Solve",
        "planner: planner.hand_over",
        "control: wattmesh.control.v1.ControlService/SubmitSchedule",
        "control: control.send_command",
        "gateway: gateway.carry_command",
        "gateway: gateway.write_setpoint",
        "gateway: modbus.write",
        "gateway: gateway.read_back",
        "gateway: modbus.read",
        "control: control.record_report",
        "control: control.give_verdict",
    }
    assert {each.trace_id for each in spans} == {turn.trace_id}
    carried = [each for each in spans if each.name == "gateway.carry_command"]
    assert len({each.attributes["wattmesh.command"] for each in carried}) == HOMES


def test_readings_are_traced_from_the_broker_to_their_commit(
    report: dict[str, Any], collector: OtlpReceiver
) -> None:
    spans = collector.spans
    sent = {each.span_id: each for each in spans if each.name == "gateway.forward_readings"}
    commits = [each for each in spans if each.name == "metering.commit_readings"]

    assert report["readings"]["stored"] > 0
    assert [each for each in spans if each.name == "gateway.receive_telegrams"]
    assert [each for each in spans if each.name == "gateway.poll_device"]
    assert sum(each.parent_id in sent for each in commits) > 0.9 * len(commits) - 10
