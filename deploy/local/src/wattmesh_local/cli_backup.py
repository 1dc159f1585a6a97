"""The `wattmesh` commands that take backups of the mesh's database, and bring it back."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from wattmesh_kernel.errors import WattmeshError
from wattmesh_local.backup.folder import BackupFolder, Copy
from wattmesh_local.backup.programs import BackupError
from wattmesh_local.backup.restore import restore as bring_back
from wattmesh_local.backup.take import TakeBackups
from wattmesh_local.cli_output import console
from wattmesh_local.options import state_folder
from wattmesh_local.postgres_places import PostgresPlaces
from wattmesh_local.running.alone import alone_in
from wattmesh_local.running.process import ProcessError
from wattmesh_local.running.state import MeshState

app = typer.Typer(
    help="Whole copies of the database and its log since: the way back to any moment.",
    no_args_is_help=True,
    add_completion=False,
)
Folder = Annotated[Path, typer.Argument(help="Folder of the backups; best on another disk.")]
Database = Annotated[
    str, typer.Option(help="PostgreSQL URL; else the database of the mesh that runs here.")
]
_MEGABYTE = 1e6


@app.command("take")
def take(
    folder: Folder,
    database: Database = "",
    keep: Annotated[int, typer.Option(min=1, help="How many copies to keep.")] = 7,
) -> None:
    """Copy the whole database while it is in use, and verify the copy."""
    backups = BackupFolder(folder)

    async def work() -> None:
        taken = await _taker(database, backups).copy()
        console.print(f"taken and verified: {_line(taken)}")
        for each in backups.keep(keep):
            console.print(f"removed: {each.folder.name}")

    _do(work())


@app.command("follow")
def follow(folder: Folder, database: Database = "") -> None:
    """Receive the database's log as it is written, until Ctrl-C: what is committed is kept."""
    console.print("receiving; Ctrl-C ends it, and the next start goes on where it ended")
    _do(_taker(database, BackupFolder(folder)).follow())


@app.command("list")
def list_copies(folder: Folder) -> None:
    """Show to which moments a folder of backups leads back."""
    backups = BackupFolder(folder)
    for each in backups.copies():
        console.print(_line(each))
    if not backups.copies():
        console.print(f"there is no backup in {folder}")
        raise typer.Exit(1)
    followed = "and every later moment that was followed" if backups.segments() else "and no other"
    console.print(f"Leads back to these moments, {followed}.")


def restore(
    folder: Folder,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"],
            help="Moment with its zone, 2026-03-01T17:00:00+01:00; else all that was received.",
        ),
    ] = None,
) -> None:
    """Bring the database of this machine's mesh back to a moment; what is there stays beside."""
    here = state_folder()

    async def work() -> None:
        with alone_in(here):
            came = await bring_back(BackupFolder(folder), here / "postgres", until=until)
        to = came.last_commit or came.copy.moment
        console.print(f"restored to {to.isoformat(timespec='seconds')}")
        if came.aside is not None:
            console.print(Text(f"what was there before is in {came.aside}"), soft_wrap=True)
        console.print("take a new backup now: a log goes on from the copy before it alone")

    _do(work())


def _taker(database: str, backups: BackupFolder) -> TakeBackups:
    here = state_folder()
    url = database or str(MeshState(here).read()["database_url"])
    return TakeBackups(url, backups, PostgresPlaces(here / "postgres").programs)


def _line(copy: Copy) -> str:
    moment = copy.moment.astimezone().isoformat(timespec="seconds")
    return f"{moment}  {copy.size_bytes / _MEGABYTE:.0f} MB  {copy.folder.name}"


def _do(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except (BackupError, ProcessError, WattmeshError) as error:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(1) from error
