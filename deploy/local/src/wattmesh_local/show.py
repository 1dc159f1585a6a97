"""Running the mesh and showing it, until told to stop or until a time."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from rich.console import Console
from rich.live import Live
from rich.text import Text

from wattmesh_kernel.time import floor_time
from wattmesh_local.given_database import check_given_database
from wattmesh_local.mesh import Mesh
from wattmesh_local.options import MeshOptions
from wattmesh_local.running.pacing import Pacing
from wattmesh_local.running.process import ProcessEvent
from wattmesh_local.watching.cells import ASCII, UTF8
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.daily_events import DailyEvents
from wattmesh_local.watching.live_view import Picture, render, summary_line
from wattmesh_local.watching.plans import PlansMade
from wattmesh_local.watching.sites import followed_site_model
from wattmesh_local.watching.snapshot import Observer
from wattmesh_runtime.aio.tasks import BackgroundTasks, race
from wattmesh_sitemodel.view import SiteModelView

_REFRESH_SECONDS = 0.75
_LINE_EVERY = timedelta(hours=1)
_LINE_EVERY_LIVE = timedelta(minutes=1)
_WEEK, _ASKED_ON = 7, 3
"""Days of a week, and the weekday on which sites are asked for less: Thursday."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningMesh:
    """A mesh that runs, with the means to ask it."""

    mesh: Mesh
    clients: MeshClients
    site_model: SiteModelView
    pacing: Pacing | None = None
    """What drives simulated time; None: it is the machine's."""


@asynccontextmanager
async def running_mesh(options: MeshOptions, console: Console) -> AsyncIterator[RunningMesh]:
    """Give a running mesh, saying on the console what is being done."""
    logging.getLogger("wattmesh_runtime").setLevel(logging.ERROR)

    bullet = "-" if console.options.ascii_only else "·"

    def say(text: str) -> None:
        console.print(f"[dim]{bullet}[/dim] {text}", highlight=False, soft_wrap=True)

    def tell(event: ProcessEvent) -> None:
        console.print(f"[yellow]{event.name} {event.text}[/yellow]", highlight=False)

    if options.database_url is not None and not options.live:
        await asyncio.to_thread(check_given_database, options.database_url)
    async with (
        Mesh(options, say=say, tell=tell) as mesh,
        MeshClients(mesh.addresses.targets, mesh.folders.own_identity) as clients,
        followed_site_model(clients, mesh.clock) as site_model,
        BackgroundTasks() as background,
    ):
        pacing = mesh.pacing(PlansMade(clients))
        if pacing is not None:
            background.start(pacing.run(), name="pacing")
        yield RunningMesh(mesh=mesh, clients=clients, site_model=site_model, pacing=pacing)


async def run_live(
    options: MeshOptions, console: Console, *, plain: bool, events: bool = False
) -> int:
    """Show the mesh until cancelled. `events`: each Thursday all sites are asked for less."""
    async with running_mesh(options, console) as running, BackgroundTasks() as background:
        if events and not options.live:
            background.start(_ask_weekly(running), name="events")
        await show(running, console, until=None, plain=plain)
    return 0


async def _ask_weekly(running: RunningMesh) -> None:
    mesh = running.mesh
    first = (_ASKED_ON - mesh.start.astimezone(mesh.zone).weekday()) % _WEEK
    days = (mesh.day_after(number) for number in count(first, _WEEK))
    await DailyEvents(running.clients, mesh.clock, mesh.zone).run_on(running.site_model, days)


async def show(
    running: RunningMesh, console: Console, *, until: datetime | None, plain: bool
) -> None:
    """Show the mesh until a simulated time; for ever without one."""
    watching = _print_lines(running, console) if plain else _live_picture(running, console)
    if until is None:
        await watching
    else:
        await race(watching, running.mesh.clock.sleep_until(until))


async def _live_picture(running: RunningMesh, console: Console) -> None:
    """Show the picture on a screen of its own, drawn anew whenever the terminal's size changes."""
    observer, mesh = _observer(running), running.mesh
    glyphs = ASCII if console.options.ascii_only else UTF8
    with Live(Text(""), console=console, auto_refresh=False, screen=True) as live:
        while True:
            picture = Picture(
                snapshot=await observer.look(mesh.clock.now()),
                zone=mesh.zone,
                rate=mesh.clock.rate,
                events=tuple(mesh.supervisor.events),
                doing=mesh.waiting or mesh.doing,
                web=mesh.folders.page_at(mesh.addresses.web),
            )
            live.update(render(picture, console.size, glyphs), refresh=True)
            await asyncio.sleep(_REFRESH_SECONDS)


async def _print_lines(running: RunningMesh, console: Console) -> None:
    observer, mesh = _observer(running), running.mesh
    while True:
        snapshot = await observer.look(mesh.clock.now())
        console.print(summary_line(snapshot, mesh.zone), highlight=False, soft_wrap=True)
        every = _LINE_EVERY_LIVE if mesh.options.live else _LINE_EVERY
        await mesh.clock.sleep_until(floor_time(mesh.clock.now(), every) + every)


def _observer(running: RunningMesh) -> Observer:
    mesh = running.mesh
    return Observer(running.clients, running.site_model, mesh.addresses.processes, mesh.start)
