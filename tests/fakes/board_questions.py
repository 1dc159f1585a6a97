"""The questions that Grafana's boards ask, as Grafana sends them once it has filled them in."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools.boards import FOLDER


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question of a board."""

    board: str
    panel: str
    source: str
    """`prometheus`, `database` or `traces`."""
    text: str

    @property
    def title(self) -> str:
        return f"{self.board}: {self.panel}"


def questions() -> list[Question]:
    """Return what all boards ask: their panels, and the variables that people choose of."""
    return [
        question
        for file in sorted(FOLDER.glob("*.json"))
        for question in _of_board(json.loads(file.read_text()))
    ]


def filled_in(sql: str, start: datetime, end: datetime, variables: Mapping[str, str]) -> str:
    """Return SQL with Grafana's macros for a range of time, and its variables."""
    between = f"BETWEEN '{start.isoformat()}' AND '{end.isoformat()}'"
    text = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 {between}", sql)
    for name, value in variables.items():
        text = text.replace(f"${name}", value)
    return text


def _of_board(board: Mapping[str, Any]) -> list[Question]:
    asked = [
        Question(
            board=board["uid"],
            panel=panel["title"],
            source=panel["datasource"]["uid"],
            text=target.get("expr") or target.get("rawSql") or target["query"],
        )
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    chosen = [
        Question(
            board=board["uid"],
            panel=f"${each['name']}",
            source=each["datasource"]["uid"],
            text=each["query"],
        )
        for each in board["templating"]["list"]
    ]
    return [*chosen, *asked]
