"""Metering and its database killed at random moments while readings come: as JSON.

    python -m tests.kill_matrix [--kills 20] [--victims metering,database] [--seed 1]

A sender streams batches as a gateway does: what was not acknowledged comes again. Each victim is
killed by SIGKILL so many times, half a second to two seconds after readings flow again, and started
anew. At the end every acknowledged reading has to be there once with its value, and the counts have
to say as many. Recovery is from a kill to the next acknowledgement [s]. Exit status 1 when anything
is lost or there twice. Gateway and broker die in `make e2e-chaos`.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import psycopg
from psycopg import conninfo

from tests.fakes.metering_world import batch, home_assets, home_device, point, requests
from tests.fakes.stoppable_postgres import kill_server
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import site_pb2, site_service_pb2, site_service_pb2_grpc
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_local.running.ports import free_targets

START = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 40
POINTS = (point("meter", "import_energy_wh"), point("battery", "soc_ratio"))
_CALL_SECONDS = 30.0


@dataclass(kw_only=True)
class Mesh:
    """A database and a metering process, either of which may be killed."""

    server: EmbeddedPostgres
    socket: Path
    """Where the database is found, whichever folder it listens in since its last start."""
    target: str
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

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
        environment = os.environ | {
            "WATTMESH_DATABASE_URL": self.url,
            "WATTMESH_LISTEN_ADDRESS": self.target,
        }
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


@dataclass(kw_only=True)
class Sender:
    """Streams batches until told to stop; sends again what was not acknowledged."""

    target: str
    acked: int = 0
    last: int = 0
    stopping: bool = False
    progress: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Send until stopped and all is acknowledged."""
        while not (self.stopping and self.acked >= self.last):
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError, TimeoutError):
                async with (
                    asyncio.timeout(_CALL_SECONDS),
                    grpc.aio.insecure_channel(self.target) as channel,
                ):
                    await self._stream(channel)
            await asyncio.sleep(0.05)

    async def _stream(self, channel: grpc.aio.Channel) -> None:
        stub = metering_pb2_grpc.MeteringServiceStub(channel)
        stream = stub.Ingest()
        async for hello in requests((), "kill-matrix"):
            await stream.write(hello)
        while not (self.stopping and self.acked >= self.last):
            sequence = self.acked + 1
            self.last = max(self.last, sequence)
            sent = batch(sequence, rows_of(sequence))
            await stream.write(metering_pb2.IngestRequest(batch=sent))
            answer = await stream.read()
            if not isinstance(answer, metering_pb2.IngestResponse):
                return
            assert not answer.rejected_total, answer
            self.acked = max(self.acked, answer.acked_sequence)
            self.progress.set()


def rows_of(sequence: int) -> list[tuple[str, datetime, float]]:
    """Return the readings of a batch: no two of all are alike."""
    first = (sequence - 1) * ROWS // 2
    return [
        (name, START + timedelta(seconds=step), step / 1e6)
        for step in range(first, first + ROWS // 2)
        for name in POINTS
    ]


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
        await sites.CreateSite(request, timeout=60, wait_for_ready=True)
        for asset in home_assets(site.name):
            await sites.CreateAsset(site_service_pb2.CreateAssetRequest(asset=asset))
        for name in ("meter", "battery"):
            device = home_device(site.name, name)
            await sites.CreateDevice(site_service_pb2.CreateDeviceRequest(device=device))


async def killed(mesh: Mesh, victim: str, kills: int, chance: random.Random) -> dict[str, float]:
    """Kill one part again and again while readings come; return how long each took to recover."""
    sender = Sender(target=mesh.target)
    sending = asyncio.ensure_future(sender.run())
    recovered = []
    for _ in range(kills):
        await _acknowledged(sender, sending)
        await asyncio.sleep(chance.uniform(0.5, 2.0))
        began = time.monotonic()
        await asyncio.to_thread(mesh.kill, victim)
        await _acknowledged(sender, sending)
        recovered.append(time.monotonic() - began)
    sender.stopping = True
    await sending
    lost, twice = await asyncio.to_thread(_audit, mesh.url, sender.acked)
    return {
        "kills": kills,
        "acknowledged": sender.acked * ROWS,
        "lost": lost,
        "twice": twice,
        "recovery_p50_s": round(statistics.median(recovered), 2),
        "recovery_max_s": round(max(recovered), 2),
    }


async def _acknowledged(sender: Sender, sending: "asyncio.Task[None]") -> None:
    """Wait for the next acknowledgement, or raise what ended the sender."""
    sender.progress.clear()
    waiting = asyncio.ensure_future(sender.progress.wait())
    await asyncio.wait({waiting, sending}, return_when=asyncio.FIRST_COMPLETED)
    if sending.done():
        waiting.cancel()
        sending.result()


def _audit(url: str, batches: int) -> tuple[int, int]:
    """Return how many acknowledged readings are not there, and how many rows are too many."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT name, measure_time, value FROM metering.readings"
            " JOIN metering.points USING (point_key)"
        ).fetchall()
        (counted,) = connection.execute(
            "SELECT coalesce(sum(stored), 0)::bigint FROM metering.sources"
        ).fetchone() or (0,)
        past = connection.execute("SELECT FROM metering.superseded_readings").fetchall()
    wanted = {row for sequence in range(1, batches + 1) for row in rows_of(sequence)}
    kept = set(found)
    extra = len(found) - len(kept) + len(kept - wanted) + len(past) + abs(counted - len(found))
    return len(wanted - kept), extra


def main() -> None:
    """Kill, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--victims", default="metering,database")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report: dict[str, dict[str, float]] = {}
    for victim in arguments.victims.split(","):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, running(Path(folder)) as mesh:
            asyncio.run(register(mesh.target))
            chance = random.Random(arguments.seed)
            report[victim] = asyncio.run(killed(mesh, victim, arguments.kills, chance))
    sound = all(each["lost"] == each["twice"] == 0 for each in report.values())
    print(json.dumps({"matrix": "kill", "sound": sound} | report))
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
