"""Alerts and boards ask for metrics that somebody reports, and every alert says what to do."""

import importlib
import json
import re

import yaml

from tools.bootstrap import ROOT
from wattmesh_runtime.metrics import Metric, MetricKind

MODULES = ("runtime", "planner", "metering", "optimizer", "control", "forecast", "gateway")
FOREIGN = {"up"}
"""What Prometheus itself knows."""

_NAME = re.compile(r"\b((?:rpc|wattmesh)_[a-z_]+)\b")


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


def test_every_alert_and_panel_is_about_what_is_reported() -> None:
    board = json.loads((ROOT / "deploy/grafana/wattmesh.json").read_text())
    asked = [rule["expr"] for rule in alerts()]
    asked += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    labels = {"rpc_response_status_code", "wattmesh_command_state"}
    unknown = {name for text in asked for name in _NAME.findall(text)} - reported() - labels
    assert unknown == set()


def test_every_alert_says_what_to_do() -> None:
    text = (ROOT / "deploy/README.md").read_text()
    silent = [rule["alert"] for rule in alerts() if f"**{rule['alert']}**" not in text]
    assert silent == []
