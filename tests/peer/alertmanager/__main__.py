"""Alerting with a real Prometheus Alertmanager, as JSON.

    python -m tests.peer.alertmanager [--sites 5000]

Needs the programme `alertmanager` or `prometheus-alertmanager` (Debian has it as a package). Alerts
go from events of devices through alerting, PostgreSQL and Alertmanager to a webhook:

- `ms`: from an event to its alert at Alertmanager, one after the other;
- `reading_ms`: the same from a reading that is above a limit and has been for long enough, watched
  as it is kept;
- `devices`: so many fall silent at once, and how many notifications that makes;
- `flapping`: one that comes and goes, and how many notifications that makes;
- `mails`: how many mails of Alertmanager a local mail server got of the crowd.

Exit status 1 when an alert did not arrive, or a crowd made more than a handful of notifications.
"""

import argparse
import asyncio
import json
import shutil
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.fakes.alerting_world import AlertingWorld, WatchedMesh, running_alerting
from tests.fakes.control_metering import metered_home
from tests.fakes.eventually import eventually
from tests.fakes.mail_server import MailServer, mail_server
from tests.fakes.manual_clock import ManualClock
from tests.fakes.webhook import Webhook, webhook
from wattmesh.control.v1 import device_event_pb2
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Asset, GridConnectionRating, Resource, Site
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_runtime.aio.processes import start_process

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TIMES = 40
HANDFUL = 5
_CONFIGURATION = """
route: {{receiver: people, group_by: [alertname], group_wait: 2s, group_interval: 5s}}
receivers:
  - name: people
    webhook_configs: [{{url: {url}, send_resolved: true, max_alerts: 3}}]
    email_configs:
      - {{to: people@x.org, from: mesh@x.org, smarthost: "127.0.0.1:{port}", require_tls: false}}
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=5_000, help="each has two devices")
    sites: int = parser.parse_args().sites
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        print("there is no alertmanager: install it first", file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="alertmanager-") as folder,
        EmbeddedPostgres(Path(folder, "postgres"), durable=False, keep=False) as server,
        webhook() as people,
    ):
        url = server.create_database("alerting")
        found = asyncio.run(_measure(program, Path(folder), url, people, sites))
    print(json.dumps(found, indent=2))
    return 0 if found["sound"] else 1


async def _measure(
    program: str, folder: Path, database_url: str, people: Webhook, count: int
) -> dict[str, Any]:
    clock = ManualClock(T0)
    homes = [_limited(part) for n in range(count) for part in metered_home(f"home-{n}")]
    sites = [
        Site(id=SiteId(f"home-{n}"), time_zone="UTC", currency_code="EUR") for n in range(count)
    ]
    mesh = WatchedMesh(clock, *sites, *homes)
    async with (
        mail_server() as mails,
        _alertmanager(program, folder, people.url, mails) as url,
        running_alerting(
            database_url, clock, mesh, alertmanager_target=url, look_seconds=15.0
        ) as world,
    ):
        times_ms = [await _one(world, n, url) for n in range(TIMES)]
        reading_ms = [await _reading(world, n, url) for n in range(TIMES)]
        flapping = await _flap(world, people)
        crowd = await _crowd(world, people, url, count)
        told = sum("device_silent" in each["Subject"] for each in mails.taken)
    return {
        "ms": _percentiles(times_ms),
        "reading_ms": _percentiles(reading_ms),
        "flapping": flapping,
        "devices": crowd,
        "mails": told,
        "sound": flapping["notifications"] == 1
        and crowd["notifications"] <= HANDFUL
        and 0 < told <= HANDFUL,
    }


def _limited(part: Resource) -> Resource:
    """Return a resource of a home; a connection takes 10 kW."""
    if isinstance(part, Asset) and isinstance(part.rating, GridConnectionRating):
        return replace(part, rating=GridConnectionRating(max_import_power_w=10_000.0))
    return part


def _percentiles(times_ms: list[float]) -> dict[str, float]:
    return {
        "p50": float(np.percentile(times_ms, 50)),
        "p99": float(np.percentile(times_ms, 99)),
    }


async def _one(world: AlertingWorld, n: int, url: str) -> float:
    """Return how long an event takes to be an alert at Alertmanager [ms]."""
    device = f"sites/home-{n}/devices/battery"
    began = time.perf_counter()
    world.mesh.happen(_event(world, device, device_event_pb2.DEVICE_EVENT_TYPE_EFFECT_AMISS))
    while device not in {each["labels"]["subject"] for each in await _alerts(url)}:
        await asyncio.sleep(0.002)
    return 1000 * (time.perf_counter() - began)


async def _reading(world: AlertingWorld, n: int, url: str) -> float:
    """Return how long a reading above a limit takes to be an alert at Alertmanager [ms]."""
    site, began = f"sites/home-{n}", time.perf_counter()
    since = world.clock.now() - 1.5 * MINUTE
    world.mesh.read(f"{site}/devices/meter/points/active_power_w", since, 12_000.0)
    while not any(
        each["labels"]["subject"] == site and each["labels"]["alertname"] == "limit_exceeded"
        for each in await _alerts(url)
    ):
        await asyncio.sleep(0.002)
    return 1000 * (time.perf_counter() - began)


async def _flap(world: AlertingWorld, people: Webhook) -> dict[str, int]:
    device, before = "sites/home-0/devices/inverter", len(people.of("device_set_aside"))
    for _ in range(20):
        for what in (
            device_event_pb2.DEVICE_EVENT_TYPE_SET_ASIDE,
            device_event_pb2.DEVICE_EVENT_TYPE_TAKEN_UP,
        ):
            world.mesh.happen(_event(world, device, what))
            world.clock.advance(3 * MINUTE)
            await asyncio.sleep(0.4)
    await eventually(lambda: len(people.of("device_set_aside")) > before, 30)
    await asyncio.sleep(6)
    return {"times": 20, "notifications": len(people.of("device_set_aside")) - before}


async def _crowd(world: AlertingWorld, people: Webhook, url: str, count: int) -> dict[str, float]:
    devices = [
        f"sites/home-{n}/devices/{name}" for n in range(count) for name in ("battery", "inverter")
    ]
    for each in devices:
        world.mesh.read(f"{each}/points/active_power_w", world.clock.now(), 0.0)
    await asyncio.sleep(5)
    began = time.perf_counter()
    world.clock.advance(30 * MINUTE)

    async def all_there() -> bool:
        labels = [each["labels"] for each in await _alerts(url)]
        silent = {each["subject"] for each in labels if each["alertname"] == "device_silent"}
        return silent >= set(devices)  # and whatever else has told something before

    await eventually(all_there, 300)
    took = time.perf_counter() - began
    await asyncio.sleep(12)
    notifications = len(people.of("device_silent"))
    return {"silent": len(devices), "notifications": notifications, "seconds": round(took, 1)}


def _event(
    world: AlertingWorld, device: str, what: device_event_pb2.DeviceEventType.ValueType
) -> device_event_pb2.DeviceEvent:
    moment = timestamp_to_proto(world.clock.now())
    return device_event_pb2.DeviceEvent(device=device, type=what, event_time=moment)


async def _alerts(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(await asyncio.to_thread(_get, f"{url}/api/v2/alerts"))
    return found


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        content: bytes = answer.read()
    return content


@asynccontextmanager
async def _alertmanager(
    program: str, folder: Path, receiver: str, mails: MailServer
) -> AsyncIterator[str]:
    """Run Alertmanager on a free port; give where it listens."""
    configuration = folder / "alertmanager.yml"
    configuration.write_text(_CONFIGURATION.format(url=receiver, port=mails.port))
    port = _free_port()
    process = await start_process(
        program,
        f"--config.file={configuration}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await eventually(lambda: _ready(url), 30)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _ready(url: str) -> bool:
    try:
        await asyncio.to_thread(_get, f"{url}/-/ready")
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port


if __name__ == "__main__":
    sys.exit(main())
