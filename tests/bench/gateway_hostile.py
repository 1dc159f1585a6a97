"""What 20 hostile devices cost 20 healthy ones behind the same gateway; prints JSON.

`python -m tests.bench.gateway_hostile [--count 10000] [--seconds 20]`

The gateway runs as a process, with a broker, Modbus devices, metering and control on loopback.
First the healthy devices are alone: each is polled every second, and one after the other gets a
command every 0.1 s. Then ten devices answer Modbus requests with nonsense and ten publish it, in a
process of their own, until so much of it has come, while the healthy ones go on. That alternates
with phases in which as much is published for somebody else, and the ratios are to those: broker and
machine are as busy then.
"""

import argparse
import asyncio
import json
import random
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

from tests.fakes.gateway_control import State
from tests.fakes.gateway_hostile import (
    HostileModbus,
    mutated,
    telegrams_of_a_hostile_device,
)
from tests.fakes.gateway_world import GatewayWorld, gateway_world, telegram
from tests.fakes.sunspec_device import ModbusServer, battery_unit
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.sites import Device, ModbusTcpConnection, MqttConnection
from wattmesh_local.mqtt_broker import DurableBroker
from wattmesh_runtime.aio.tasks import cancel_until_ended

_HEALTHY = 20
_HOSTILE_OF_A_PROTOCOL = 10
_COMMAND_SECONDS = 0.1
_INTERVAL = timedelta(seconds=1)
_SITE = SiteId("home-1")
_HERE, _ELSEWHERE = "home-1", "elsewhere"
_ROUNDS = 5


@dataclass
class Phase:
    """What was seen of the healthy devices in a stretch of time."""

    seconds: float = 0.0
    polls: float = 0.0
    command_ms: list[float] = field(default_factory=list)
    commands_lost: int = 0
    gateway_cpu_s: float = 0.0

    def add(self, other: "Phase") -> None:
        self.seconds += other.seconds
        self.polls += other.polls
        self.command_ms += other.command_ms
        self.commands_lost += other.commands_lost
        self.gateway_cpu_s += other.gateway_cpu_s

    def summary(self) -> dict[str, float]:
        latencies = sorted(self.command_ms)
        return {
            "seconds": round(self.seconds, 1),
            "polls_per_second": round(self.polls / self.seconds, 2),
            "gateway_cpu_ratio": round(self.gateway_cpu_s / self.seconds, 3),
            "commands": len(latencies) + self.commands_lost,
            "commands_lost": self.commands_lost,
            "command_ms_p50": round(statistics.median(latencies), 1),
            "command_ms_p99": round(latencies[int(0.99 * (len(latencies) - 1))], 1),
        }


class Hostile:
    """Ten Modbus endpoints and ten publishers that talk nonsense, with the broker, in a process."""

    def __init__(self, process: asyncio.subprocess.Process, ports: Sequence[int]) -> None:
        self._process = process
        self._ports = ports
        self.telegrams = 0
        self.modbus_answers = 0

    def devices(self, world: GatewayWorld) -> Sequence[Device]:
        battery, meter = world.devices(_INTERVAL)
        modbus = [
            replace(
                battery,
                id=DeviceId(_SITE, f"hostile-modbus-{number}"),
                connection=ModbusTcpConnection(host="127.0.0.1", port=port, unit_id=2),
            )
            for number, port in enumerate(self._ports)
        ]
        mqtt = [
            replace(
                meter,
                id=DeviceId(_SITE, f"hostile-mqtt-{number}"),
                connection=MqttConnection(address=f"home-1/hostile-{number}"),
            )
            for number in range(_HOSTILE_OF_A_PROTOCOL)
        ]
        return [*modbus, *mqtt]

    async def talk(self, where: str, count: int) -> None:
        """Have them publish below a topic: what is below home-1 is this gateway's."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{where} {count}\n".encode())
        counts = json.loads(await self._process.stdout.readline())
        self.modbus_answers = counts["modbus_answers"]
        self.telegrams += counts["telegrams"] if where == _HERE else 0


@asynccontextmanager
async def hostile_process(port: int, folder: Path) -> AsyncIterator[Hostile]:
    """Run the broker and the hostile devices."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.gateway_hostile"),
        *("--broker-port", str(port), "--folder", str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield Hostile(process, json.loads(await process.stdout.readline()))
    finally:
        process.stdin.close()
        await process.wait()


async def be_hostile(port: int, folder: Path) -> None:
    """Serve the broker; talk nonsense when told to; end with the end of what is told."""
    servers = [HostileModbus("anything", seed) for seed in range(_HOSTILE_OF_A_PROTOCOL)]
    async with AsyncExitStack() as stack:
        address = f"127.0.0.1:{port}"
        await stack.enter_async_context(DurableBroker(address, folder / "hostile.sqlite"))
        for server in servers:
            await stack.enter_async_context(server)
        stack.push_async_callback(cancel_until_ended, asyncio.create_task(_listen(port)))
        print(json.dumps([server.port for server in servers]), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            where, count = line.split()
            telegrams = await _publish(port, where, int(count))
            answers = sum(server.answers for server in servers)
            print(json.dumps({"telegrams": telegrams, "modbus_answers": answers}), flush=True)


async def _listen(port: int) -> None:
    """Take what is published elsewhere as another gateway would: the broker keeps it on disk."""
    async with aiomqtt.Client(
        "127.0.0.1", port, identifier="elsewhere", clean_session=False
    ) as client:
        await client.subscribe(f"{_ELSEWHERE}/#", qos=1)
        async for _ in client.messages:
            pass


async def _publish(port: int, where: str, count: int) -> int:
    """Publish so many telegrams, up to 200 a second."""
    chance = random.Random(1)
    seeds = [
        telegram(0, datetime.now(UTC)),
        *filter(None, telegrams_of_a_hostile_device().values()),
    ]
    telegrams = 0
    async with aiomqtt.Client("127.0.0.1", port, identifier="hostile") as client:
        while telegrams < count:
            began = time.monotonic()
            for number in range(_HOSTILE_OF_A_PROTOCOL):
                seed = chance.choice(seeds)
                payload = seed if len(seed) > 9999 else mutated(seed, chance)
                await client.publish(f"{where}/hostile-{number}", payload, qos=1)
                telegrams += 1
            await asyncio.sleep(max(0.0, 0.05 - (time.monotonic() - began)))
    return telegrams


class Healthy:
    """Twenty batteries that are polled and commanded."""

    def __init__(self, world: GatewayWorld) -> None:
        self._world = world
        self._sequence = 0
        self.units = [battery_unit() for _ in range(_HEALTHY)]
        self.servers = [ModbusServer(unit) for unit in self.units]

    def devices(self) -> Sequence[Device]:
        battery, _ = self._world.devices(_INTERVAL)
        return [
            replace(
                battery,
                id=DeviceId(_SITE, f"healthy-{number}"),
                connection=ModbusTcpConnection(host="127.0.0.1", port=server.port, unit_id=2),
            )
            for number, server in enumerate(self.servers)
        ]

    async def watch(self, until: "asyncio.Task[None]") -> Phase:
        """Command and count until something has ended."""
        phase, began = Phase(), time.monotonic()
        polls, cpu_s = self._polls(), self._world.gateway.cpu_seconds()
        commanding: list[asyncio.Task[None]] = []
        while not until.done():
            commanding.append(asyncio.create_task(self._command(phase)))
            await asyncio.sleep(_COMMAND_SECONDS)
        phase.seconds = time.monotonic() - began
        phase.polls = self._polls() - polls
        phase.gateway_cpu_s = self._world.gateway.cpu_seconds() - cpu_s
        await asyncio.gather(*commanding)
        await until
        return phase

    def _polls(self) -> float:
        """Count the reads of the state of charge: one in each poll."""
        return float(
            sum(
                sum(address == unit.address((713, "SoC")) for address, _ in unit.reads)
                for unit in self.units
            )
        )

    async def _command(self, phase: Phase) -> None:
        self._sequence += 1
        sequence = self._sequence
        name, device = f"commands/b{sequence}", f"sites/home-1/devices/healthy-{sequence % 20}"
        end = datetime.now(UTC) + timedelta(hours=1)
        began = time.monotonic()
        self._world.control.dispatch(name, device, 1000.0 + sequence % 100, end, sequence)
        try:
            async with asyncio.timeout(10):
                await self._world.control.wait_for(name, State.COMMAND_STATE_VERIFIED)
        except TimeoutError:
            phase.commands_lost += 1
        else:
            phase.command_ms.append(1000 * (time.monotonic() - began))


async def measure(count: int, seconds: float, folder: Path) -> dict[str, object]:
    """Return what the hostile devices cost the healthy ones."""
    async with gateway_world(folder) as world, AsyncExitStack() as stack:
        healthy = Healthy(world)
        for server in healthy.servers:
            await stack.enter_async_context(server)
        await world.stop_broker()
        hostile = await stack.enter_async_context(hostile_process(world.broker_port, folder))
        world.sites.change(*healthy.devices())
        await world.gateway.start()
        await world.control.connected()
        for device in healthy.devices():
            await world.control.wait_for_device(device.name, online=True)
        await healthy.watch(asyncio.create_task(asyncio.sleep(3)))  # to warm up
        alone = await healthy.watch(asyncio.create_task(asyncio.sleep(seconds)))
        elsewhere, beside = Phase(), Phase()
        for _ in range(_ROUNDS):
            talk = hostile.talk(_ELSEWHERE, count // _ROUNDS)
            elsewhere.add(await healthy.watch(asyncio.create_task(talk)))
            world.sites.change(*hostile.devices(world))
            talk = hostile.talk(_HERE, count // _ROUNDS)
            beside.add(await healthy.watch(asyncio.create_task(talk)))
            world.sites.change(deleted=tuple(each.name for each in hostile.devices(world)))
        status = await world.gateway.status()
        exits = int(await world.gateway.stop() != 0)
    return _result(alone, elsewhere, beside, hostile, exits, status.telegrams_quarantined)


def _result(
    alone: Phase,
    elsewhere: Phase,
    beside: Phase,
    hostile: Hostile,
    exits: int,
    quarantined: int,
) -> dict[str, object]:
    busy, during = elsewhere.summary(), beside.summary()
    return {
        "hostile_telegrams": hostile.telegrams,
        "hostile_modbus_answers": hostile.modbus_answers,
        "telegrams_quarantined": quarantined,
        "exits": exits,
        "undisturbed": alone.summary(),
        "as_much_for_somebody_else": busy,
        "beside_hostile": during,
        "poll_rate_ratio": round(during["polls_per_second"] / busy["polls_per_second"], 3),
        "command_latency_ratio": round(busy["command_ms_p50"] / during["command_ms_p50"], 3),
        "commands_verified_ratio": round(1 - beside.commands_lost / during["commands"], 4),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--broker-port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.broker_port:
        asyncio.run(be_hostile(arguments.broker_port, arguments.folder))
        return
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(measure(arguments.count, arguments.seconds, Path(folder)))
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
