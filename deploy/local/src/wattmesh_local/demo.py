"""`wattmesh demo`: some days, then a summary and a report."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from wattmesh.gateway.v1 import gateway_pb2
from wattmesh_kernel.errors import DeadlineExceeded, InvalidArgument, Unavailable
from wattmesh_kernel.time import TimeRange
from wattmesh_local.options import MeshOptions
from wattmesh_local.running.processes import GATEWAY
from wattmesh_local.show import RunningMesh, running_mesh, show
from wattmesh_local.watching.daily_events import DailyEvents
from wattmesh_local.watching.report import Report, make_report
from wattmesh_local.watching.sites import watched_sites
from wattmesh_runtime.aio.losses import PASSING
from wattmesh_runtime.aio.tasks import BackgroundTasks, race
from wattmesh_runtime.errors import rpc_errors

_SETTLE_SECONDS = 2.5
_DRAIN_SECONDS = 15.0
PATIENCE_SECONDS = 600.0
"""So long what a run came to is asked for: on a busy machine a call may take longer than it may,
and days of running would be lost with it."""
_AGAIN_SECONDS = 2.0


async def run_demo(
    options: MeshOptions,
    console: Console,
    *,
    report_file: Path | None,
    plain: bool,
    events: bool = False,
) -> int:
    """Run for the days that are asked for; return 0 when the run was sound, else 1.

    `events`: each day all sites are asked for less, four hours ahead.
    """
    if report_file is not None:
        _make_folder(report_file)
    began = time.monotonic()
    async with running_mesh(options, console) as running, BackgroundTasks() as background:
        span = _span(running)
        settled = span.end + timedelta(seconds=_SETTLE_SECONDS * options.rate)
        if events:
            background.start(_call_events(running), name="events")
        await race(show(running, console, until=settled, plain=plain), background.watch())
        clock = running.pacing.content() if running.pacing is not None else None
        await _come_to_rest(running)
        wall_s = time.monotonic() - began
        report = await patiently(
            lambda: make_report(
                running.clients,
                watched_sites(running.site_model.model, span.start),
                span,
                gateway=GATEWAY,
                ledger_folder=running.mesh.folders.ledger,
                wall_s=wall_s,
                clock=clock,
                events=events,
            ),
            lambda why: console.print(f"· the report waits: {why}", highlight=False, markup=False),
        )
    if report_file is not None:
        _write(report_file, report)
    console.print(_summary(report.content))
    if missing := report.content["missing_intervals"]:
        words = "site hours were not metered, and count on neither side"
        console.print(f"[yellow]{missing} {words}[/yellow]", highlight=False)
    for fault in report.faults:
        console.print(f"[red]not sound: {fault}[/red]", highlight=False)
    return 1 if report.faults else 0


async def patiently(
    make: Callable[[], Awaitable[Report]],
    tell: Callable[[str], None],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    again_seconds: float = _AGAIN_SECONDS,
) -> Report:
    """Return what is made, tried again while what it asks is away, slow or full.

    Error: as of the last try, when patience ends.
    """
    until, said = time.monotonic() + patience_seconds, ""
    while True:
        try:
            return await make()
        except PASSING as error:
            if time.monotonic() >= until:
                raise
            if said != (said := str(error)):
                tell(said)
            await asyncio.sleep(again_seconds)


def _span(running: RunningMesh) -> TimeRange:
    return TimeRange(running.mesh.start, running.mesh.day_after(running.mesh.options.days))


async def _call_events(running: RunningMesh) -> None:
    mesh = running.mesh
    days = [mesh.day_after(number) for number in range(mesh.options.days)]
    await DailyEvents(running.clients, mesh.clock, mesh.zone).run(running.site_model, days)
    await asyncio.Event().wait()


async def _come_to_rest(running: RunningMesh) -> None:
    """End the devices, and wait until every reading of theirs has reached metering."""
    await running.mesh.supervisor.stop(["twin"])
    deadline = time.monotonic() + _DRAIN_SECONDS
    while time.monotonic() < deadline:
        if await _is_drained(running):
            return
        await asyncio.sleep(0.2)


async def _is_drained(running: RunningMesh) -> bool:
    request = gateway_pb2.GetGatewayStatusRequest()
    try:
        with rpc_errors():
            status = await running.clients.gateway.GetGatewayStatus(request, timeout=2)
    except (
        Unavailable,
        DeadlineExceeded,
    ):  # it comes back: what it keeps is on disk
        return False
    return not status.readings_spooled


def _make_folder(file: Path) -> None:
    """Make the report's folder; said before the run what would spoil its end."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        writable = not file.is_dir() and os.access(file.parent, os.W_OK)
    except OSError as error:
        raise InvalidArgument("INVALID_REPORT", f"--report {file}: {error.strerror}") from error
    if not writable:
        raise InvalidArgument("INVALID_REPORT", f"--report {file} is no file that can be written")


def _write(file: Path, report: Report) -> None:
    file.write_text(json.dumps(report.content, indent=2) + "\n")


def _summary(content: Any) -> Table:
    table = Table(title=f"{content['homes']} sites, {content['days']:g} days", title_justify="left")
    table.add_column("")
    for name in ("without control", "with control", "saved"):
        table.add_column(name, justify="right")
    currency = content["cost"]["currency"]
    for name, key, form in (
        (f"cost {currency}", "cost", ".2f"),
        ("carbon kg", "carbon_kg", ".1f"),
        ("peak kW", "peak_kw", ".2f"),
    ):
        before, after = content[key]["no_control"], content[key]["achieved"]
        saved = f"{(before - after) / before:.1%}" if before else "–"
        table.add_row(name, f"{before:{form}}", f"{after:{form}}", saved)
    for name, key in (("EVs missed kWh", "missed_kwh"), (f"EV sites {currency}", "cost")):
        if charging := content["kinds"].get("ev_charger"):
            before, after = charging[key]["no_control"], charging[key]["achieved"]
            table.add_row(name, f"{before:.2f}", f"{after:.2f}", f"{before - after:+.2f}")
    if zones := content["kinds"].get("hvac_zone"):
        for name, key in (
            ("outside comfort K·h", "outside_kh"),
            (f"cooled sites {currency}", "cost"),
        ):
            before, after = zones[key]["no_control"], zones[key]["achieved"]
            table.add_row(name, f"{before:.2f}", f"{after:.2f}", f"{before - after:+.2f}")
    for name in ("plans", "readings", "commands", "forecast", "clock", "events"):
        if name not in content:
            continue
        words = (f"{word} {value}" for word, value in content[name].items())
        table.add_section()
        table.add_row(name, "\n".join(words), "", "")
    if degradations := content["degradations"]:
        table.add_section()
        words = (f"{kind} {count}" for kind, count in degradations.items())
        table.add_row("degraded", "\n".join(words), "", "")
    return table
