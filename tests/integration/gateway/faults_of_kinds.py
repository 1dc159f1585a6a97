"""A device of each kind is unplugged, lies or falls silent: only that one is lost, with its reason.

All of them hang at one gateway, each on its real protocol. What a plan makes of an asset of which
nothing was heard for a day: tests/unit/planner/test_planner_silent_kinds.py.

Run by `make check-devices`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import pytest

from tests.fakes.charge_point import dialled_in
from tests.fakes.eventually import eventually
from tests.fakes.gateway_control import State
from tests.fakes.gateway_world import GatewayWorld, gateway_world
from tests.fakes.register_image import RegisterImage
from tests.fakes.sunspec_device import ModbusServer, battery_unit, inverter_unit
from wattmesh_gateway.drivers.modbus_tcp.profile import ModbusProfile
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.sites import (
    Connection,
    Device,
    ModbusTcpConnection,
    MqttConnection,
    OcppConnection,
)
from wattmesh_runtime.aio.tasks import BackgroundTasks

SITE = SiteId("home-1")
SECOND = timedelta(seconds=1)
PROFILES = load_profiles(SCHEMAS)
Says = Callable[[str], object]
SPEAKS: dict[str, tuple[str, str, Says]] = {
    "ev-mqtt": ("go-e-charger", "go-eCharger/ev-mqtt/eto", lambda now: 1000),
    "zone": ("mqtt-heat-pump", "zone/state", lambda now: {"room_celsius": 21, "measure_time": now}),
    "other-zone": (
        "mqtt-heat-pump",
        "other-zone/state",
        lambda now: {"room_celsius": 21, "measure_time": now},
    ),
    "tank": (
        "mqtt-hot-water",
        "tank/state",
        lambda now: {"water_celsius": 50, "measure_time": now},
    ),
    "run": ("mqtt-appliance", "run/state", lambda now: {"active_power_w": 9, "measure_time": now}),
}
"""By kind its profile, where it speaks, and what it says."""
FAULTS = {
    "pv": "unplugged",
    "wind": "unplugged",
    "ev-modbus": "unplugged",
    "element": "unplugged",
    "ev-mqtt": "silent",
    "zone": "silent",
    "tank": "nonsense",
    "run": "nonsense",
}
"""All at once: what is left is a battery, a zone and a charge point, each beside broken ones."""


@dataclass(kw_only=True)
class House:
    """A device of each kind at a gateway; `faults`: what is wrong with which."""

    world: GatewayWorld
    servers: dict[str, ModbusServer] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    commands: int = 0

    async def have(self, faults: dict[str, str]) -> None:
        """Have exactly these faults from now on."""
        for name, server in self.servers.items():
            if (name in faults) != (name in self.faults):
                await (server.stop() if name in faults else server.start())
        self.faults = faults

    async def speak(self) -> None:
        """Say what devices on MQTT say, for ever."""
        port = self.world.broker_port
        async with aiomqtt.Client("127.0.0.1", port, identifier="house", timeout=20) as client:
            while True:
                for name, (_, topic, says) in SPEAKS.items():
                    said = json.dumps(says(datetime.now(UTC).isoformat()))
                    match self.faults.get(name):
                        case None:
                            await client.publish(topic, said, qos=1)
                        case "nonsense":
                            await client.publish(topic, '{"room":', qos=1)
                await asyncio.sleep(0.2)

    async def obeys(self, name: str, value: float) -> None:
        """Tell a device a power; it must read it back."""
        self.commands += 1
        command, end = f"commands/c{self.commands}", datetime.now(UTC) + timedelta(hours=1)
        device = f"{SITE.name}/devices/{name}"
        self.world.control.dispatch(command, device, value, end, self.commands)
        await self.world.control.wait_for(command, State.COMMAND_STATE_VERIFIED)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(gateway_world(folder))
        made = House(world=world)
        devices = [
            thing(world, name, profile, MqttConnection(address=name))
            for name, (profile, _, _) in SPEAKS.items()
        ]
        units = {
            "battery": ("sunspec-battery", battery_unit()),
            "pv": ("sunspec-inverter", inverter_unit()),
            "wind": ("sunspec-inverter", inverter_unit()),
            "ev-modbus": ("keba-p30", image("keba-p30")),
            "element": ("askoma-askoheat", image("askoma-askoheat")),
        }
        for name, (profile, unit) in units.items():
            server = made.servers[name] = await stack.enter_async_context(ModbusServer(unit))
            connection = ModbusTcpConnection(
                host="127.0.0.1", port=server.port, unit_id=unit.unit_id
            )
            devices.append(thing(world, name, profile, connection))
        ocpp = OcppConnection(charge_point_id="cp-1")
        devices.append(thing(world, "ev-ocpp", "ocpp-charge-point", ocpp))
        world.sites.change(*devices, deleted=tuple(each.name for each in world.devices()))
        await world.gateway.start()
        await eventually(lambda: "serving on" in world.gateway.log, 60)
        await world.control.connected()
        background = await stack.enter_async_context(BackgroundTasks())
        background.start(made.speak())
        point = await stack.enter_async_context(dialled_in(world.ocpp_port, "cp-1"))
        await point.boot()
        for device in devices:
            await world.control.wait_for_device(device.name, online=True)
        yield made


def image(profile: str) -> RegisterImage:
    found = PROFILES[profile]
    assert isinstance(found, ModbusProfile)
    return RegisterImage(found)


def thing(world: GatewayWorld, name: str, profile: str, connection: Connection) -> Device:
    battery, _ = world.devices(SECOND)
    interval = 60 * SECOND if name == "ev-ocpp" else SECOND
    return replace(
        battery,
        id=DeviceId(SITE, name),
        profile=profile,
        connection=connection,
        points=PROFILES[profile].quantities,
        functions=(replace(battery.functions[0], asset=AssetId(SITE, name)),),
        reporting_interval=interval,
    )


@pytest.mark.time_limit(150)
async def test_what_is_wrong_with_devices_costs_those_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        await there.have(FAULTS)

        async def only_those() -> bool:
            return (await there.world.lost()).keys() == FAULTS.keys()

        await eventually(only_those, 40)
        for name, why in (await there.world.lost()).items():
            assert why, name
        await there.obeys("battery", 1000.0)
        point = "sites/home-1/devices/other-zone/points/temperature_celsius"

        def heard() -> int:
            return sum(which == point for which, _ in there.world.metering.stored)

        before = heard()
        await eventually(lambda: heard() > before, 20)
        await eventually(only_those, 20)
        await there.have({})

        async def nobody() -> bool:
            return not await there.world.lost()

        await eventually(nobody, 40)
        await there.obeys("ev-modbus", 6900.0)
