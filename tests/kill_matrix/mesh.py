"""A database and a metering process, either of which may be killed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import grpc
from psycopg import conninfo

from tests.fakes.metering_world import home_assets, home_device, some_device
from tests.fakes.stoppable_postgres import kill_server
from wattmesh.site.v1 import device_pb2, site_pb2, site_service_pb2, site_service_pb2_grpc
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_local.running.ports import free_targets

START = datetime(2024, 1, 1, tzinfo=UTC)
METER_TOPIC = "home-1/meter"
METER_POINTS = ("import_energy_wh", "export_energy_wh", "active_power_w")


@dataclass(kw_only=True)
class Mesh:
    """A database and a metering process, either of which may be killed."""

    server: EmbeddedPostgres
    socket: Path
    """Where the database is found, whichever folder it listens in since its last start."""
    target: str
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    clock: dict[str, str] = field(default_factory=dict)
    """A setting of its clock, if it is not the machine's."""

    @property
    def url(self) -> str:
        """The database's, the same after each start."""
        return conninfo.make_conninfo(self.server.url(), host=str(self.socket))

    def start_database(self) -> None:
        """Start it on what it kept."""
        self.server.start()
        host = conninfo.conninfo_to_dict(self.server.url())["host"]
        self.socket.unlink(missing_ok=True)
        self.socket.symlink_to(str(host))

    def start_metering(self) -> None:
        """Start the service as it is deployed."""
        told = {"DATABASE_URL": self.url, "LISTEN_ADDRESS": self.target} | self.clock
        environment = os.environ | {f"WATTMESH_{name}": value for name, value in told.items()}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "wattmesh_metering"],
                env=environment,
                stdout=log,
                stderr=log,
            )

    def kill(self, victim: str) -> None:
        """Kill a part and start it anew."""
        if victim == "database":
            kill_server(self.server)
            self.start_database()
        else:
            self.end_metering()
            self.start_metering()

    def end_metering(self) -> None:
        """Kill the process, whether or not it still runs."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.kill()
            self.process.wait()


@contextmanager
def running(folder: Path) -> Iterator[Mesh]:
    """Run both; end them."""
    (target,) = free_targets(1)
    server = EmbeddedPostgres(folder / "postgres", keep=True)
    mesh = Mesh(server=server, socket=folder / "socket", target=target, log=folder / "metering.log")
    try:
        mesh.start_database()
        mesh.start_metering()
        yield mesh
    finally:
        mesh.end_metering()
        server.stop()
        for note in folder.rglob("postgres-place"):  # root's data lie elsewhere
            shutil.rmtree(note.read_text().strip(), ignore_errors=True)


async def register(target: str) -> None:
    """Create the home, once metering answers."""
    async with grpc.aio.insecure_channel(target) as channel:
        sites = site_service_pb2_grpc.SiteServiceStub(channel)
        site = site_pb2.Site(name="sites/home-1", time_zone="UTC", currency_code="EUR")
        request = site_service_pb2.CreateSiteRequest(site=site)
        await sites.CreateSite(request, timeout=300, wait_for_ready=True)
        for asset in home_assets(site.name):
            await sites.CreateAsset(site_service_pb2.CreateAssetRequest(asset=asset))
        function = device_pb2.DeviceFunction(
            asset=f"{site.name}/assets/grid", meter_role=device_pb2.METER_ROLE_MAIN
        )
        meter = some_device(f"{site.name}/devices/meter", METER_POINTS, function)
        meter.profile = "mqtt-grid-meter"
        meter.connection.mqtt.address = METER_TOPIC
        for device in (meter, home_device(site.name, "battery")):
            await sites.CreateDevice(site_service_pb2.CreateDeviceRequest(device=device))
