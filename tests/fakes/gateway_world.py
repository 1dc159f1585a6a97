"""Everything around a gateway, real: broker, Modbus devices, metering and control on gRPC.

The gateway itself runs as a process of its own, so that it can be killed.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import aiomqtt
import grpc

from tests.fakes.eventually import within
from tests.fakes.gateway_control import FakeControl, register_control
from tests.fakes.gateway_metering import FakeMetering, register_metering
from tests.fakes.site_model_service import FakeSiteModelService
from tests.fakes.sunspec_device import ModbusServer, battery_unit
from tests.fakes.usage_service import FakeUsage, register_usage
from wattmesh.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from wattmesh_kernel.clock import ScaledClock, SystemClock, format_clock_spec
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import (
    Connection,
    Device,
    DeviceFunction,
    MeterRole,
    ModbusTcpConnection,
    MqttConnection,
)
from wattmesh_local.mqtt_broker import DurableBroker
from wattmesh_runtime.testing import SETTINGS, channel_for_test, serve_for_test

GATEWAY = "gateways/test"
METER = "sites/home-1/devices/meter"
BATTERY = "sites/home-1/devices/battery"
METER_POINTS = ("import_energy_wh", "export_energy_wh", "active_power_w")
BATTERY_POINTS = ("active_power_w", "import_energy_wh", "export_energy_wh", "soc_ratio")

Register = Callable[[grpc.aio.Server], None]


def free_port() -> int:
    """Return a port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something is so."""
    async with within(seconds):
        while not condition():
            await asyncio.sleep(0.01)


class Restartable:
    """A gRPC server on a port that stays the same."""

    def __init__(self, register: Register) -> None:
        self.port = free_port()
        self._register = register
        self._stack = AsyncExitStack()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        settings = SETTINGS.model_copy(update={"listen_address": self.target})
        await self._stack.enter_async_context(serve_for_test(self._register, settings=settings))

    async def stop(self) -> None:
        await self._stack.aclose()


class GatewayProcess:
    """`python -m wattmesh_gateway`, as it is deployed."""

    def __init__(self, environment: dict[str, str], port: int, log_file: Path) -> None:
        self._environment = environment
        self._log_file = log_file
        self.port = port
        self._process: asyncio.subprocess.Process | None = None

    def put_clock(self, ahead: timedelta) -> None:
        """Have the gateway's clock, from its start on, ahead of the machine's."""
        now = datetime.now(UTC)
        clock = ScaledClock(sim_start=now + ahead, wall_start=now, rate=1.0)
        self._environment["WATTMESH_CLOCK"] = format_clock_spec(clock)

    def put_modbus_timeout(self, seconds: float) -> None:
        """Have the gateway, from its start on, wait so long for a device's answer."""
        self._environment["WATTMESH_MODBUS_TIMEOUT_SECONDS"] = str(seconds)

    async def start(self) -> None:
        with self._log_file.open("a") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "wattmesh_gateway",
                env={**os.environ, **self._environment},
                stdout=log,
                stderr=log,
            )

    async def kill(self) -> None:
        """SIGKILL: no goodbye."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM; return the exit status."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        return await self._process.wait()

    def cpu_seconds(self) -> float:
        """Return how much computing it has cost, where the system tells [s]."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def log(self) -> str:
        return self._log_file.read_text()

    async def status(self) -> gateway_pb2.GetGatewayStatusResponse:
        """Ask GatewayService."""
        async with channel_for_test(f"127.0.0.1:{self.port}") as channel:
            stub = gateway_pb2_grpc.GatewayServiceStub(channel)
            answer: gateway_pb2.GetGatewayStatusResponse = await stub.GetGatewayStatus(
                gateway_pb2.GetGatewayStatusRequest()
            )
            return answer


class GatewayWorld:
    """What surrounds the gateway. Start `gateway` when the rest is as the test wants it."""

    def __init__(self, folder: Path) -> None:
        self.metering = FakeMetering()  # type: ignore[abstract]
        self.sites = FakeSiteModelService()
        self.control = FakeControl()  # type: ignore[abstract]
        self.usage = FakeUsage()  # type: ignore[abstract]
        self.metering_server = Restartable(self._register_metering)
        self.control_server = Restartable(partial(register_control, self.control))
        self.battery = battery_unit()
        self.modbus = ModbusServer(self.battery)
        self.broker_port = free_port()
        self.ocpp_port = free_port()
        self._folder = folder
        self._broker: AsyncExitStack | None = None
        port = free_port()
        self.settings = {
            "listen_address": f"127.0.0.1:{port}",
            "clock": format_clock_spec(SystemClock()),
            "gateway": GATEWAY,
            "mqtt_url": f"mqtt://127.0.0.1:{self.broker_port}",
            "metering_target": self.metering_server.target,
            "control_target": self.control_server.target,
            "ocpp_listen_address": f"127.0.0.1:{self.ocpp_port}",
            "spool_file": str(folder / "spool.sqlite"),
            "modbus_timeout_seconds": "0.5",
            "reread_seconds": "0.5",
        }
        environment = {f"WATTMESH_{name.upper()}": told for name, told in self.settings.items()}
        self.gateway = GatewayProcess(environment, port, folder / "gateway.log")

    def _register_metering(self, server: grpc.aio.Server) -> None:
        register_metering(self.metering, self.sites, server)
        register_usage(self.usage, server)

    async def start_broker(self) -> None:
        stack = AsyncExitStack()
        address = f"127.0.0.1:{self.broker_port}"
        await stack.enter_async_context(DurableBroker(address, self._folder / "broker.sqlite"))
        self._broker = stack

    async def stop_broker(self) -> None:
        if self._broker is not None:
            await self._broker.aclose()
            self._broker = None

    def devices(self, interval: timedelta = timedelta(minutes=15)) -> tuple[Device, Device]:
        """Return a battery on Modbus and a meter on MQTT."""
        modbus = ModbusTcpConnection(host="127.0.0.1", port=self.modbus.port, unit_id=2)
        mqtt = MqttConnection(address="home-1/meter")
        return (
            _device(BATTERY, "sunspec-battery", modbus, BATTERY_POINTS, interval),
            _device(METER, "mqtt-grid-meter", mqtt, METER_POINTS, interval),
        )

    def add_devices(self, interval: timedelta = timedelta(minutes=15)) -> None:
        """Put both into the site model."""
        self.sites.change(*self.devices(interval))

    async def publish(self, *payloads: bytes) -> None:
        """Publish as the meter; return when the broker has confirmed all."""
        async with aiomqtt.Client(
            "127.0.0.1", self.broker_port, identifier="meter", timeout=20
        ) as client:
            client.pending_calls_threshold = len(payloads)
            await asyncio.gather(
                *(client.publish("home-1/meter", payload, qos=1) for payload in payloads)
            )

    async def serving(self) -> None:
        """Wait until the gateway's session is with the broker and it answers."""
        await until(lambda: "serving on" in self.gateway.log)

    async def forwarded(self, readings: int) -> gateway_pb2.GetGatewayStatusResponse:
        """Wait until the gateway has noted that metering has so many; return its status then."""
        async with within(20):
            while (status := await self.gateway.status()).readings_forwarded < readings:
                await asyncio.sleep(0.05)
        return status

    async def lost(self) -> dict[str, str]:
        """Return which devices do not answer, by segment, and why."""
        devices = (await self.gateway.status()).devices
        return {each.device.rpartition("/")[2]: each.message for each in devices if not each.online}

    def meter_values(self) -> list[float]:
        """Return the meter's active power as metering has it, by time."""
        name = f"{METER}/points/active_power_w"
        return [
            value for (point, _), value in sorted(self.metering.stored.items()) if point == name
        ]


def telegram(index: int, start: datetime) -> bytes:
    """Return the meter's telegram of one interval."""
    moment = start + timedelta(minutes=15) * index
    return json.dumps(
        {
            "measure_time": moment.isoformat(),
            "import_energy_wh": 1000.0 + index,
            "export_energy_wh": 0.0,
            "active_power_w": float(index),
        }
    ).encode()


def _device(
    name: str,
    profile: str,
    connection: Connection,
    points: Sequence[str],
    interval: timedelta,
) -> Device:
    id_ = DeviceId.parse(name)
    function = DeviceFunction(
        asset=AssetId(SiteId("home-1"), id_.segment),
        meter_role=MeterRole.MAIN,
        controls=name == BATTERY,
    )
    return Device(
        id=id_,
        profile=profile,
        gateway=GatewayId.parse(GATEWAY),
        connection=connection,
        points=frozenset(points),
        functions=(function,),
        reporting_interval=interval,
    )


@asynccontextmanager
async def gateway_world(folder: Path) -> AsyncIterator[GatewayWorld]:
    """A world in which everything but the gateway runs; the gateway is stopped at the end."""
    async with gateway_surroundings(folder) as world:
        try:
            yield world
        finally:
            await world.gateway.stop()


@asynccontextmanager
async def gateway_surroundings(folder: Path) -> AsyncIterator[GatewayWorld]:
    """The same for a gateway that is started and stopped elsewhere."""
    world = GatewayWorld(folder)
    async with world.modbus:
        await world.start_broker()
        await world.metering_server.start()
        await world.control_server.start()
        world.add_devices()
        try:
            yield world
        finally:
            await world.stop_broker()
            await world.control_server.stop()
            await world.metering_server.stop()
