"""The `wattmesh` commands of people at the controls: holds, stops, dry runs, alerts."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from wattmesh.control.v1 import hold_pb2
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.spans import parse_span
from wattmesh_local.alerts import AlertDesk, alert_desk
from wattmesh_local.books import write_report
from wattmesh_local.cli_output import console, say_errors
from wattmesh_local.islands import island_record
from wattmesh_local.limits import limits_desk
from wattmesh_local.operating import (
    Operator,
    Person,
    operator,
    setpoint_kind,
    whoever,
)
from wattmesh_local.options import state_folder

app = typer.Typer()

Subject = Annotated[
    str, typer.Argument(help="sites/home-1, groups/street or sites/home-1/devices/battery.")
]
Device = Annotated[str, typer.Argument(help="sites/home-1/devices/battery.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept for good.")]
Owner = Annotated[str, typer.Option("--owner", help="Who; else whoever is logged in.")]
Span = Annotated[str, typer.Option("--for", help="How long: 90s, 15min, 2h, 1d.")]
Value = Annotated[float, typer.Argument(help="In the unit of the kind; into the device positive.")]
Kind = Annotated[str, typer.Option(help="Kind of the setpoint.")]


@app.command()
def hold(
    device: Device,
    value: Value,
    span: Span,
    reason: Reason,
    kind: Kind = "active_power_w",
    owner: Owner = "",
) -> None:
    """Have a device keep a value for a time, whatever plans want."""
    _operate(
        lambda control: control.place(
            device,
            hold_pb2.HOLD_KIND_SETPOINT,
            _person(owner, reason),
            parse_span(span),
            (setpoint_kind(kind), value),
        )
    )


@app.command("opt-out")
def opt_out(subject: Subject, reason: Reason, span: Span = "", owner: Owner = "") -> None:
    """Have plans leave a device, site or group alone, for a time or until it is released."""
    length = parse_span(span) if span else None
    person = _person(owner, reason)
    _operate(lambda control: control.place(subject, hold_pb2.HOLD_KIND_OPT_OUT, person, length))


@app.command()
def stop(subject: Subject, reason: Reason, owner: Owner = "") -> None:
    """Emergency stop: send every device to its safe state now; 1: not all of them are there."""
    person = _person(owner, reason)
    _operate(lambda control: control.place(subject, hold_pb2.HOLD_KIND_STOP, person))


@app.command()
def release(
    name: Annotated[str, typer.Argument(metavar="HOLD", help="As `wattmesh holds` lists it.")],
    reason: Reason,
    owner: Owner = "",
) -> None:
    """End a hold, an opt-out or a stop."""
    full = name if name.startswith("holds/") else f"holds/{name}"
    _operate(lambda control: control.release(full, _person(owner, reason)))


@app.command()
def holds(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
) -> None:
    """List who holds what, why, and until when."""
    _operate(lambda control: control.holds(ended=everything))


@app.command()
def limits(
    site: Annotated[str, typer.Argument(help="home-1, or sites/home-1; else all.")] = "",
) -> None:
    """List what is limited, who keeps it since when, and what was metered; 1: exceeded."""
    where = SiteId(site.removeprefix("sites/")).name if site else ""

    async def run() -> int:
        async with limits_desk(state_folder(), console) as desk:
            return await desk.show(where)

    say_errors(run)


@app.command()
def alerts(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
) -> None:
    """List what somebody should know of; 1: something critical is nobody's."""
    _see_to(lambda desk: desk.show(ended=everything))


@app.command()
def acknowledge(
    name: Annotated[str, typer.Argument(metavar="ALERT", help="alerts/…, as the API names it.")],
    note: Annotated[str, typer.Option(help="What you say to it.")] = "",
    owner: Owner = "",
) -> None:
    """Take an alert on."""
    _see_to(lambda desk: desk.acknowledge(name, owner, note))


@app.command()
def silence(subject: Subject, reason: Reason, span: Span = "1h", owner: Owner = "") -> None:
    """Have alerts about a site or device notify nobody for a while."""
    _see_to(lambda desk: desk.silence(subject, owner, reason, parse_span(span)))


@app.command()
def report(
    file: Annotated[Path, typer.Argument(help="Where to write it: a .pdf or a .csv.")],
    first: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days.")] = 30,
    site: Annotated[list[str] | None, typer.Option(help="Which sites; else all.")] = None,
) -> None:
    """Write what sites cost, what was saved and what is wrong, with plots or as a table."""
    say_errors(lambda: write_report(state_folder(), site or [], first.date(), days, file, console))


@app.command()
def island(
    site: Annotated[
        str, typer.Argument(help="home-1: its record; with --drill its switch's name.")
    ],
    drill: Annotated[str, typer.Option(help="A device, home-1's switch: open it for a time.")] = "",
    span: Span = "30min",
    reason: Annotated[
        str, typer.Option("--reason", help="Why a drill; kept for good.")
    ] = "a drill",
    owner: Owner = "",
    most: Annotated[int, typer.Option(min=1, max=1000, help="How much of the record.")] = 100,
) -> None:
    """Say when a site was without the grid, and what was off; 1: it is now. Or drill that."""
    where = SiteId(site.removeprefix("sites/"))
    if drill:
        device = drill if "/" in drill else f"{where.name}/devices/{drill}"
        person, length = _person(owner, reason), parse_span(span)
        opened = (setpoint_kind("on_off"), 0.0)
        kind = hold_pb2.HOLD_KIND_SETPOINT
        _operate(lambda control: control.place(device, kind, person, length, opened))
        return

    async def run() -> int:
        async with island_record(state_folder(), console) as record:
            return await record.show(where, most)

    say_errors(run)


@app.command("dry-run")
def dry_run(
    what: Annotated[str, typer.Argument(help="A plan, plans/…, or a device.")],
    value: Annotated[float | None, typer.Argument(help="Of a device: what to ask.")] = None,
    span: Span = "1h",
    kind: Kind = "active_power_w",
    owner: Owner = "",
) -> None:
    """Say what would become of a plan or a value, and change nothing; 1: some is refused."""
    if value is None:
        _operate(lambda control: control.dry_run_plan(what))
        return
    setpoint = (setpoint_kind(kind), value)
    who, length = owner or whoever(), parse_span(span)
    _operate(lambda control: control.dry_run_value(what, setpoint, length, who))


def _person(owner: str, reason: str) -> Person:
    return Person(owner=owner or whoever(), reason=reason)


def _operate(work: Callable[[Operator], Awaitable[int]]) -> None:
    """Do something at the controls of the mesh that runs here."""

    async def run() -> int:
        async with operator(state_folder(), console) as control:
            return await work(control)

    say_errors(run)


def _see_to(work: Callable[[AlertDesk], Awaitable[int]]) -> None:
    """Do something about the alerts of the mesh that runs here."""

    async def run() -> int:
        async with alert_desk(state_folder(), console) as desk:
            return await work(desk)

    say_errors(run)
