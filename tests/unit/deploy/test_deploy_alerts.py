"""Alerts and boards ask for metrics that somebody reports, and every alert says what to do."""

import importlib
import re

import yaml

from tests.fakes.board_questions import questions
from tools.bootstrap import ROOT
from wattmesh_runtime.metrics import Metric, MetricKind

MODULES = (
    "runtime",
    "carbon",
    "planner",
    "metering",
    "optimizer",
    "control",
    "forecast",
    "gateway",
)
FOREIGN = {"up"}
"""What Prometheus itself knows."""

LABELS = {
    *("rpc_response_status_code", "rpc_method", "wattmesh_command_state", "wattmesh_dependency"),
    *("wattmesh_dependency_required", "wattmesh_forecast_source", "wattmesh_forecast_refusal"),
    "wattmesh_carbon_known",
}

_RECORDED = re.compile(r"\b([a-z]+:[a-z_0-9]+:[a-z_0-9]+)\b")
_NAME = re.compile(r"(?<![:\w])((?:rpc|wattmesh)_[a-z_]+)\b")


def reported() -> set[str]:
    """The declared metrics, by the names that the collector gives them for Prometheus."""
    names: set[str] = set()
    for module in MODULES:
        found = vars(importlib.import_module(f"wattmesh_{module}.metrics")).values()
        for metric in (each for each in found if isinstance(each, Metric)):
            name = metric.name.replace(".", "_")
            unit = {"s": "_seconds", "ms": "_milliseconds"}.get(metric.unit, "")
            match metric.kind:
                case MetricKind.COUNTER:
                    names.add(f"{name}{unit}_total")
                case MetricKind.GAUGE:
                    names.add(f"{name}{unit}")
                case MetricKind.HISTOGRAM:
                    names |= {f"{name}{unit}_{part}" for part in ("count", "sum", "bucket")}
    return names


def alerts() -> list[dict[str, str]]:
    text = (ROOT / "deploy/prometheus/alerts.yml").read_text()
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def recorded() -> list[dict[str, str]]:
    text = (ROOT / "deploy/prometheus/rules.yml").read_text()
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_every_alert_and_panel_is_about_what_is_reported() -> None:
    asked = [rule["expr"] for rule in (*alerts(), *recorded())]
    asked += [each.text for each in questions() if each.source == "prometheus"]
    unknown = {name for text in asked for name in _NAME.findall(text)} - reported() - LABELS
    assert unknown == set()
    named = {name for text in asked for name in _RECORDED.findall(text)}
    assert named <= {rule["record"] for rule in recorded()}


def test_every_alert_is_played() -> None:
    text = (ROOT / "deploy/prometheus/rules_test.yml").read_text()
    played = {
        case["alertname"]
        for test in yaml.safe_load(text)["tests"]
        for case in test.get("alert_rule_test", [])
        if case["exp_alerts"]
    }
    simple = {"CallsAreSlow", "PlansFail", "DevicesAreOffline", "DevicesAreAmiss"}
    assert played | simple == {rule["alert"] for rule in alerts()}


def test_every_alert_says_what_to_do() -> None:
    text = (ROOT / "deploy/README.md").read_text()
    silent = [rule["alert"] for rule in alerts() if f"**{rule['alert']}**" not in text]
    assert silent == []
