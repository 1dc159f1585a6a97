"""Telegrams of a thousand devices from MQTT to committed, beside a subscriber in C; prints JSON.

    make bench-mqtt [ARGUMENTS="--messages 20000"]

Mosquitto, the gateway, metering and its database are processes of their own, on loopback; Debian
has `mosquitto` and `mosquitto-clients` as packages. Every device publishes telegrams of so many
times of the last hours (`--times`), three values each, in columns, at QoS 1, all over one
connection that has at most a thousand unconfirmed. In turns as many messages go to `mosquitto_sub`,
which has nothing to do but to count them, and to the gateway: `ratio` is messages per second until
all their readings are committed, by those until `mosquitto_sub` has written the last;
`cpu_us_per_message` what each process needed of it. Then messages come at a tenth of our rate:
`latency_ms` is from handing one to the socket until metering tells its watchers that it is
committed.
"""

import argparse
import asyncio
import json
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import grpc
import psycopg

from tests.bench.metering_ingest_mesh import parent, process_cpu, tree_cpu
from tests.fakes.metering_world import some_device
from tests.kill_matrix.by_gateway import Edge
from tests.kill_matrix.mesh import METER_POINTS, Mesh, running
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import (
    asset_pb2,
    device_pb2,
    site_pb2,
    site_service_pb2,
    site_service_pb2_grpc,
)
from wattmesh.type.v1 import rating_pb2
from wattmesh_kernel.time import EPOCH
from wattmesh_local.running.ports import free_targets

DEVICES_OF_A_SITE = 100
_WINDOW = 1_000
_MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 0
max_inflight_messages 0
persistence false
"""
_WAIT_SECONDS = 600.0
_US = timedelta(microseconds=1)
_BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


class Publisher:
    """Publishes at QoS 1 over a bare socket: a client in Python would be what is measured."""

    def __init__(self, target: str, devices: int, times: int) -> None:
        self._devices, self._times = devices, times
        host, _, port = target.rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        body = b"\x00\x04MQTT\x04\x02\x00\x00" + _text("bench")
        self._socket.sendall(b"\x10" + _length(len(body)) + body)
        assert self._socket.recv(4)[:1] == b"\x20", "the broker takes no connection"
        self._acked = threading.Semaphore(_WINDOW)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._sent = 0

    def publish(self, index: int, prefix: str = "bench") -> None:
        """Publish a telegram, once there are few enough unconfirmed."""
        self._acked.acquire()
        self._sent += 1
        device, step = index % self._devices, index // self._devices
        body = _text(f"{prefix}/{device}") + struct.pack(">H", self._sent % 65_535 + 1)
        body += batch(step, self._times)
        self._socket.sendall(b"\x32" + _length(len(body)) + body)

    def close(self) -> None:
        """End the connection once all is confirmed."""
        for _ in range(_WINDOW):
            self._acked.acquire()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._socket.close()

    def _read(self) -> None:
        left = b""
        with suppress(OSError):
            while data := self._socket.recv(65_536):
                left += data
                confirmed = len(left) // 4  # of QoS 1 the answers are four bytes each
                left = left[4 * confirmed :]
                if confirmed:
                    self._acked.release(confirmed)


def _second_us(second: int) -> int:
    """Return when a second of the measurement was [µs since 1970]."""
    return (_BEGIN + timedelta(seconds=second) - EPOCH) // _US


@cache
def batch(step: int, times: int) -> bytes:
    """Return what a device measured at so many times: no two telegrams of it are alike."""
    seconds = range(step * times, (step + 1) * times)
    values = ([1_000.0 + each for each in seconds], [0.0] * times, [each % 1e3 for each in seconds])
    moments = [_second_us(each) // 1_000 for each in seconds]
    said = {"measure_times_ms": moments, **dict(zip(METER_POINTS, values, strict=True))}
    return json.dumps(said, separators=(",", ":")).encode()


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _length(size: int) -> bytes:
    digits = []
    while size > 127:
        digits.append(size % 128 + 128)
        size //= 128
    return bytes([*digits, size])


async def register(target: str, devices: int) -> None:
    """Create the devices, once metering answers."""
    async with grpc.aio.insecure_channel(target) as channel:
        sites = site_service_pb2_grpc.SiteServiceStub(channel)
        for number in range(-(-devices // DEVICES_OF_A_SITE)):
            site = site_pb2.Site(name=f"sites/s{number}", time_zone="UTC", currency_code="EUR")
            request = site_service_pb2.CreateSiteRequest(site=site)
            await sites.CreateSite(request, timeout=300, wait_for_ready=True)
            asset = asset_pb2.Asset(name=f"{site.name}/assets/load", load=rating_pb2.LoadRating())
            await sites.CreateAsset(site_service_pb2.CreateAssetRequest(asset=asset))
            part = device_pb2.DeviceFunction(
                asset=asset.name, meter_role=device_pb2.METER_ROLE_PART
            )
            for place in range(min(devices - number * DEVICES_OF_A_SITE, DEVICES_OF_A_SITE)):
                device = some_device(f"{site.name}/devices/m{place}", METER_POINTS, part)
                device.profile = "mqtt-grid-meter-batch"
                device.connection.mqtt.address = f"bench/{number * DEVICES_OF_A_SITE + place}"
                await sites.CreateDevice(site_service_pb2.CreateDeviceRequest(device=device))


@contextmanager
def mosquitto(folder: Path, target: str) -> Iterator[None]:
    """Run the broker; end it."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        sys.exit("there is no `mosquitto` on this machine")
    configuration = folder / "mosquitto.conf"
    configuration.write_text(_MOSQUITTO.format(port=target.rpartition(":")[2]))
    with (folder / "mosquitto.log").open("wb") as log:
        broker = subprocess.Popen([program, "-c", str(configuration)], stdout=log, stderr=log)
    try:
        host, _, port = target.rpartition(":")
        for _ in range(200):
            with suppress(OSError), socket.create_connection((host, int(port))):
                break
            time.sleep(0.05)
        yield
    finally:
        broker.terminate()
        broker.wait()


def by_c_client(target: str, devices: int, times: int, messages: int) -> dict[str, float]:
    """Return the rate and CPU of `mosquitto_sub`."""
    host, _, port = target.rpartition(":")
    command = ["mosquitto_sub", "-h", host, "-p", port, "-t", "idle/#", "-q", "1", "-F", "%l"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as subscriber:
        assert subscriber.stdout is not None
        publisher = Publisher(target, devices, times)
        counted = threading.Event()

        def count() -> None:
            assert subscriber.stdout is not None
            subscriber.stdout.readline()
            counted.set()
            for _ in range(messages):
                subscriber.stdout.readline()

        counting = threading.Thread(target=count)
        counting.start()
        while not counted.wait(0.2):  # until it has subscribed
            publisher.publish(0, "idle")
        spent, began = process_cpu(subscriber.pid), time.perf_counter()
        for index in range(messages):
            publisher.publish(index, "idle")
        counting.join()
        wall = time.perf_counter() - began
        spent = process_cpu(subscriber.pid) - spent
        publisher.close()
        subscriber.terminate()
    return {"rate": messages / wall, "cpu_us": 1e6 * spent / messages}


def by_gateway(edge: Edge, devices: int, times: int, first: int, messages: int) -> dict[str, float]:
    """Return the rate until all is committed, and the CPU of gateway, metering and database."""
    assert edge.gateway is not None
    assert edge.mesh.process is not None
    postmaster = _postmaster(edge.mesh.url)
    processes = (edge.gateway.pid, edge.mesh.process.pid)

    def spent() -> list[float]:
        return [*map(process_cpu, processes), tree_cpu(postmaster)]

    before, wanted = spent(), _stored(edge.mesh.url) + messages * times * len(METER_POINTS)
    publisher = Publisher(edge.broker_target, devices, times)
    began = time.perf_counter()
    for index in range(first, first + messages):
        publisher.publish(index)
    while _stored(edge.mesh.url) < wanted:
        assert time.perf_counter() - began < _WAIT_SECONDS, "readings are missing"
        time.sleep(0.02)
    wall = time.perf_counter() - began
    publisher.close()
    took = [1e6 * (after - then) / messages for after, then in zip(spent(), before, strict=True)]
    return {
        "rate": messages / wall,
        **dict(zip(("gateway_us", "metering_us", "database_us"), took, strict=True)),
    }


async def latencies(
    edge: Edge, devices: int, times: int, first: int, messages: int, rate: float
) -> list[float]:
    """Return how long each message took until it was told as committed [s]."""
    sent: dict[tuple[str, int], float] = {}
    took: list[float] = []
    async with grpc.aio.insecure_channel(edge.mesh.target) as channel:
        metering = metering_pb2_grpc.MeteringServiceStub(channel)
        points = [
            f"sites/s{number}/devices/-/points/-"
            for number in range(-(-devices // DEVICES_OF_A_SITE))
        ]
        stream = metering.WatchReadings(metering_pb2.WatchReadingsRequest(points=points))
        await stream.read()

        async def watch() -> None:
            while isinstance(answer := await stream.read(), metering_pb2.WatchReadingsResponse):
                now = time.perf_counter()
                for reading in answer.readings:
                    if not reading.point.endswith("/active_power_w"):
                        continue
                    moment_us = reading.measure_time.ToMicroseconds()
                    begun = sent.pop((reading.point.rpartition("/points/")[0], moment_us), None)
                    if begun is not None:
                        took.append(now - begun)
                if len(took) >= messages:
                    return

        watching = asyncio.ensure_future(watch())
        publisher = await asyncio.to_thread(Publisher, edge.broker_target, devices, times)
        begin = time.perf_counter()
        for place, index in enumerate(range(first, first + messages)):
            await asyncio.sleep(max(0.0, begin + place / rate - time.perf_counter()))
            device, step = index % devices, index // devices
            name = f"sites/s{device // DEVICES_OF_A_SITE}/devices/m{device % DEVICES_OF_A_SITE}"
            moment_us = _second_us(step * times)
            sent[name, moment_us] = time.perf_counter()
            publisher.publish(index)
        await asyncio.wait_for(watching, _WAIT_SECONDS)
        await asyncio.to_thread(publisher.close)
    return took


def measure(mesh: Mesh, folder: Path, arguments: argparse.Namespace) -> dict[str, object]:
    """Take the turns; return the report."""
    broker, gateway, control = free_targets(3)
    edge = Edge(
        mesh=mesh,
        folder=folder,
        broker_target=broker,
        gateway_target=gateway,
        control_target=control,
    )
    edge.spool.mkdir()
    with mosquitto(folder, broker):
        edge.start_gateway()
        try:
            edge.wait_for_gateway()
            turns, first, messages = [], 0, arguments.messages
            devices, times = arguments.devices, arguments.times
            by_gateway(edge, devices, times, 0, devices)  # what is remembered after the first time
            first += devices
            for _ in range(arguments.turns):
                ours = by_gateway(edge, devices, times, first, messages)
                first += messages
                turns.append((ours, by_c_client(broker, devices, times, messages)))
            rate = statistics.median(ours["rate"] for ours, _ in turns) / 10
            took = sorted(
                asyncio.run(latencies(edge, devices, times, first, arguments.slow_messages, rate))
            )
        finally:
            edge.end()
    return {
        "devices": devices,
        "messages": messages,
        "readings_per_message": times * len(METER_POINTS),
        "message_bytes": len(batch(0, times)),
        "messages_per_s": round(statistics.median(ours["rate"] for ours, _ in turns)),
        "readings_per_s": round(
            statistics.median(ours["rate"] for ours, _ in turns) * times * len(METER_POINTS)
        ),
        "c_client_messages_per_s": round(statistics.median(c["rate"] for _, c in turns)),
        "ratio": round(statistics.median(ours["rate"] / c["rate"] for ours, c in turns), 3),
        "cpu_us_per_message": {
            name: round(statistics.median(each[name] for each, _ in turns), 1)
            for name in ("gateway_us", "metering_us", "database_us")
        }
        | {"c_client_us": round(statistics.median(c["cpu_us"] for _, c in turns), 1)},
        "tenth_of_rate": round(rate),
        "latency_ms": {
            "p50": round(1000 * took[len(took) // 2], 1),
            "p99": round(1000 * took[len(took) * 99 // 100], 1),
        },
    }


def _stored(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT coalesce(sum(stored), 0)::bigint FROM metering.sources"
        ).fetchone()
    return int(found[0]) if found else 0


def _postmaster(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert found is not None
        return parent(int(found[0]))  # while it runs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--times", type=int, default=60, help="in a telegram")
    parser.add_argument("--slow-messages", type=int, default=3_000)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name, running(Path(name)) as mesh:
        asyncio.run(register(mesh.target, arguments.devices))
        report = measure(mesh, Path(name), arguments)
    print(json.dumps({"bench": "mqtt_ingest"} | report))


if __name__ == "__main__":
    main()
