"""`wattmesh site apply | export | schema`."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from wattmesh_kernel.errors import InvalidArgument, NotFound, WattmeshError
from wattmesh_local.identities.folder import caller_settings
from wattmesh_local.running.state import MeshState
from wattmesh_runtime.channels import open_channel
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_sitemodel.site_file.changes import Action, Change, compare
from wattmesh_sitemodel.site_file.document import parse_document, write_document
from wattmesh_sitemodel.site_file.registry import SiteRegistry
from wattmesh_sitemodel.site_file.schema import document_schema

_COLOURS = {Action.CREATE: "green", Action.UPDATE: "yellow", Action.DELETE: "red"}


def metering_target(given: str, state_folder: Path) -> str:
    """Return where SiteService serves: as given, or of the mesh that runs here. Error: NotFound."""
    return given or str(MeshState(state_folder).read()["targets"]["metering"])


def metering_identity(given: str, state_folder: Path) -> Path | None:
    """Return what is shown there: to another mesh than that here, what the environment names."""
    mesh = MeshState(state_folder)
    if given and not (mesh.is_there and mesh.read()["targets"]["metering"] == given):
        return None
    return mesh.identity()


async def apply_file(
    file: Path,
    target: str,
    console: Console,
    *,
    dry_run: bool,
    prune: bool,
    identity: Path | None = None,
) -> int:
    """Make what is registered as the file says, showing what changes; 0 when all is done."""
    wanted = parse_document(_read(file))
    async with _registry(target, identity) as registry:
        changes = compare(wanted, await registry.there(wanted), prune=prune)
        for change in changes:
            _show(change, console)
        if dry_run or not changes:
            console.print(_sum(changes, dry_run=dry_run), highlight=False)
            return 0
        for done, change in enumerate(changes):
            try:
                await registry.apply(change)
            except WattmeshError:
                console.print(f"{change.name} is refused, after {done} of {len(changes)} changes")
                raise
    console.print(_sum(changes, dry_run=False), highlight=False)
    return 0


async def export_site(
    site: str, target: str, console: Console, file: Path | None, identity: Path | None = None
) -> int:
    """Write the file of a site, to standard output or to a file."""
    name = site if site.startswith("sites/") else f"sites/{site}"
    async with _registry(target, identity) as registry:
        document = await registry.read(name)
    if document is None:
        raise NotFound("SITE_NOT_FOUND", f"there is no site {name}")
    text = write_document(document)
    if file is None:
        console.out(text, end="", highlight=False)
    else:
        _write(file, text)
    return 0


def print_schema(console: Console) -> None:
    """Print the JSON Schema of a site's file."""
    console.out(json.dumps(document_schema(), indent=2), highlight=False)


@asynccontextmanager
async def _registry(target: str, identity: Path | None) -> AsyncIterator[SiteRegistry]:
    channel = open_channel(target, caller_settings(identity), Telemetry("local"))
    try:
        yield SiteRegistry(channel)
    finally:
        await channel.close()


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument("INVALID_DOCUMENT", f"{file} cannot be read: {error}") from error


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise InvalidArgument("INVALID_DOCUMENT", f"{file} cannot be written: {error}") from error


def _show(change: Change, console: Console) -> None:
    style = _COLOURS[change.action]
    console.print(Text(f"{change.action.value} {change.name}", style=style), soft_wrap=True)
    for line in change.lines:
        console.print(Text(f"    {line}", style="dim"), soft_wrap=True)


def _sum(changes: list[Change], *, dry_run: bool) -> str:
    if not changes:
        return "nothing to change: what is registered is as the file says"
    counts = {action: sum(change.action is action for change in changes) for action in Action}
    words = (
        f"{counts[Action.CREATE]} created, {counts[Action.UPDATE]} changed, "
        f"{counts[Action.DELETE]} deleted"
    )
    return f"dry run, nothing was done; it would be {words}" if dry_run else words
