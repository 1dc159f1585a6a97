"""`wattmesh status`: what is up."""

import asyncio
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from wattmesh_local.running.alone import somebody_is_in
from wattmesh_local.running.health import health_of


async def print_status(state_folder: Path, console: Console, *, as_json: bool) -> int:
    """Print the health of every service of the running mesh; return 0 when all are well."""
    file = state_folder / "run" / "mesh.json"
    if not file.exists():
        console.print(
            "a mesh is starting or stopping here; ask again in a moment"
            if somebody_is_in(state_folder)
            else "no mesh is running here; `wattmesh up` starts one"
        )
        return 1
    targets: dict[str, str] = json.loads(file.read_text())["targets"]
    answers = await asyncio.gather(*(health_of(target) for target in targets.values()))
    health = dict(zip(targets, answers, strict=True))
    if as_json:
        console.print_json(data=_as_data(targets, health))
    else:
        console.print(_table(targets, health))
    return 0 if set(answers) == {"SERVING"} else 1


def _as_data(targets: dict[str, str], health: dict[str, str]) -> Any:
    return {name: {"target": targets[name], "health": health[name]} for name in targets}


def _table(targets: dict[str, str], health: dict[str, str]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("service", "health", "address"):
        table.add_column(name)
    for name, state in health.items():
        colour = "green" if state == "SERVING" else "red"
        table.add_row(name, f"[{colour}]{state.lower()}[/{colour}]", targets[name])
    return table
