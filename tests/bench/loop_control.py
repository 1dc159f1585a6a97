"""How long a meter's word takes to the device, and how a step is answered; prints JSON.

`python -m tests.bench.loop_control [--sites 1 10 100] [--seconds 20]`

The gateway and an MQTT broker run as processes of their own, batteries answer on Modbus TCP here,
all on loopback. Every site has a meter that speaks once a second and a battery that has to make up
for what it shows. Latency is from handing a message to the MQTT client until the last register of
the setpoint has arrived at the battery, so the broker is in it. For the step the battery needs a
second to follow, and the meter speaks five times a second.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt

from tests.fakes.gateway_world import GatewayWorld, gateway_world
from tests.fakes.sunspec_device import ModbusServer, battery_unit
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.loop_policy import (
    LoopMember,
    LoopMeter,
    LoopPolicy,
    LoopPolicySet,
    NetPower,
)
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Device,
    DeviceFunction,
    MeterRole,
    ModbusTcpConnection,
    MqttConnection,
)
from wattmesh_runtime.aio.tasks import cancel_until_ended, together

_SECOND = timedelta(seconds=1)
_LOADS_W = (1000.0, 2500.0)
_STEP_W = 3000.0
_DELAY_SECONDS = 1.0
_STEP_METER_SECONDS = 0.2
_STEP_SECONDS = 12.0
_LOST_AFTER_SECONDS = 5.0


@dataclass
class Home:
    """One site: a battery that knows when it was told what, and a meter."""

    number: int
    told: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.unit = battery_unit()
        self.server = ModbusServer(self.unit)
        self.unit.on_write = self._note
        self.site = SiteId(f"site-{self.number}")
        self.wanted_w: float | None = None
        self.latencies_s: list[float] = []
        self._asked = 0.0
        self._done = asyncio.Event()

    @property
    def topic(self) -> str:
        return f"{self.site.segment}/meter"

    def power_w(self, delay_seconds: float = 0.0) -> float:
        """Return what the battery draws [W], so long after it was told."""
        until = time.monotonic() - delay_seconds
        told = [power_w for at, power_w in self.told if at <= until]
        return told[-1] if told else 0.0

    def devices(self, world: GatewayWorld) -> Sequence[Device]:
        battery, meter = world.devices(_SECOND)
        battery = replace(battery, reporting_interval=timedelta(minutes=1))
        modbus = ModbusTcpConnection(host="127.0.0.1", port=self.server.port, unit_id=2)
        return (
            self._own(battery, "battery", replace(battery, connection=modbus), controls=True),
            self._own(
                meter, "meter", replace(meter, connection=MqttConnection(address=self.topic))
            ),
        )

    def policy(self, settling: timedelta) -> LoopPolicy:
        battery = LoopMember(
            device=DeviceId(self.site, "battery"),
            kind=SetpointKind.ACTIVE_POWER_W,
            min_value=-4000.0,
            max_value=5000.0,
        )
        return LoopPolicy(
            site=self.site,
            lease=timedelta(hours=1),
            meters=(LoopMeter(device=DeviceId(self.site, "meter")),),
            members=(battery,),
            target=NetPower(power_w=0.0),
            dead_band_w=20.0,
            settling=settling,
        )

    async def say(self, client: aiomqtt.Client, load_w: float, delay_seconds: float = 0.0) -> None:
        """Publish what the meter shows."""
        telegram = {
            "measure_time": datetime.now(UTC).isoformat(),
            "active_power_w": load_w + self.power_w(delay_seconds),
        }
        await client.publish(self.topic, json.dumps(telegram), qos=1)

    async def ask(self, client: aiomqtt.Client, load_w: float) -> None:
        """Publish a load and wait until the battery was told to make up for it."""
        self.wanted_w, self._asked = -load_w, time.monotonic()
        self._done.clear()
        await self.say(client, load_w)
        try:
            async with asyncio.timeout(_LOST_AFTER_SECONDS):
                await self._done.wait()
        except TimeoutError:
            self.latencies_s.append(_LOST_AFTER_SECONDS)

    def _note(self) -> None:
        """Take note of a write that the battery acts by: the last of a setpoint."""
        address, _ = self.unit.writes[-1]
        if address != self.unit.address((704, "WSetEna")):
            return
        raw = self.unit.get((704, "WSet"))
        power_w = -float(raw - (1 << 32) if raw >= 1 << 31 else raw)
        now = time.monotonic()
        self.told.append((now, power_w))
        if self.wanted_w is not None and abs(power_w - self.wanted_w) <= 1.0:
            self.wanted_w = None
            self.latencies_s.append(now - self._asked)
            self._done.set()

    def _own(self, device: Device, name: str, like: Device, *, controls: bool = False) -> Device:
        function = DeviceFunction(
            asset=AssetId(self.site, name), meter_role=MeterRole.MAIN, controls=controls
        )
        return replace(like, id=DeviceId(self.site, name), functions=(function,))


@asynccontextmanager
async def running(
    folder: Path, homes: Sequence[Home], settling: timedelta
) -> AsyncIterator[tuple[GatewayWorld, aiomqtt.Client]]:
    """Run a gateway with the loops of these homes."""
    async with gateway_world(folder) as world, AsyncExitStack() as stack:
        await world.stop_broker()
        for home in homes:
            await stack.enter_async_context(home.server)
        await stack.enter_async_context(_broker(world.broker_port, folder))
        world.sites.change(*(device for home in homes for device in home.devices(world)))
        await world.gateway.start()
        await world.control.connected()
        for home in homes:
            await world.control.wait_for_device(f"{home.site.name}/devices/battery", online=True)
        policies = tuple(home.policy(settling) for home in homes)
        world.control.steer(LoopPolicySet(issue_time=datetime.now(UTC), policies=policies))
        for home in homes:
            await world.control.wait_for_loop_event("STARTED", home.site.name)
        client = aiomqtt.Client("127.0.0.1", world.broker_port, identifier="meters")
        yield world, await stack.enter_async_context(client)


@asynccontextmanager
async def _broker(port: int, folder: Path) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wattmesh_local.mqtt_broker"),
        *("--listen", f"127.0.0.1:{port}", "--state", str(folder / "own-broker.sqlite")),
    )
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        await process.wait()


async def latency(folder: Path, sites: int, seconds: float) -> dict[str, object]:
    """Return how long meters' words took to the devices."""
    homes = [Home(number) for number in range(sites)]
    async with running(folder, homes, timedelta(0)) as (world, client):
        await together(*(_talk(home, client, 4.0, sites) for home in homes))  # to warm up
        for home in homes:
            home.latencies_s.clear()
        cpu_s = world.gateway.cpu_seconds()
        await together(*(_talk(home, client, seconds, sites) for home in homes))
        cpu_s = world.gateway.cpu_seconds() - cpu_s
    latencies_ms = sorted(1000 * each for home in homes for each in home.latencies_s)
    return {
        "sites": sites,
        "messages": len(latencies_ms),
        "p50": round(statistics.median(latencies_ms), 1),
        "p99": round(latencies_ms[int(0.99 * (len(latencies_ms) - 1))], 1),
        "lost": sum(each >= 1000 * _LOST_AFTER_SECONDS for each in latencies_ms),
        "gateway_cpu_ms_per_message": round(1000 * cpu_s / len(latencies_ms), 2),
    }


async def _talk(home: Home, client: aiomqtt.Client, seconds: float, sites: int) -> None:
    """Speak once a second, each site at a moment of its own."""
    begin = time.monotonic() + home.number / sites
    for number in range(round(seconds)):
        await asyncio.sleep(max(0.0, begin + number - time.monotonic()))
        await home.ask(client, _LOADS_W[number % 2])


async def step_response(folder: Path) -> dict[str, object]:
    """Return how a step of the load is answered by a battery that takes its time."""
    home = Home(0)
    shown: list[tuple[float, float]] = []
    async with running(folder, [home], 2 * _SECOND) as (_, client):
        meter = asyncio.create_task(_meter(home, client, shown, 0.0))
        await asyncio.sleep(3)
        await cancel_until_ended(meter)
        shown.clear()
        writes = len(home.told)
        meter = asyncio.create_task(_meter(home, client, shown, _STEP_W))
        await asyncio.sleep(_STEP_SECONDS)
        await cancel_until_ended(meter)
    began = shown[0][0]
    outside = [at - began for at, power_w in shown if abs(power_w) > 0.05 * _STEP_W]
    return {
        "step_w": _STEP_W,
        "device_delay_s": _DELAY_SECONDS,
        "meter_interval_s": _STEP_METER_SECONDS,
        "overshoot_ratio": round(max(0.0, -min(power_w for _, power_w in shown)) / _STEP_W, 4),
        "settled_after_s": round(max(outside, default=0.0) + _STEP_METER_SECONDS, 2),
        "writes": len(home.told) - writes,
    }


async def _meter(
    home: Home, client: aiomqtt.Client, shown: list[tuple[float, float]], load_w: float
) -> None:
    while True:
        shown.append((time.monotonic(), load_w + home.power_w(_DELAY_SECONDS)))
        await home.say(client, load_w, _DELAY_SECONDS)
        await asyncio.sleep(_STEP_METER_SECONDS)


async def measure(sites: Sequence[int], seconds: float) -> dict[str, object]:
    """Return everything, each in a folder of its own."""
    loop_ms = []
    for count in sites:
        with tempfile.TemporaryDirectory() as folder:
            loop_ms.append(await latency(Path(folder), count, seconds))
    with tempfile.TemporaryDirectory() as folder:
        return {"loop_ms": loop_ms, "step": await step_response(Path(folder))}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, nargs="*", default=[1, 10, 100])
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    json.dump(asyncio.run(measure(arguments.sites, arguments.seconds)), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
