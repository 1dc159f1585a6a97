"""A site's file against SiteService itself."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from tests.fakes.metering_world import MeteringWorld, metering_world
from tests.fakes.site_file import FILE
from wattmesh.site.v1 import site_service_pb2
from wattmesh_kernel.errors import NotFound, WattmeshError
from wattmesh_local.site_file.commands import apply_file, export_site


class Terminal:
    """Runs the commands as a user does, and keeps what they print."""

    def __init__(self, world: MeteringWorld, folder: Path) -> None:
        self._target = world.target
        self._file = folder / "site.yaml"

    async def apply(self, text: str, *, dry_run: bool = False, prune: bool = False) -> str:
        self._file.write_text(text)
        console = Console(file=io.StringIO(), width=200)
        await apply_file(self._file, self._target, console, dry_run=dry_run, prune=prune)
        return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]

    async def export(self, site: str = "home-1") -> str:
        await export_site(site, self._target, Console(file=io.StringIO()), self._file)
        return self._file.read_text()


async def test_a_site_is_made_changed_and_written_as_its_file_says(
    database_url: str, tmp_path: Path
) -> None:
    async with metering_world(database_url) as world:
        terminal = Terminal(world, tmp_path)

        assert "it would be 5 created" in await terminal.apply(FILE, dry_run=True)
        assert "5 created, 0 changed" in await terminal.apply(FILE)
        assert "nothing to change" in await terminal.apply(FILE)
        assert "nothing to change" in await terminal.apply(await terminal.export())

        moved = FILE.replace("192.0.2.7", "192.0.2.8").replace("0.42", "0.52")
        told = await terminal.apply(moved)
        assert "connection.modbus_tcp.host: 192.0.2.7 → 192.0.2.8" in told
        assert "0 created, 2 changed, 0 deleted" in told

        fewer = moved[: moved.index("devices:\n")]
        assert "- sites/home-1/devices/storage" in await terminal.apply(fewer, prune=True)
        request = site_service_pb2.ListDevicesRequest(parent="sites/home-1")
        assert list((await world.sites.ListDevices(request)).devices) == []


async def test_what_the_service_refuses_is_said_in_its_words(
    database_url: str, tmp_path: Path
) -> None:
    async with metering_world(database_url) as world:
        terminal = Terminal(world, tmp_path)
        with pytest.raises(WattmeshError, match="must be 0 to 1"):
            await terminal.apply(
                FILE.replace("capacity_wh: 10000", "capacity_wh: 10000, max_soc_ratio: 3")
            )
        with pytest.raises(NotFound, match="there is no site"):
            await terminal.export("nowhere")
