"""Metering on a database, as processes whose CPU is counted, and the points that are measured."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc
import psycopg

from tests.fakes.metering_world import some_device
from wattmesh.site.v1 import (
    asset_pb2,
    device_pb2,
    site_pb2,
    site_service_pb2,
    site_service_pb2_grpc,
)
from wattmesh.type.v1 import rating_pb2
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_local.running.ports import free_targets

POINTS = 100
"""Points of a site and kind."""
KINDS = {
    "gauges": ("active_power_w", "reactive_power_var", "voltage_v", "current_a"),
    "registers": ("import_energy_wh", "export_energy_wh"),
}


class Mesh:
    """A database and metering on it."""

    def __init__(self, url: str, target: str, metering: "subprocess.Popen[bytes]") -> None:
        self.url = url
        self.target = target
        self.metering = metering

    def cpu(self) -> tuple[float, float]:
        """Return the CPU seconds so far of metering and of all of the database."""
        with psycopg.connect(self.url) as connection:
            found = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert found is not None
            postmaster = parent(int(found[0]))
        return process_cpu(self.metering.pid), tree_cpu(postmaster)


@contextmanager
def running(durable: bool) -> Iterator[Mesh]:
    """Run both; end them."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        (target,) = free_targets(1)
        place = Path(folder) / "postgres"
        with EmbeddedPostgres(place, durable=durable, keep=False) as server:
            with (Path(folder) / "metering.log").open("wb") as log:
                metering = subprocess.Popen(
                    [sys.executable, "-m", "wattmesh_metering"],
                    env=os.environ
                    | {"WATTMESH_DATABASE_URL": server.url(), "WATTMESH_LISTEN_ADDRESS": target},
                    stdout=log,
                    stderr=log,
                )
            try:
                yield Mesh(server.url(), target, metering)
            finally:
                metering.terminate()
                metering.wait()


async def register(target: str, streams: int) -> dict[str, list[list[str]]]:
    """Create a site for each stream and kind; return the names of their points."""
    points: dict[str, list[list[str]]] = {}
    async with grpc.aio.insecure_channel(target) as channel:
        sites = site_service_pb2_grpc.SiteServiceStub(channel)
        for kind, quantities in KINDS.items():
            points[kind] = [
                await _add_points(sites, f"sites/{kind}-{number}", quantities)
                for number in range(streams)
            ]
    return points


async def _add_points(
    sites: "site_service_pb2_grpc.SiteServiceAsyncStub", name: str, quantities: Sequence[str]
) -> list[str]:
    site = site_pb2.Site(name=name, time_zone="UTC", currency_code="EUR")
    create = site_service_pb2.CreateSiteRequest(site=site)
    await sites.CreateSite(create, wait_for_ready=True, timeout=120)
    asset = asset_pb2.Asset(name=f"{name}/assets/load", load=rating_pb2.LoadRating())
    await sites.CreateAsset(site_service_pb2.CreateAssetRequest(asset=asset))
    part = device_pb2.DeviceFunction(asset=asset.name, meter_role=device_pb2.METER_ROLE_PART)
    points = []
    for number in range(POINTS // len(quantities)):
        device = some_device(f"{name}/devices/m{number}", quantities, part)
        points += [each.name for each in device.points]
        await sites.CreateDevice(site_service_pb2.CreateDeviceRequest(device=device))
    return points


def process_cpu(pid: int) -> float:
    """Return the CPU seconds of a process, its threads and the children that it waited for."""
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2 :].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def parent(pid: int) -> int:
    """Return the process that started another one."""
    text = Path(f"/proc/{pid}/stat").read_text()
    return int(text[text.rindex(")") + 2 :].split()[1])


def tree_cpu(root: int) -> float:
    """Return the CPU seconds of a process and all that runs below it, and of what has ended."""
    spent = process_cpu(root)
    for task in Path(f"/proc/{root}/task").iterdir():
        for child in (task / "children").read_text().split():
            try:
                spent += tree_cpu(int(child))
            except FileNotFoundError:
                continue
    return spent
