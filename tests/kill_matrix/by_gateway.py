"""A meter on MQTT, a broker and the gateway in front of metering; each may be disturbed."""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import grpc

from tests.fakes.metering_world import point
from tests.kill_matrix.mesh import METER_POINTS, METER_TOPIC, START, Mesh
from wattmesh_kernel.clock import ScaledClock, format_clock_spec
from wattmesh_local.running.ports import free_targets

_AT_ONCE = 20
_START_SECONDS = 300.0
_DISK = "32m"
_FULL_SECONDS = 3.0
_FURTHEST_STEP = timedelta(days=1)


@dataclass(kw_only=True)
class Edge:
    """Broker and gateway, in front of a mesh; the spool has a small disk of its own if it may."""

    mesh: Mesh
    folder: Path
    broker_target: str
    gateway_target: str
    control_target: str
    broker: "subprocess.Popen[bytes] | None" = None
    gateway: "subprocess.Popen[bytes] | None" = None

    @property
    def spool(self) -> Path:
        """The folder of the gateway's files."""
        return self.folder / "spool"

    def start_broker(self) -> None:
        """Start it on what it kept."""
        state = self.folder / "broker.sqlite"
        arguments = ("--listen", self.broker_target, "--state", str(state))
        self.broker = self._start("wattmesh_local.mqtt_broker", {}, *arguments)

    def start_gateway(self) -> None:
        """Start it on its spool."""
        told = {
            "LISTEN_ADDRESS": self.gateway_target,
            "GATEWAY": "gateways/local",
            "MQTT_URL": f"mqtt://{self.broker_target}",
            "METERING_TARGET": self.mesh.target,
            "CONTROL_TARGET": self.control_target,
            "SPOOL_FILE": str(self.spool / "spool.sqlite"),
        } | self.mesh.clock
        self.gateway = self._start(
            "wattmesh_gateway", {f"WATTMESH_{name}": value for name, value in told.items()}
        )

    def wait_for_gateway(self) -> None:
        """Return once it serves, and so listens."""
        with grpc.insecure_channel(self.gateway_target) as channel:
            grpc.channel_ready_future(channel).result(timeout=_START_SECONDS)

    def disturb(self, victim: str, chance: random.Random) -> None:
        """Have something happen to a part, and have it go on."""
        if victim == "broker":
            _end(self.broker)
            self.start_broker()
        elif victim == "gateway":
            _end(self.gateway)
            self.start_gateway()
        elif victim == "disk":
            self._fill_disk()
        else:
            self._step_clocks(chance)

    def end(self) -> None:
        """Kill both, whether or not they still run."""
        _end(self.gateway)
        _end(self.broker)

    def _fill_disk(self) -> None:
        """Leave the spool no room for a while."""
        ballast = self.spool / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(65_536)):
                pass
        time.sleep(_FULL_SECONDS)
        ballast.unlink()

    def _step_clocks(self, chance: random.Random) -> None:
        """Start gateway and metering anew with clocks that go elsewhere, forwards or back."""
        now = datetime.now(UTC)
        ahead = _FURTHEST_STEP * chance.uniform(-1, 1)
        clock = ScaledClock(sim_start=now + ahead, wall_start=now, rate=1.0)
        self.mesh.clock = {"CLOCK": format_clock_spec(clock)}
        _end(self.gateway)
        self.mesh.end_metering()
        self.mesh.start_metering()
        self.start_gateway()

    def _start(
        self, module: str, environment: dict[str, str], *arguments: str
    ) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{module}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=os.environ | environment,
                stdout=log,
                stderr=log,
            )


@dataclass(kw_only=True)
class Meter:
    """Publishes telegrams at QoS 1 until told to stop; again what the broker did not confirm."""

    target: str
    acked: int = 0
    stopping: bool = False

    async def run(self) -> None:
        """Publish until stopped."""
        host, _, port = self.target.rpartition(":")
        while not self.stopping:
            with suppress(aiomqtt.MqttError, TimeoutError, OSError):
                async with aiomqtt.Client(
                    host, int(port), identifier="meter", timeout=20
                ) as client:
                    while not self.stopping:
                        await asyncio.gather(
                            *(
                                client.publish(METER_TOPIC, telegram(self.acked + place), qos=1)
                                for place in range(_AT_ONCE)
                            )
                        )
                        self.acked += _AT_ONCE
                        await asyncio.sleep(0.1)
            await asyncio.sleep(0.1)

    @property
    def most_published(self) -> int:
        """How many readings are published by now at most, confirmed or not."""
        return (self.acked + _AT_ONCE) * len(METER_POINTS)

    def rows(self) -> set[tuple[str, datetime, float]]:
        """Return what has to be kept of all that was confirmed."""
        return {
            (point("meter", name), moment, value)
            for index in range(self.acked)
            for moment, values in [measured(index)]
            for name, value in zip(METER_POINTS, values, strict=True)
        }


def measured(index: int) -> tuple[datetime, tuple[float, float, float]]:
    """Return when and what the meter measured: no two telegrams are alike."""
    return START + timedelta(seconds=index), (1_000.0 + index, 0.0, float(index % 1_000))


def telegram(index: int) -> bytes:
    """Return a telegram as the profile has it."""
    moment, values = measured(index)
    said = dict(zip(METER_POINTS, values, strict=True))
    return json.dumps({"measure_time": moment.isoformat(), **said}).encode()


@contextmanager
def edge_of(mesh: Mesh, folder: Path, *, own_disk: bool) -> Iterator[Edge]:
    """Run broker and gateway; end them. Error: CalledProcessError where no disk can be mounted."""
    broker, gateway, control = free_targets(3)
    edge = Edge(
        mesh=mesh,
        folder=folder,
        broker_target=broker,
        gateway_target=gateway,
        control_target=control,
    )
    edge.spool.mkdir()
    if own_disk:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "none", str(edge.spool)]
        subprocess.run(mount, check=True)
    try:
        edge.start_broker()
        edge.start_gateway()
        edge.wait_for_gateway()  # before it has subscribed, the broker keeps nothing for it
        yield edge
    finally:
        edge.end()
        if own_disk:
            subprocess.run(["umount", str(edge.spool)], check=True)


def _end(process: "subprocess.Popen[bytes] | None") -> None:
    if process is not None:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
