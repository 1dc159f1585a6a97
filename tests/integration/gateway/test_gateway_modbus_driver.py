"""The Modbus driver against a real Modbus TCP server with SunSpec devices."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from pymodbus.constants import ExcCodes

from tests.fakes.manual_clock import ManualClock
from tests.fakes.sunspec_device import (
    FakeUnit,
    ModbusServer,
    SunSpecUnit,
    battery_unit,
    inverter_unit,
)
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_gateway.drivers.modbus_tcp.driver import ModbusDevice, ModbusDriver
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.ids import DeviceId, GatewayId, SiteId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Device, ModbusTcpConnection

NOW = datetime(2016, 9, 5, 7, 15, tzinfo=UTC)
PROFILES = load_profiles(SCHEMAS)
POWER = SetpointKind.ACTIVE_POWER_W
LIMIT = SetpointKind.GENERATION_LIMIT_W
HOUR = timedelta(hours=1)

BATTERY_POINTS = ("active_power_w", "import_energy_wh", "export_energy_wh", "soc_ratio")


@pytest.fixture
async def driver() -> AsyncIterator[ModbusDriver]:
    modbus = ModbusDriver(ManualClock(NOW), timeout_seconds=0.5)
    yield modbus
    modbus.close()


async def open_device(
    driver: ModbusDriver, server: ModbusServer, unit: FakeUnit, profile: str, *points: str
) -> ModbusDevice:
    device = Device(
        id=DeviceId(SiteId("home-1"), f"unit-{unit.unit_id}"),
        profile=profile,
        gateway=GatewayId("local"),
        connection=ModbusTcpConnection(host="127.0.0.1", port=server.port, unit_id=unit.unit_id),
        points=frozenset(points),
        reporting_interval=timedelta(minutes=15),
    )
    opened = await driver.open(device, PROFILES[profile])
    assert isinstance(opened.reads, ModbusDevice)
    return opened.reads


async def read_values(device: ModbusDevice) -> dict[str, float]:
    readings = await device.read()
    assert {reading.measure_time for reading in readings} == {NOW}
    return {reading.point.segment: reading.value for reading in readings}


async def test_a_sunspec_battery_is_read_with_scale_factors_and_signs(
    driver: ModbusDriver,
) -> None:
    unit = battery_unit()
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", *BATTERY_POINTS)
        assert await read_values(device) == pytest.approx(
            {
                "active_power_w": -1500.0,  # it discharges: power out of the component
                "import_energy_wh": 6789.0,
                "export_energy_wh": 1234.5,
                "soc_ratio": 0.5025,
            }
        )


async def test_polling_asks_once_for_each_model_block(driver: ModbusDriver) -> None:
    unit = battery_unit()
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", *BATTERY_POINTS)
        await device.read()
        unit.reads.clear()
        await device.read()
    assert [address for address, _ in unit.reads] == [
        unit.address((701, "W")),
        unit.address((713, "SoC")),
    ]


@pytest.mark.parametrize("base", [50000, 0])
async def test_the_model_chain_is_found_at_each_of_its_usual_addresses(
    driver: ModbusDriver, base: int
) -> None:
    unit = battery_unit(base=base)
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        assert await read_values(device) == {"soc_ratio": pytest.approx(0.5025)}


async def test_a_point_the_device_does_not_implement_is_absent_not_zero(
    driver: ModbusDriver,
) -> None:
    unit = SunSpecUnit(2, (1, 701), {(701, "W_SF"): 0, (701, "W"): 100})
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", *BATTERY_POINTS)
        assert await read_values(device) == {"active_power_w": -100.0}


async def test_the_inverter_profile_takes_the_model_the_device_has(driver: ModbusDriver) -> None:
    unit = inverter_unit()
    async with ModbusServer(unit) as server:
        device = await open_device(
            driver, server, unit, "sunspec-inverter", "active_power_w", "export_energy_wh"
        )
        assert await read_values(device) == {
            "active_power_w": -2340.0,
            "export_energy_wh": 987654.0,
        }


async def test_units_of_an_endpoint_share_one_connection(driver: ModbusDriver) -> None:
    battery, inverter = battery_unit(), inverter_unit()
    async with ModbusServer(battery, inverter) as server:
        one = await open_device(driver, server, battery, "sunspec-battery", "soc_ratio")
        two = await open_device(driver, server, inverter, "sunspec-inverter", "active_power_w")
        await one.read()
        await two.read()
        assert server.connections == 1


async def test_a_plain_register_meter_is_read_by_its_profile(driver: ModbusDriver) -> None:
    unit = FakeUnit(7, [0] * 100, base=0)
    unit.registers[52:54] = [0xC489, 0x8000]  # -1100.0
    unit.registers[72:74] = [0x4145, 0x70A4]  # 12.34
    async with ModbusServer(unit) as server:
        device = await open_device(
            driver, server, unit, "eastron-sdm630", "active_power_w", "import_energy_wh"
        )
        assert await read_values(device) == pytest.approx(
            {"active_power_w": -1100.0, "import_energy_wh": 12340.0}, rel=1e-6
        )


async def test_a_setpoint_is_written_with_its_lease_and_read_back(driver: ModbusDriver) -> None:
    unit = battery_unit()
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        applied = await device.apply(POWER, 1234.4, timedelta(seconds=4499.9))
        read_back = await applied.read_back()
    assert applied.value == 1234.0  # the register holds whole watts
    assert (read_back.value, read_back.mismatch) == (1234.0, "")
    assert unit.get((704, "WSet")) == (-1234) & 0xFFFF_FFFF  # charging is negative for SunSpec
    assert unit.get((704, "WSetRvrtTms")) == 4499  # never longer than the lease
    assert unit.get((704, "WSetEna")) == 1
    assert unit.writes[-1][0] == unit.address((704, "WSetEna"))  # enabled last


async def test_a_read_back_that_differs_is_said(driver: ModbusDriver) -> None:
    unit = battery_unit()
    unit.on_write = lambda: unit.put((704, "WSet"), 7)
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        read_back = await (await device.apply(POWER, 1000.0, HOUR)).read_back()
    assert read_back.value == -7.0
    assert "704.WSet is -7.0, not 1000" in read_back.mismatch


@pytest.mark.parametrize("value", [5002.0, -4002.0])
async def test_a_setpoint_beyond_the_devices_ratings_is_refused_unwritten(
    driver: ModbusDriver, value: float
) -> None:
    unit = battery_unit()
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        with pytest.raises(DeviceRefused, match="the device can do"):
            await device.apply(POWER, value, HOUR)
    assert unit.writes == []


async def test_a_setpoint_that_the_registers_are_too_coarse_for_is_refused_unwritten(
    driver: ModbusDriver,
) -> None:
    """1,000 W asked, 0 written and 0 read back would look like success."""
    unit = battery_unit()
    unit.put((704, "WSet_SF"), 10)
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        with pytest.raises(DeviceRefused, match=r"the device can hold is -?0"):
            await device.apply(POWER, 1000.0, HOUR)
    assert unit.writes == []


async def test_a_setpoint_between_two_steps_of_the_register_says_what_was_written(
    driver: ModbusDriver,
) -> None:
    unit = battery_unit()
    unit.put((704, "WSet_SF"), 2)
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        applied = await device.apply(POWER, 1234.0, HOUR)
        assert (await device.holds(POWER, 1234.0)).mismatch == ""
    assert applied.value == 1200.0


async def test_whether_a_device_still_holds_its_setpoint_is_read_without_writing(
    driver: ModbusDriver,
) -> None:
    unit = battery_unit()
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        await device.apply(POWER, 1000.0, HOUR)
        unit.writes.clear()
        unit.put((704, "WSet"), 0)  # as after a reboot
        unit.put((704, "WSetEna"), 0)
        found = await device.holds(POWER, 1000.0)
    assert unit.writes == []
    assert (found.value, "WSetEna is 0" in found.mismatch) == (0.0, True)


async def test_a_release_that_the_device_ignores_is_said(driver: ModbusDriver) -> None:
    unit = battery_unit()
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        await device.apply(POWER, 1000.0, HOUR)
        unit.on_write = lambda: unit.put((704, "WSetEna"), 1)
        left = await device.release(POWER)
    assert "WSetEna is 1" in left.mismatch


async def test_a_refusal_says_whether_the_device_had_taken_a_part(driver: ModbusDriver) -> None:
    unit = battery_unit()
    first, last = unit.address((704, "WSetMod")), unit.address((704, "WSetEna"))
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        for refused, begun in ((first, False), (last, True)):
            unit.refuse = lambda address, values, refused=refused: (  # type: ignore[misc]
                ExcCodes.ILLEGAL_ADDRESS if values is not None and address == refused else None
            )
            with pytest.raises(DeviceRefused) as error:
                await device.apply(POWER, 1000.0, HOUR)
            assert error.value.begun is begun


async def test_release_sends_the_battery_to_its_safe_state(driver: ModbusDriver) -> None:
    unit = battery_unit()
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        await device.apply(POWER, 1000.0, HOUR)
        await device.release(POWER)
    assert unit.get((704, "WSetEna")) == 0


async def test_curtailment_is_written_in_percent_of_the_rating(driver: ModbusDriver) -> None:
    unit = inverter_unit()
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-inverter", "active_power_w")
        applied = await device.apply(LIMIT, 1000.0, timedelta(days=7))
        read_back = await applied.read_back()
    assert unit.get((123, "WMaxLimPct")) == 2500  # 25 % of 4 kW, in hundredths
    assert unit.get((123, "WMaxLimPct_RvrtTms")) == 65534  # the longest its timer can hold
    assert (applied.value, read_back.value, read_back.mismatch) == (1000.0, 1000.0, "")


async def test_a_setpoint_the_profile_does_not_know_is_refused(driver: ModbusDriver) -> None:
    unit = battery_unit()
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        with pytest.raises(DeviceRefused, match="no setpoint on_off"):
            await device.apply(SetpointKind.ON_OFF, 1.0, HOUR)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (ExcCodes.ILLEGAL_VALUE, DeviceRefused),
        (ExcCodes.DEVICE_BUSY, DeviceUnavailable),
        (ExcCodes.DEVICE_FAILURE, DeviceUnavailable),
    ],
)
async def test_exceptions_say_whether_trying_again_makes_sense(
    driver: ModbusDriver, code: ExcCodes, error: type[Exception]
) -> None:
    unit = battery_unit()

    def refuse(address: int, values: Sequence[int] | None) -> ExcCodes | None:
        return code if values is not None else None

    unit.refuse = refuse
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        with pytest.raises(error, match=code.name.lower()):
            await device.apply(POWER, 1000.0, HOUR)


async def test_a_device_that_failed_while_it_was_explored_is_explored_again(
    driver: ModbusDriver,
) -> None:
    unit = battery_unit()
    unit.refuse = lambda address, _: ExcCodes.DEVICE_FAILURE if address > 40010 else None
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        with pytest.raises(DeviceUnavailable):
            await device.read()
        unit.refuse = lambda *_: None
        assert await read_values(device) == {"soc_ratio": pytest.approx(0.5025)}


async def test_a_device_lost_and_back_is_read_on_a_new_connection(driver: ModbusDriver) -> None:
    unit = battery_unit()
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        await device.read()
        await server.stop()
        with pytest.raises(DeviceUnavailable):
            await device.read()
        await server.start()
        assert await read_values(device) == {"soc_ratio": pytest.approx(0.5025)}
        assert server.connections == 2


async def test_a_port_where_nobody_speaks_sunspec_counts_as_unavailable(
    driver: ModbusDriver,
) -> None:
    unit = FakeUnit(2, [1, 2, 3, 4], base=40000)
    async with ModbusServer(unit) as server:
        device = await open_device(driver, server, unit, "sunspec-battery", "soc_ratio")
        with pytest.raises(DeviceUnavailable, match="no SunSpec marker"):
            await device.read()


async def test_the_connection_is_closed_with_the_last_device_behind_it(
    driver: ModbusDriver,
) -> None:
    unit = battery_unit()
    async with ModbusServer(unit) as server:
        device = Device(
            id=DeviceId(SiteId("home-1"), "battery"),
            profile="sunspec-battery",
            gateway=GatewayId("local"),
            connection=ModbusTcpConnection(host="127.0.0.1", port=server.port, unit_id=2),
            points=frozenset({"soc_ratio"}),
            reporting_interval=timedelta(minutes=15),
        )
        one, two = [await driver.open(device, PROFILES["sunspec-battery"]) for _ in range(2)]
        assert one.reads
        assert two.reads
        await one.reads.read()
        one.close()
        assert await two.reads.read()
        two.close()
        with pytest.raises(DeviceUnavailable, match="was let go"):
            await two.reads.read()
        assert server.connections == 1
