"""The grid goes before a real gateway: switch on Modbus, a kill while the site is an island."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.gateway_world import (
    BATTERY,
    GATEWAY,
    GatewayWorld,
    free_port,
    gateway_world,
    until,
)
from tests.integration.gateway.test_gateway_loop_process import FOLLOW, steer
from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.loop_policy import LoopIsland, LoopMember
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Device, DeviceFunction, MeterRole, ModbusTcpConnection
from wattmesh_twin.adapters.grid_switch import GridSwitchTwin

SITE = SiteId("home-1")
SWITCH = DeviceId(SITE, "switch")
ISLAND = LoopIsland(
    switch=LoopMember(
        device=SWITCH,
        kind=SetpointKind.ON_OFF,
        min_value=0.0,
        max_value=1.0,
        safe_value=1.0,
        idle_value=1.0,
        limits_only=True,
    ),
    grid_meter=SWITCH,
    sample_interval=timedelta(milliseconds=200),
    reconnect_delay=timedelta(seconds=2),
    forming=DeviceId.parse(BATTERY),
    forming_power_w=5_000.0,
)
POLICY = replace(FOLLOW, target=None, island=ISLAND)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path) as made:
        yield made


def switch_device(port: int) -> Device:
    function = DeviceFunction(
        asset=AssetId(SITE, "grid"), meter_role=MeterRole.CHECK, controls=True
    )
    return Device(
        id=SWITCH,
        profile="grid-switch",
        gateway=GatewayId.parse(GATEWAY),
        connection=ModbusTcpConnection(host="127.0.0.1", port=port),
        points=frozenset({"voltage_v", "frequency_hz", "grid_connected_ratio"}),
        functions=(function,),
        reporting_interval=timedelta(seconds=10),
    )


@pytest.mark.time_limit(120)
async def test_the_switch_opens_as_the_grid_goes_stays_so_over_a_kill_and_closes_when_it_is_back(
    world: GatewayWorld,
) -> None:
    port = free_port()
    async with GridSwitchTwin(SystemClock(), "127.0.0.1", port) as twin:
        world.sites.change(switch_device(port))
        await world.gateway.start()
        await world.control.connected()
        await world.control.wait_for_device(SWITCH.name, online=True)
        steer(world, POLICY)
        await world.control.wait_for_loop_event("STARTED")
        twin.grid(0.0, 0.0)
        await until(lambda: not twin.look().closed)
        await world.control.wait_for_loop_event("ISLANDED")
        await world.gateway.kill()
        await world.gateway.start()
        await until(lambda: "serving on" in world.gateway.log, 40)
        assert not twin.look().closed
        twin.grid(230.0, 50.0)
        await until(lambda: twin.look().closed, 40)
