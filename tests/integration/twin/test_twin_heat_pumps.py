"""Simulated heat pumps on their real protocols, with the gateway's own drivers at the other end."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.gateway_world import free_port
from tests.fakes.manual_clock import ManualClock
from tests.fakes.ocpp_gateway import Kept
from wattmesh_gateway.app.ports import OpenedDevice
from wattmesh_gateway.domain.errors import DeviceRefused
from wattmesh_gateway.domain.profile import DeviceProfile
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
from wattmesh_twin.adapters.heat_pump_modbus import HeatPumpTwin
from wattmesh_twin.adapters.heat_pump_mqtt import MqttHeatPump, ordered, state_of
from wattmesh_twin.adapters.modbus import ModbusSite
from wattmesh_twin.adapters.room_modbus import RoomRegisters
from wattmesh_twin.app.run_zone import ZoneTwin
from wattmesh_twin.domain.climate import DailyClimate
from wattmesh_twin.domain.zone import PlantSpec, Thermostat, Zone, ZoneSpec, ZoneState

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
TEMPERATURE, SWITCH = SetpointKind.TEMPERATURE_CELSIUS, SetpointKind.ON_OFF
PUMP = DeviceId.parse("sites/home-1/devices/heat-pump")


def zone_twin(clock: ManualClock | SystemClock) -> ZoneTwin:
    plant = PlantSpec(max_power_w=2500.0, min_power_w=500.0)
    zone = Zone(spec=ZoneSpec(), climate=DailyClimate(mean_celsius=-10.0), heating=plant)
    state = ZoneState(
        time=clock.now(), interior_celsius=20.5, envelope_celsius=18.0, emitter_celsius=20.5
    )
    return ZoneTwin(zone, Thermostat(setpoint_celsius=20.5), clock, state)


def device(profile: DeviceProfile, connection: Connection) -> Device:
    return Device(
        id=PUMP,
        profile=profile.name,
        gateway=GatewayId("test"),
        connection=connection,
        reporting_interval=MINUTE,
        points=profile.quantities,
    )


async def test_a_heat_pump_on_modbus_is_told_a_temperature_reads_back_and_warms() -> None:
    clock = ManualClock(START)
    twin, port = zone_twin(clock), free_port()
    profile = load_profiles(SCHEMAS)["nibe-s-series"]
    async with HeatPumpTwin(twin, "127.0.0.1", port):
        driver = ModbusDriver(clock, 2.0)
        connection = ModbusTcpConnection(host="127.0.0.1", port=port)
        opened = await driver.open(device(profile, connection), profile)
        assert opened.sets is not None
        before = await read(opened)
        applied = await opened.sets.apply(TEMPERATURE, 22.5, HOUR)
        assert (await applied.read_back()).mismatch == ""
        clock.advance(4 * HOUR)
        after = await read(opened)
        assert after["temperature_celsius"] > before["temperature_celsius"] + 1.0
        assert after["import_energy_wh"] > before["import_energy_wh"] + 3000.0
        assert after["outdoor_temperature_celsius"] < -5.0
        assert (await opened.sets.release(TEMPERATURE)).mismatch == ""
        assert twin.look().thermostat.setpoint_celsius == 20.0
        with pytest.raises(DeviceRefused):
            await opened.sets.apply(TEMPERATURE, 40.0, HOUR)
        driver.close()


async def test_a_room_behind_its_sites_modbus_port_obeys_for_its_lease_alone() -> None:
    clock = ManualClock(START)
    twin, port = zone_twin(clock), free_port()
    profile = load_profiles(SCHEMAS)["modbus-heat-pump"]
    async with ModbusSite([RoomRegisters(twin, 10)], "127.0.0.1", port):
        driver = ModbusDriver(clock, 2.0)
        connection = ModbusTcpConnection(host="127.0.0.1", port=port, unit_id=10)
        opened = await driver.open(device(profile, connection), profile)
        assert opened.sets is not None
        before = await read(opened)
        assert before["temperature_celsius"] == 20.5
        applied = await opened.sets.apply(TEMPERATURE, 22.5, HOUR)
        assert (await applied.read_back()).mismatch == ""
        clock.advance(HOUR - MINUTE)
        warmed = await read(opened)
        assert warmed["temperature_celsius"] > before["temperature_celsius"]
        assert warmed["import_energy_wh"] > before["import_energy_wh"] + 500.0
        clock.advance(2 * MINUTE)
        assert twin.look().thermostat.setpoint_celsius == 20.5, "its lease is over"
        await opened.sets.apply(TEMPERATURE, 22.5, HOUR)
        assert (await opened.sets.release(TEMPERATURE)).mismatch == ""
        assert twin.look().thermostat.setpoint_celsius == 20.5
        driver.close()


async def read(opened: OpenedDevice) -> dict[str, float]:
    assert opened.reads is not None
    return {each.point.segment: each.value for each in await opened.reads.read()}


@asynccontextmanager
async def on_mqtt(tmp_path: Path, twin: ZoneTwin) -> AsyncIterator[tuple[OpenedDevice, Kept]]:
    """A heat pump at a broker, and the gateway's driver that listens to it."""
    profile = load_profiles(SCHEMAS)["mqtt-heat-pump"]
    async with (
        DurableBroker("127.0.0.1:0", tmp_path / "broker.sqlite") as broker,
        BackgroundTasks() as background,
    ):
        kept, url = Kept(), f"mqtt://127.0.0.1:{broker.port}"
        driver = MqttDriver(parse_broker(url), "wattmesh-test", kept, SystemClock())
        background.start(driver.run())
        opened = await driver.open(device(profile, MqttConnection(address="pump")), profile)
        assert opened.listens is not None
        opened.listens.begin()
        assert await driver.wait_ready(10.0)
        background.start(MqttHeatPump(twin, url, "pump", MINUTE).run())
        await eventually(lambda: bool(kept.readings), 20)
        yield opened, kept


async def test_a_heat_pump_on_mqtt_is_metered_told_and_reads_back(tmp_path: Path) -> None:
    twin = zone_twin(SystemClock())
    async with on_mqtt(tmp_path, twin) as (opened, kept):
        assert opened.sets is not None
        metered = {each.point.segment: each.value for each in kept.readings}
        assert metered["temperature_celsius"] == pytest.approx(20.5, abs=0.1)
        assert metered["outdoor_temperature_celsius"] < 0.0
        applied = await opened.sets.apply(TEMPERATURE, 21.7, HOUR)
        assert (await applied.read_back()).mismatch == ""
        assert twin.look().thermostat.setpoint_celsius == 21.7
        switched = await opened.sets.apply(SWITCH, 0.0, HOUR)
        assert (await switched.read_back()).mismatch == ""
        assert not twin.look().thermostat.on
        await opened.sets.release(SWITCH)
        await opened.sets.release(TEMPERATURE)
        await eventually(lambda: twin.look().thermostat.setpoint_celsius == 20.5, 20)


def test_an_order_ends_with_its_lease_though_nobody_says_so() -> None:
    clock = ManualClock(START)
    twin = zone_twin(clock)
    said: dict[str, object] = {"setpoint_celsius": 23.0, "lease_seconds": 900}
    twin.order(ordered(twin.orders, said, clock.now()))
    assert twin.look().thermostat.setpoint_celsius == 23.0
    clock.advance(16 * MINUTE)
    assert state_of(twin.look())["setpoint_celsius"] == 20.5


@pytest.mark.parametrize("nonsense", ["[]", '"x"', '{"lease_seconds": "soon"}', "{}"])
def test_an_order_that_makes_no_sense_is_none(nonsense: str) -> None:
    orders = zone_twin(ManualClock(START)).orders
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        ordered(orders, json.loads(nonsense), START)
