"""Grafana's boards as code: `python tools/boards.py` writes deploy/grafana/boards/*.json.

The panels of each board are in `tools/board_panels.py`; how Grafana wants them is here.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "deploy/grafana/boards"
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
DATABASE = {"type": "grafana-postgresql-datasource", "uid": "database"}
TRACES = {"type": "jaeger", "uid": "traces"}
_WIDE, _HIGH = 24, 8


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture: what it asks of whom, and in which unit of Grafana it shows that.

    `ask` is PromQL by legend where the source is Prometheus, SQL where it is the database, and
    the variable with a trace's id where it is the store of traces.
    """

    title: str
    ask: str | dict[str, str]
    source: dict[str, str]
    unit: str = "short"
    type: str = "timeseries"
    about: str = ""
    width: int = 12
    height: int = _HIGH
    most: float | None = None


@dataclass(frozen=True, kw_only=True)
class Variable:
    """What people choose of: the answers to an SQL question. A hidden one is worked out."""

    name: str
    label: str
    ask: str
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Board:
    """One board."""

    uid: str
    title: str
    panels: Sequence[Panel]
    variables: Sequence[Variable] = ()
    since: str = "now-24h"


def board_json(board: Board) -> dict[str, Any]:
    """Return a board as Grafana reads it."""
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["wattmesh"],
        "schemaVersion": 41,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": board.since, "to": "now"},
        "timezone": "browser",
        "links": [
            {"type": "dashboards", "tags": ["wattmesh"], "title": "Boards", "asDropdown": True}
        ],
        "templating": {"list": [_variable(each) for each in board.variables]},
        "panels": list(_placed(board.panels)),
    }


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": DATABASE,
        "query": variable.ask,
        "definition": variable.ask,
        "refresh": 2,
        "sort": 0,
        "hide": 2 if variable.hidden else 0,
    }


def _placed(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Lay panels out from left to right, and a new row where one does not fit."""
    placed, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > _WIDE:
            x, y, row = 0, y + row, 0
        place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        placed.append(_panel(number, panel, place))
        x, row = x + panel.width, max(row, panel.height)
    return placed


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "custom": {"spanNulls": False}}
    if panel.type != "timeseries":
        defaults.pop("custom")
    if panel.most is not None:
        defaults |= {"min": 0, "max": panel.most}
    return {
        "id": number,
        "type": panel.type,
        "title": panel.title,
        "description": panel.about,
        "datasource": panel.source,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": _targets(panel),
    }


def _targets(panel: Panel) -> list[dict[str, Any]]:
    if panel.source == TRACES:
        return [{"refId": "A", "datasource": TRACES, "query": panel.ask}]
    if isinstance(panel.ask, str):
        shape = "time_series" if panel.type == "timeseries" else "table"
        common = {"refId": "A", "datasource": DATABASE, "rawQuery": True, "editorMode": "code"}
        return [{**common, "format": shape, "rawSql": " ".join(panel.ask.split())}]
    return [
        {
            "refId": chr(ord("A") + number),
            "datasource": PROMETHEUS,
            "expr": expression,
            "legendFormat": legend,
            "instant": panel.type != "timeseries",
        }
        for number, (legend, expression) in enumerate(panel.ask.items())
    ]


def written(boards: Sequence[Board]) -> dict[Path, str]:
    """Return the files of boards with their content."""
    return {
        FOLDER / f"{each.uid}.json": json.dumps(board_json(each), indent=1, ensure_ascii=False)
        + "\n"
        for each in boards
    }


def main() -> None:
    """Write the files, and remove those of boards that are no more."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from tools.board_panels import BOARDS

    files = written(BOARDS)
    for old in set(FOLDER.glob("*.json")) - files.keys():
        old.unlink()
    for path, text in files.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
