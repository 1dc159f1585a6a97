"""`wattmesh status`: what is up, and what is planned."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from wattmesh.planner.v1 import planner_pb2
from wattmesh_kernel.errors import WattmeshError
from wattmesh_local.running.alone import somebody_is_in
from wattmesh_local.running.health import health_of
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.plans import degradation_kind, scope_state, scopes
from wattmesh_runtime.aio.tasks import map_at_most


async def print_status(state_folder: Path, console: Console, *, as_json: bool) -> int:
    """Print the health of every process and what is planned; return 0 when all are well."""
    file = state_folder / "run" / "mesh.json"
    if not file.exists():
        console.print(
            "a mesh is starting or stopping here; ask again in a moment"
            if somebody_is_in(state_folder)
            else "no mesh is running here; `wattmesh up` starts one"
        )
        return 1
    state: dict[str, dict[str, str]] = json.loads(file.read_text())
    processes = state["processes"]
    answers = await map_at_most(20, health_of, processes.values())
    health = dict(zip(processes, answers, strict=True))
    planned = await _scopes(state["targets"])
    if as_json:
        console.print_json(data=_as_data(processes, health, planned))
    else:
        console.print(_processes_table(processes, health))
        console.print(_scopes_table(planned))
    return 0 if set(answers) == {"SERVING"} else 1


async def _scopes(targets: dict[str, str]) -> list[planner_pb2.Scope] | None:
    """Return what is planned and what is not; None when the planner does not say."""
    try:
        async with MeshClients(targets) as clients:
            return await scopes(clients)
    except WattmeshError:
        return None


def _as_data(
    processes: dict[str, str], health: dict[str, str], planned: list[planner_pb2.Scope] | None
) -> Any:
    return {
        "processes": {
            name: {"address": processes[name], "health": health[name]} for name in processes
        },
        "scopes": None
        if planned is None
        else {
            scope.name: {
                "state": scope_state(scope),
                "why": scope.message,
                "holder": scope.holder,
                "degradations": [degradation_kind(each) for each in scope.degradations],
            }
            for scope in planned
        },
    }


def _processes_table(processes: dict[str, str], health: dict[str, str]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("process", "health", "address"):
        table.add_column(name)
    for name, state in health.items():
        colour = "green" if state == "SERVING" else "red"
        table.add_row(name, f"[{colour}]{state.lower()}[/{colour}]", processes[name])
    return table


def _scopes_table(planned: list[planner_pb2.Scope] | None) -> Table | str:
    if planned is None:
        return "what is planned is not known: the planner does not answer"
    table = Table(box=None, header_style="bold")
    for name in ("scope", "plans", "why not, or what is lacking", "planned by"):
        table.add_column(name)
    for scope in planned:
        lacking = "; ".join(
            filter(None, [scope.message, *(each.message for each in scope.degradations)])
        )
        table.add_row(scope.name, scope_state(scope), lacking, scope.holder)
    return table
