"""`wattmesh status`: what is up, and what is planned."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wattmesh.planner.v1 import planner_pb2
from wattmesh_kernel.errors import WattmeshError
from wattmesh_local.identities.sessions import session_address
from wattmesh_local.running.alone import somebody_is_in
from wattmesh_local.running.state import MeshState
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.effects import effects_in, effects_in_words
from wattmesh_local.watching.plans import degradation_kind, scope_state, scopes
from wattmesh_local.watching.processes import ProcessReport, ProcessState, report_processes
from wattmesh_runtime.aio.tasks import together

_COLOURS = {
    ProcessState.READY: "green",
    ProcessState.DEGRADED: "yellow",
    ProcessState.NOT_READY: "red",
    ProcessState.STOPPING: "red",
    ProcessState.UNREACHABLE: "red",
}


async def print_status(state_folder: Path, console: Console, *, as_json: bool) -> int:
    """Print how every process is and what is planned; return 0 when all do their work."""
    mesh = MeshState(state_folder)
    if not mesh.is_there:
        console.print(
            "a mesh is starting or stopping here; ask again in a moment"
            if somebody_is_in(state_folder)
            else "no mesh is running here; `wattmesh up` starts one"
        )
        return 1
    state = mesh.read()
    reports = await report_processes(
        state["processes"], state.get("database_url"), state.get("mqtt_url"), mesh.identity()
    )
    planned, effects = await together(
        _scopes(state["targets"], mesh.identity()), _effects(state["targets"], mesh.identity())
    )
    if as_json:
        console.print_json(data=_as_data(reports, planned, effects))
    else:
        console.print(_processes_table(reports))
        console.print(_scopes_table(planned))
        console.print(_effects_line(effects))
        if "web" in state:
            console.print(f"dashboard: {_page(state['web'], mesh.identity())}", soft_wrap=True)
    return 0 if all(each.state.well for each in reports) else 1


def _page(web: str, identity: Path | None) -> str:
    """Return what a browser opens; the session lies beside the identity that is shown."""
    return session_address(web, None if identity is None else identity.parent)


async def _scopes(targets: dict[str, str], identity: Path | None) -> list[planner_pb2.Scope] | None:
    """Return what is planned and what is not; None when the planner does not say."""
    try:
        async with MeshClients(targets, identity) as clients:
            return await scopes(clients)
    except WattmeshError:
        return None


async def _effects(targets: dict[str, str], identity: Path | None) -> Mapping[str, int] | None:
    """Return what meters say of the commands; None when control does not say."""
    try:
        async with MeshClients(targets, identity) as clients:
            return await effects_in(clients)
    except WattmeshError:
        return None


def _effects_line(effects: Mapping[str, int] | None) -> str:
    if effects is None:
        return "what commands came to is not known: control does not answer"
    return f"commands at their meters: {effects_in_words(effects)}"


def _as_data(
    reports: Sequence[ProcessReport],
    planned: list[planner_pb2.Scope] | None,
    effects: Mapping[str, int] | None,
) -> Any:
    return {
        "effects": None if effects is None else dict(effects),
        "ready": all(each.state.well for each in reports),
        "processes": {each.name: _process_as_data(each) for each in reports},
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


def _process_as_data(report: ProcessReport) -> Any:
    return {
        "address": report.address,
        "state": report.state.value.replace(" ", "_"),
        "since": None if report.since is None else report.since.isoformat(timespec="seconds"),
        "reasons": list(report.reasons),
        "version": report.version,
    }


def _processes_table(reports: Sequence[ProcessReport]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("process", "state", "since", "address", "why"):
        table.add_column(name)
    for each in reports:
        since = "" if each.since is None else f"{each.since.astimezone():%H:%M:%S}"
        state = Text(each.state.value, style=_COLOURS[each.state])
        table.add_row(each.name, state, since, each.address, Text("\n".join(each.reasons)))
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
