"""Every packaged profile against what a device of it could hold: read, set, read back, released."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.register_image import RegisterImage, is_plain
from tests.fakes.sunspec_device import ModbusServer
from wattmesh_gateway.domain.errors import DeviceRefused
from wattmesh_gateway.domain.profile import UNTESTED
from wattmesh_gateway.drivers.modbus_tcp.driver import ModbusDriver
from wattmesh_gateway.drivers.modbus_tcp.profile import ModbusProfile, Register
from wattmesh_gateway.drivers.mqtt.profile import MqttProfile
from wattmesh_gateway.drivers.mqtt.understand import understand
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.ids import DeviceId, GatewayId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Connection, Device, ModbusTcpConnection, MqttConnection

PROFILES = load_profiles(SCHEMAS)
PLAIN = [
    name
    for name, profile in PROFILES.items()
    if isinstance(profile, ModbusProfile) and is_plain(profile)
]
MQTT = [name for name, profile in PROFILES.items() if isinstance(profile, MqttProfile)]
WALLBOXES = ["keba-p30", "amperfied-energy-control", "amperfied-energy-control-1p"]
HOUR = timedelta(hours=1)
CURRENT, POWER = SetpointKind.CURRENT_A, SetpointKind.ACTIVE_POWER_W


def modbus(name: str) -> ModbusProfile:
    profile = PROFILES[name]
    assert isinstance(profile, ModbusProfile)
    return profile


def device(name: str, connection: Connection) -> Device:
    return Device(
        id=DeviceId.parse("sites/home-1/devices/device"),
        profile=name,
        gateway=GatewayId("test"),
        connection=connection,
        reporting_interval=timedelta(minutes=1),
        points=PROFILES[name].quantities,
    )


def test_fifteen_real_products_have_a_profile_that_says_that_nobody_tried_it() -> None:
    products = [each for each in PROFILES.values() if each.tested == UNTESTED]
    assert len(products) >= 15


@pytest.mark.parametrize("name", PLAIN)
async def test_a_device_of_the_profile_is_read(name: str) -> None:
    image = RegisterImage(modbus(name))
    async with ModbusServer(image) as server:
        driver = ModbusDriver(SystemClock(), 2.0)
        connection = ModbusTcpConnection(host="127.0.0.1", port=server.port)
        opened = await driver.open(device(name, connection), modbus(name))
        assert opened.reads is not None
        readings = {each.point.segment: each.value for each in await opened.reads.read()}
        driver.close()
    assert readings == pytest.approx(dict(image.values))


@pytest.mark.parametrize("name", [name for name in PLAIN if POWER in PROFILES[name].setpoint_kinds])
async def test_a_device_of_the_profile_is_set_and_released(name: str) -> None:
    image = RegisterImage(modbus(name))
    async with ModbusServer(image) as server:
        driver = ModbusDriver(SystemClock(), 2.0)
        connection = ModbusTcpConnection(host="127.0.0.1", port=server.port)
        opened = await driver.open(device(name, connection), modbus(name))
        assert opened.sets is not None
        applied = await opened.sets.apply(POWER, 2760.0 if name.endswith("-1p") else 6900.0, HOUR)
        assert (await applied.read_back()).mismatch == ""
        assert (await opened.sets.release(POWER)).mismatch == ""
        driver.close()


@pytest.mark.parametrize("name", WALLBOXES)
async def test_a_wallbox_is_told_current_and_falls_back_by_itself(name: str) -> None:
    profile = modbus(name)
    image = RegisterImage(profile)
    async with ModbusServer(image) as server:
        driver = ModbusDriver(SystemClock(), 2.0)
        connection = ModbusTcpConnection(host="127.0.0.1", port=server.port)
        opened = await driver.open(device(name, connection), profile)
        assert opened.sets is not None
        watts_per_ampere = 230 if name.endswith("-1p") else 690
        by_power = await opened.sets.apply(POWER, 10.0 * watts_per_ampere, HOUR)
        registers = list(image.registers)
        by_current = await opened.sets.apply(CURRENT, 10.0, HOUR)
        assert image.registers == registers
        assert by_power.value == pytest.approx(10.0 * watts_per_ampere)
        assert by_current.value == pytest.approx(10.0)
        for kind, value in ((CURRENT, 4.0), (CURRENT, 60.0), (POWER, 300.0), (POWER, -2000.0)):
            with pytest.raises(DeviceRefused):
                await opened.sets.apply(kind, value, HOUR)
        failsafe = [
            image.read(write.number.location) * write.number.scale  # type: ignore[operator]
            for write in profile.setpoints[CURRENT].write
            if isinstance(write.number.location, Register) and write.value == 6.0
        ]
        assert failsafe == [pytest.approx(6.0)]
        driver.close()


async def test_a_wallbox_that_takes_no_less_than_its_least_is_switched_off_for_nothing() -> None:
    image = RegisterImage(modbus("keba-p30"))
    async with ModbusServer(image) as server:
        driver = ModbusDriver(SystemClock(), 2.0)
        connection = ModbusTcpConnection(host="127.0.0.1", port=server.port)
        opened = await driver.open(device("keba-p30", connection), modbus("keba-p30"))
        assert opened.sets is not None
        await opened.sets.apply(CURRENT, 16.0, HOUR)
        off = await opened.sets.apply(CURRENT, 0.0, HOUR)
        driver.close()
    written = dict(image.writes)
    assert (written[5004], written[5014], off.value) == ([16000], [0], 0.0)


@pytest.mark.parametrize("name", MQTT)
def test_a_telegram_of_the_profile_is_understood(name: str) -> None:
    profile = PROFILES[name]
    assert isinstance(profile, MqttProfile)
    now = datetime(2026, 6, 1, tzinfo=UTC)
    for format_ in profile.telegrams:
        payload: object = None
        columns = format_.batch is not None
        for point in format_.points.values():
            payload = _with(payload, point.path, [0.5] if columns else 0.5)
        if format_.time.path:
            milliseconds = round(now.timestamp() * 1000)
            moment = [milliseconds] if columns else now.isoformat()
            payload = _with(payload, format_.time.path, moment)
        told = device(name, MqttConnection(address="a"))
        telegram = understand(told, format_, json.dumps(payload).encode(), now)
        found = {each.point.segment: each.value for each in telegram.readings}
        assert found == {
            quantity: pytest.approx(0.5 * point.scale) for quantity, point in format_.points.items()
        }


def _with(document: object, path: tuple[str, ...], value: object) -> object:
    """Return a JSON document with a value at a path; numbers are places in a list."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if key.isdecimal():
        items = list(document) if isinstance(document, list) else []
        items += [None] * (int(key) + 1 - len(items))
        items[int(key)] = _with(items[int(key)], rest, value)
        return items
    members = dict(document) if isinstance(document, dict) else {}
    return {**members, key: _with(members.get(key), rest, value)}
