"""What is measured and traced has one name and unit, declared once and written down."""

import importlib
import re
from pathlib import Path

import pytest

from wattmesh_runtime.aio.spans import Span
from wattmesh_runtime.metrics import Metric, MetricKind

ROOT = Path(__file__).resolve().parents[2]
_SOURCES = [*ROOT.glob("services/*/src/wattmesh_*"), ROOT / "gateway/src/wattmesh_gateway"]
_UNITS = re.compile(r"s|By|\{[a-z_]+\}")
_SPAN_OWNERS = {
    "gateway": ("gateway.", "modbus.", "mqtt.", "ocpp."),
    "planner": ("planner.", "loop."),
}


def _declared(kind: type, *files: str) -> list[tuple[Path, object]]:
    """Return what is declared, with the folder of its part."""
    found: list[tuple[Path, object]] = []
    for source in _SOURCES:
        for file in files:
            if (source / file).exists():
                name = ".".join((source.name, *Path(file).with_suffix("").parts))
                values = vars(importlib.import_module(name)).values()
                found += [(source.parents[1], each) for each in values if isinstance(each, kind)]
    return found


METRICS = [
    (part, each) for part, each in _declared(Metric, "metrics.py") if isinstance(each, Metric)
]
SPANS = [(part, each) for part, each in _declared(Span, "app/spans.py") if isinstance(each, Span)]


def test_there_are_metrics_and_spans() -> None:
    assert len(METRICS) > 30
    assert len(SPANS) > 15


def test_a_name_is_declared_once() -> None:
    names = [each.name for _, each in METRICS] + [each.name for _, each in SPANS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("part", "metric"), METRICS, ids=lambda each: getattr(each, "name", ""))
def test_a_metric_says_its_service_and_unit_and_is_explained(part: Path, metric: Metric) -> None:
    prefixes = {"runtime": ("wattmesh.process.", "wattmesh.dependency.", "rpc.")}
    assert metric.name.startswith(prefixes.get(part.name, (f"wattmesh.{part.name}.",)))
    assert _UNITS.fullmatch(metric.unit)
    assert metric.description.endswith(".")
    assert metric.unit == "s" or not metric.name.endswith("duration")
    assert f"`{metric.name}`" in (part / "README.md").read_text()


@pytest.mark.parametrize(("part", "span"), SPANS, ids=lambda each: getattr(each, "name", ""))
def test_a_span_says_its_part_and_is_used_in_one(part: Path, span: Span) -> None:
    assert span.name.startswith(_SPAN_OWNERS.get(part.name, (f"{part.name}.",)))
    assert f"`{span.name}`" in (part / "README.md").read_text()
    (constant,) = re.findall(
        rf"^([A-Z_]+) = Span\(\n    name=\"{re.escape(span.name)}\"", _spans_of(part), re.M
    )
    users = [each for each in part.rglob("src/**/*.py") if each.name != "spans.py"]
    assert any(
        re.search(rf"traced\(\s*{constant}\b|record_turn\(\s*{constant}\b", each.read_text())
        for each in users
    )


def _spans_of(part: Path) -> str:
    return next(part.glob("src/wattmesh_*/app/spans.py")).read_text()


def test_counters_are_plural_things_and_gauges_are_set() -> None:
    for _, metric in METRICS:
        assert metric.bounds == () or metric.kind is MetricKind.HISTOGRAM
