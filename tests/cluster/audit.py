"""What the mesh in a cluster stored, planned and did, held against the home's own ledger."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.sql import Literal

from tests.chaos.auditor import Seen, audit
from tests.cluster.kubectl import Kubectl

LEDGER = ("outbox.jsonl", "battery.jsonl")
MOMENTS = ("time", "until")
"""How the names of columns end that hold a moment."""


def audited(
    kubectl: Kubectl, folder: Path, begin: datetime, end: datetime
) -> Mapping[str, list[str]]:
    """Return how each promise was broken between two moments; `folder` gets the ledger."""
    for name in LEDGER:
        text = kubectl("exec", "twin-0", "--", "cat", f"/data/ledger/{name}")
        # Its last line may still be on its way into the file.
        (folder / name).write_text(text[: text.rfind("\n") + 1])
    return audit(Seen(database=DatabaseInPod(kubectl), ledger=folder, begin=begin, end=end))


@dataclass(frozen=True)
class Rows:
    """Rows that are here already."""

    rows: list[dict[str, Any]]

    def fetchall(self) -> list[dict[str, Any]]:
        """Return them."""
        return self.rows


@dataclass(frozen=True)
class DatabaseInPod:
    """The mesh's database asked in its own pod: no port of it leads out of a cluster."""

    kubectl: Kubectl

    def execute(self, query: str, params: Sequence[Any] | None = None, /) -> Rows:
        """Run a query; error: KubectlError with what the database said."""
        whole = query % tuple(Literal(each).as_string(None) for each in params or ())
        text = self.kubectl(
            *("exec", "--stdin", "database-0", "--", "psql", "-U", "wattmesh", "-d", "wattmesh"),
            *("-v", "ON_ERROR_STOP=1", "--no-psqlrc", "--tuples-only", "--no-align", "--quiet"),
            given=f"SELECT row_to_json(found) FROM ({whole}) AS found",
        )
        return Rows([json.loads(line, object_hook=_with_moments) for line in text.splitlines()])


def _with_moments(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value)
        if isinstance(value, str) and name.endswith(MOMENTS)
        else value
        for name, value in row.items()
    }
