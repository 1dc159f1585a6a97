"""A simulated generator set and wind turbine on Modbus, with the gateway's driver at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tests.fakes.gateway_world import free_port
from tests.fakes.manual_clock import ManualClock
from tests.integration.twin.test_twin_tanks_and_runs import (
    HOUR,
    MINUTE,
    POWER,
    PROFILES,
    START,
    device,
    read,
    told,
)
from wattmesh_gateway.app.ports import OpenedDevice
from wattmesh_gateway.drivers.modbus_tcp.driver import ModbusDriver
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import ModbusTcpConnection
from wattmesh_twin.adapters.modbus import ModbusSite
from wattmesh_twin.adapters.sunspec.device import SunSpecDevice
from wattmesh_twin.machine import MachineSettings, device_of


def machine(kind: str, clock: ManualClock) -> SunSpecDevice:
    settings = MachineSettings(listen_address="127.0.0.1:0", machine=kind, modbus_address="-")  # type: ignore[arg-type]
    return device_of(settings, clock)


@asynccontextmanager
async def driven(kind: str, profile: str, clock: ManualClock) -> AsyncIterator[OpenedDevice]:
    port = free_port()
    async with ModbusSite([machine(kind, clock)], "127.0.0.1", port):
        driver = ModbusDriver(clock, 2.0)
        connection = ModbusTcpConnection(host="127.0.0.1", port=port)
        yield await driver.open(device(profile, connection), PROFILES[profile])
        driver.close()


async def test_a_generator_set_starts_gives_what_it_is_told_and_stops_when_nobody_tells_it() -> (
    None
):
    clock = ManualClock(START)
    async with driven("generator", "sunspec-generator", clock) as opened:
        assert (await read(opened))["active_power_w"] == 0.0
        await told(opened.sets, POWER, -6_000.0)
        assert (await read(opened))["active_power_w"] == 0.0, "it takes seconds to start"
        clock.advance(MINUTE)
        assert (await read(opened))["active_power_w"] == -6_000.0
        clock.advance(HOUR - MINUTE)
        given = await read(opened)
        assert given["export_energy_wh"] == pytest.approx(6_000.0, rel=0.01)
        clock.advance(MINUTE)
        assert (await read(opened))["active_power_w"] == 0.0, "its lease is over"


async def test_a_generator_set_that_is_let_go_too_early_runs_on_at_its_least_load() -> None:
    clock = ManualClock(START)
    async with driven("generator", "sunspec-generator", clock) as opened:
        await told(opened.sets, POWER, -6_000.0)
        clock.advance(5 * MINUTE)
        assert opened.sets is not None
        await opened.sets.release(POWER)
        assert (await read(opened))["active_power_w"] == -3_000.0
        clock.advance(11 * MINUTE)
        assert (await read(opened))["active_power_w"] == 0.0


async def test_a_wind_turbine_is_curtailed_and_freed() -> None:
    clock = ManualClock(START)
    async with driven("wind", "sunspec-inverter", clock) as opened:
        for _ in range(48):
            clock.advance(HOUR)
            free = await read(opened)
            if free["active_power_w"] < -1_500.0:
                break
        await told(opened.sets, SetpointKind.GENERATION_LIMIT_W, 1_000.0)
        clock.advance(timedelta(seconds=1))
        assert (await read(opened))["active_power_w"] == -1_000.0
        assert opened.sets is not None
        await opened.sets.release(SetpointKind.GENERATION_LIMIT_W)
        assert (await read(opened))["active_power_w"] < -1_400.0
        assert (await read(opened))["export_energy_wh"] > 0.0
