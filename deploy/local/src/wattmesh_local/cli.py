"""The `wattmesh` command."""

import asyncio
import io
import os
import signal
import sys
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from wattmesh_kernel.errors import WattmeshError
from wattmesh_local import (
    cli_accounts,
    cli_backup,
    cli_broker,
    cli_forecast,
    cli_people,
    cli_readings,
    cli_weather,
    device,
)
from wattmesh_local.certs import certs
from wattmesh_local.cli_assistant import mcp
from wattmesh_local.cli_options import (
    Data,
    Homes,
    Identities,
    Live,
    Metrics,
    Plain,
    Rate,
    Replicas,
    SiteSet,
    Start,
)
from wattmesh_local.cli_output import console, say_errors
from wattmesh_local.demo import run_demo
from wattmesh_local.options import (
    MeshOptions,
    options_from_environment,
    parse_rate,
    parse_replicas,
    state_folder,
)
from wattmesh_local.postgres import PostgresError
from wattmesh_local.running.process import ProcessError
from wattmesh_local.running.state import MeshState
from wattmesh_local.show import run_live
from wattmesh_local.site_files import (
    apply_file,
    export_site,
    metering_identity,
    metering_target,
    print_schema,
)
from wattmesh_local.status import print_status

app = typer.Typer(
    help="Wattmesh on one machine: every service as its own process, with embedded defaults.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(device.app, name="device")
app.command()(certs)
app.command()(mcp)
app.add_typer(cli_people.app)
app.add_typer(cli_forecast.app, name="forecast")
app.add_typer(cli_readings.app, name="readings")
app.add_typer(cli_weather.app, name="weather")
app.add_typer(cli_accounts.app)
app.add_typer(cli_backup.app, name="backup")
app.add_typer(cli_broker.app, name="broker")
app.command()(cli_backup.restore)

_INTERRUPTED = 130
"""As a shell says it of a command that Ctrl-C ended."""


@app.command()
def up(
    homes: Homes = None,
    start: Start = None,
    rate: Rate = "auto",
    data: Data = None,
    replicas: Replicas = "",
    plain: Plain = False,
    live: Live = False,
    site: SiteSet = "homes",
    identities: Identities = True,
    metrics: Metrics = False,
    events: Annotated[
        bool, typer.Option("--events", help="Ask all sites for less each Thursday evening.")
    ] = False,
) -> None:
    """Start everything and show it live, until Ctrl-C."""
    options = _options(
        homes, start, 1, rate, data, replicas, live=live, site=site, identities=identities
    )
    options = replace(options, train_beside=True, metrics=metrics)
    plain = plain or not console.is_terminal
    _run(run_live(options, console, plain=plain, events=events), interrupted=0)


@app.command()
def demo(
    days: Annotated[int, typer.Option(min=1, help="How many simulated days.")],
    homes: Homes = None,
    start: Start = None,
    rate: Rate = "auto",
    data: Data = None,
    replicas: Replicas = "",
    report: Annotated[Path | None, typer.Option(help="Where to write the report as JSON.")] = None,
    plain: Plain = False,
    site: SiteSet = "homes",
    identities: Identities = True,
    events: Annotated[
        bool, typer.Option("--events", help="Ask all sites for less each evening, 4 h ahead.")
    ] = False,
) -> None:
    """Run for some days, print a summary, write the report; status 1 when it was not sound."""
    options = _options(homes, start, days, rate, data, replicas, site=site, identities=identities)
    plain = plain or not console.is_terminal
    work = run_demo(options, console, report_file=report, plain=plain, events=events)
    _run(work, interrupted=_INTERRUPTED)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask each process of the running mesh how it is, and what is planned; 1: one is not ready."""
    raise typer.Exit(asyncio.run(print_status(state_folder(), console, as_json=as_json)))


@app.command()
def watch() -> None:
    """Go through the mesh that runs here, in this terminal: sites, plans, vehicles, alerts."""
    # Imported here, so that the other commands do not wait for it.
    from wattmesh_local.terminal.watch import watch_mesh

    mesh = MeshState(state_folder())
    ascii_only = console.options.ascii_only
    say_errors(lambda: watch_mesh(mesh, ascii_only=ascii_only))


site_app = typer.Typer(
    help="A whole site in one readable file.", no_args_is_help=True, add_completion=False
)
app.add_typer(site_app, name="site")
Target = Annotated[
    str, typer.Option(help="host:port of SiteService; else that of the mesh that runs here.")
]


@site_app.command("apply")
def site_apply(
    file: Annotated[Path, typer.Argument(help="The site's file, YAML.")],
    target: Target = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete assets and devices the file does not have.")
    ] = False,
) -> None:
    """Make what is registered of a site as its file says, and show what changes."""
    say_errors(
        lambda: apply_file(
            file,
            metering_target(target, state_folder()),
            console,
            dry_run=dry_run,
            prune=prune,
            identity=metering_identity(target, state_folder()),
        )
    )


@site_app.command("export")
def site_export(
    site: Annotated[str, typer.Argument(help="home-1, or sites/home-1.")],
    target: Target = "",
    file: Annotated[Path | None, typer.Option("--to", help="A file to write.")] = None,
) -> None:
    """Write the file of a site that is registered."""
    say_errors(
        lambda: export_site(
            site,
            metering_target(target, state_folder()),
            console,
            file,
            metering_identity(target, state_folder()),
        )
    )


@site_app.command("schema")
def site_schema() -> None:
    """Print the JSON Schema of a site's file, for an editor to complete and check by."""
    print_schema(console)


def _options(
    homes: str | None,
    start: datetime | None,
    days: int,
    rate: str,
    data: Path | None,
    replicas: str,
    *,
    live: bool = False,
    site: str = "homes",
    identities: bool = True,
) -> MeshOptions:
    day = start.date() if start is not None else None
    try:
        return options_from_environment(
            homes=homes,
            start=day,
            days=days,
            rate=parse_rate(rate),
            data=data,
            replicas=parse_replicas(replicas),
            live=live,
            site=site,
            identities=identities,
        )
    except WattmeshError as error:
        raise typer.BadParameter(error.message) from error


def _run(work: Coroutine[Any, Any, int], *, interrupted: int) -> None:
    """Run to the end or to the first Ctrl-C, after which everything is ended in order."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a sign that a terminal lacks is no failure
    try:
        code = asyncio.run(_until_signal(work, interrupted))
    except (ProcessError, PostgresError, WattmeshError, OSError) as error:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(1) from error
    raise typer.Exit(code)


async def _until_signal(work: Coroutine[Any, Any, int], interrupted: int) -> int:
    task = asyncio.ensure_future(work)
    told = asyncio.Event()

    def stop() -> None:
        if not told.is_set():  # a second Ctrl-C does not disturb the ending
            told.set()
            task.cancel()

    def hang_up() -> None:
        """End although nobody is there to be told: the terminal was closed."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        stop()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    try:
        return await task
    except asyncio.CancelledError:
        return interrupted if told.is_set() else 1
