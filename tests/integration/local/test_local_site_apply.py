"""A site's file against SiteService itself."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from tests.fakes.metering_world import MeteringWorld, metering_world
from tests.fakes.site_file import EVERY_KIND, FILE
from wattmesh.site.v1 import site_service_pb2
from wattmesh_kernel.errors import NotFound, WattmeshError
from wattmesh_local.site_files import apply_file, export_site


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


async def test_every_kind_of_asset_goes_round_and_each_change_of_one_is_told(
    database_url: str, tmp_path: Path
) -> None:
    changes = {
        "min_current_a: 6": ("min_current_a: 8", "ev_charger.min_current_a: 6 → 8"),
        "max_temperature_celsius: 24": (
            "max_temperature_celsius: 23",
            "hvac_zone.occupied_band.max_temperature_celsius: 24 → 23",
        ),
        "capacity_wh_per_k: 350": ("capacity_wh_per_k: 300", "capacity_wh_per_k: 350 → 300"),
        "interruptible: true": ("interruptible: false", "deferrable_load.interruptible: "),
        "hub_height_m: 30": ("hub_height_m: 40", "wind_turbine.hub_height_m: 30 → 40"),
        "fuel_cost_per_kwh: 0.3": ("fuel_cost_per_kwh: 0.4", "fuel_cost_per_kwh: 0.3 → 0.4"),
        "setpoint_kinds: [on_off]": ("setpoint_kinds: []", "setpoint_kinds"),
        "charge_point_id: cp-1": ("charge_point_id: cp-2", "charge_point_id: cp-1 → cp-2"),
    }
    async with metering_world(database_url) as world:
        terminal = Terminal(world, tmp_path)
        count = 1 + 10 + 5
        assert f"it would be {count} created" in await terminal.apply(EVERY_KIND, dry_run=True)
        assert f"{count} created, 0 changed" in await terminal.apply(EVERY_KIND)
        assert "nothing to change" in await terminal.apply(await terminal.export("farm"))
        changed = EVERY_KIND
        for before, (after, _) in changes.items():
            assert before in changed
            changed = changed.replace(before, after)
        told = await terminal.apply(changed, dry_run=True)
        for _, said in changes.values():
            assert said in told
        assert "8 changed" in told


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
