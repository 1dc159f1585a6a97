"""Simulated tanks and appliances on their real protocols, with the gateway's drivers at the end."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.gateway_world import free_port
from tests.fakes.manual_clock import ManualClock
from tests.fakes.ocpp_gateway import Kept
from wattmesh_gateway.app.ports import OpenedDevice, Sets
from wattmesh_gateway.drivers.modbus_tcp.driver import ModbusDriver
from wattmesh_gateway.drivers.mqtt.broker import parse_broker
from wattmesh_gateway.drivers.mqtt.driver import MqttDriver
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.ids import DeviceId, GatewayId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Connection, Device, ModbusTcpConnection, MqttConnection
from wattmesh_local.mqtt_broker import DurableBroker
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_twin.adapters.appliance_mqtt import MqttAppliance
from wattmesh_twin.adapters.heating_element import HeatingElementTwin
from wattmesh_twin.adapters.mqtt_device import MqttDevice
from wattmesh_twin.adapters.tank_mqtt import MqttTank, tank_ordered
from wattmesh_twin.adapters.tasmota import TasmotaPlug, TasmotaSgReady
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.app.run_tank import TankTwin
from wattmesh_twin.domain.appliance import Programme, Stage
from wattmesh_twin.hot_water import HotWaterSettings, tank_twin

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
PROFILES = load_profiles(SCHEMAS)
POWER, SWITCH = SetpointKind.ACTIVE_POWER_W, SetpointKind.ON_OFF
TEMPERATURE = SetpointKind.TEMPERATURE_CELSIUS
Speaks = Callable[[str, str], MqttDevice]
"""Makes a device of a broker's URL and its address."""


def tank(clock: ManualClock | SystemClock, *, element: bool = False) -> TankTwin:
    where = {"modbus_address": "-"} if element else {"mqtt_url": "mqtt://-"}
    settings = HotWaterSettings(listen_address="127.0.0.1:0", **where)  # type: ignore[arg-type]
    return tank_twin(settings, clock)


def device(profile: str, connection: Connection) -> Device:
    return Device(
        id=DeviceId.parse("sites/home-1/devices/thing"),
        profile=profile,
        gateway=GatewayId("test"),
        connection=connection,
        reporting_interval=MINUTE,
        points=PROFILES[profile].quantities,
    )


async def read(opened: OpenedDevice) -> dict[str, float]:
    assert opened.reads is not None
    return {each.point.segment: each.value for each in await opened.reads.read()}


async def told(sets: Sets | None, kind: SetpointKind, value: float) -> None:
    """Tell it; it must be read back as told."""
    assert sets is not None
    applied = await sets.apply(kind, value, HOUR)
    assert (await applied.read_back()).mismatch == ""


async def test_a_heating_element_is_dimmed_looked_after_and_off_when_nobody_tells_it() -> None:
    clock = ManualClock(START)
    twin, port = tank(clock, element=True), free_port()
    async with HeatingElementTwin(twin, MINUTE, "127.0.0.1", port):
        driver = ModbusDriver(clock, 2.0)
        connection = ModbusTcpConnection(host="127.0.0.1", port=port)
        profile = PROFILES["askoma-askoheat"]
        opened = await driver.open(device(profile.name, connection), profile)
        await told(opened.sets, POWER, 1200.0)
        assert opened.sets is not None
        for _ in range(60):
            clock.advance(MINUTE / 2)
            assert (await opened.sets.holds(POWER, 1200.0)).mismatch == ""
        warm = await read(opened)
        assert warm["active_power_w"] == 1200.0
        # 0.6 kWh into 290 Wh/K, less what it lost.
        assert warm["temperature_celsius"] == pytest.approx(52.0, abs=0.2)
        clock.advance(2 * MINUTE)
        assert (await opened.sets.holds(POWER, 1200.0)).mismatch != ""
        assert (await read(opened))["active_power_w"] == 0.0
        await told(opened.sets, POWER, 800.0)
        assert (await opened.sets.release(POWER)).mismatch == ""
        assert (await read(opened))["active_power_w"] == 0.0
        driver.close()


class Bench:
    """A broker, and the gateway's driver at it."""

    def __init__(self, driver: MqttDriver, kept: Kept, url: str, background: BackgroundTasks):
        self.kept = kept
        self._driver = driver
        self._url = url
        self._background = background

    async def plug_in(self, profile: str, speaks: Speaks) -> Sets:
        """Have a device speak, and return how it is set once it was heard."""
        address = profile
        opened = await self._driver.open(
            device(profile, MqttConnection(address=address)), PROFILES[profile]
        )
        assert opened.listens is not None
        opened.listens.begin()
        assert await self._driver.wait_ready(20.0)
        before = len(self.kept.readings)
        self._background.start(speaks(self._url, address).run())
        await eventually(lambda: len(self.kept.readings) > before, 20)
        assert opened.sets is not None
        return opened.sets


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    async with (
        DurableBroker("127.0.0.1:0", folder / "broker.sqlite") as broker,
        BackgroundTasks() as background,
    ):
        kept, url = Kept(), f"mqtt://127.0.0.1:{broker.port}"
        driver = MqttDriver(parse_broker(url), "wattmesh-test", kept, SystemClock())
        background.start(driver.run())
        yield Bench(driver, kept, url, background)


async def test_tanks_and_appliances_on_mqtt_are_metered_told_and_read_back(tmp_path: Path) -> None:
    clock = SystemClock()
    water, heated, washer, pump = tank(clock), tank(clock), *appliances(clock)
    async with bench(tmp_path) as there:
        sets = await there.plug_in(
            "mqtt-hot-water", lambda url, address: MqttTank(water, url, address, MINUTE)
        )
        await told(sets, TEMPERATURE, 57.5)
        assert water.look().setpoint_celsius == 57.5
        await told(sets, POWER, 700.0)
        assert water.look().state.power_w == 700.0
        await told(sets, SWITCH, 0.0)
        assert water.look().state.power_w == 0.0
        for kind in (SWITCH, POWER, TEMPERATURE):
            assert (await sets.release(kind)).mismatch == ""
        await eventually(lambda: water.look().setpoint_celsius == 50.0, 20)
        assert there.kept.values("temperature_celsius")[0] == pytest.approx(50.0, abs=0.2)

        sets = await there.plug_in(
            "tasmota-sg-ready",
            lambda url, address: TasmotaSgReady(heated, 5.0, url, address, MINUTE),
        )
        await told(sets, SWITCH, 1.0)
        assert heated.look().setpoint_celsius == 55.0
        await told(sets, SWITCH, 0.0)
        assert (heated.look().most_w, heated.look().setpoint_celsius) == (0.0, 50.0)
        assert (await sets.release(SWITCH)).mismatch == ""
        await eventually(lambda: heated.look().most_w > 0, 20)
        assert heated.look().setpoint_celsius == 50.0

        sets = await there.plug_in(
            "mqtt-appliance", lambda url, address: MqttAppliance(washer, url, address, MINUTE)
        )
        assert washer.look().stage(permitted=washer.permitted) is Stage.READY
        await told(sets, SWITCH, 1.0)
        assert washer.power_w == 2000.0
        await eventually(lambda: there.kept.values("active_power_w")[-1] == 2000.0, 20)

        sets = await there.plug_in(
            "tasmota-switch", lambda url, address: TasmotaPlug(pump, url, address, MINUTE)
        )
        assert pump.power_w == 2000.0
        await told(sets, SWITCH, 0.0)
        assert pump.power_w == 0.0
        assert (await sets.release(SWITCH)).mismatch == ""
        assert pump.power_w == 2000.0
    assert there.kept.problems == []


def appliances(clock: ManualClock | SystemClock) -> tuple[ApplianceTwin, ApplianceTwin]:
    """A washing machine that waits for its start and a pump behind a plug, both loaded."""
    washer, pump = ApplianceTwin(clock, own=False), ApplianceTwin(clock, own=True)
    washer.load(Programme(powers_w=(2000.0,) * 60))
    pump.load(Programme(powers_w=(2000.0,) * 60, pauses=True))
    return washer, pump


def test_orders_to_a_tank_end_by_themselves() -> None:
    clock = ManualClock(START)
    twin = tank(clock)
    said: dict[str, object] = {"setpoint_celsius": 60, "lease_seconds": 900}
    twin.order(tank_ordered(twin.orders, said, clock.now()))
    clock.advance(14 * MINUTE)
    assert twin.look().setpoint_celsius == 60.0
    clock.advance(2 * MINUTE)
    assert twin.look().setpoint_celsius == 50.0
    for nonsense in ({}, {"release": "water"}, {"lease_seconds": 9}, {"on": True}):
        with pytest.raises((ValueError, KeyError)):
            tank_ordered(twin.orders, nonsense, clock.now())
