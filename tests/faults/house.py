"""A house with a device of each kind on each protocol, each behind a line of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from tests.fakes.eventually import eventually, within
from tests.fakes.gateway_control import State
from tests.fakes.gateway_world import GatewayWorld, free_port, gateway_world
from tests.faults.line import Line
from tests.faults.things import THINGS, Device, Thing, on_modbus, on_mqtt, on_ocpp
from wattmesh_contracts.setpoints import setpoint_kind_to_proto
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.sites import (
    Connection,
    ModbusTcpConnection,
    MqttConnection,
    OcppConnection,
)
from wattmesh_kernel.sites import Device as SiteDevice
from wattmesh_runtime.aio.tasks import BackgroundTasks

SITE = SiteId("home-1")
PROFILES = load_profiles(SCHEMAS)
_FINAL = (
    State.COMMAND_STATE_VERIFIED,
    State.COMMAND_STATE_REFUSED,
    State.COMMAND_STATE_FAILED,
    State.COMMAND_STATE_EXPIRED,
)
_HOUR = timedelta(hours=1)
_OCPP_SECONDS = 60
_PATIENCE_SECONDS = 90.0
_TIMEOUT_SECONDS = 3.0
"""More than a busy machine keeps a device that is well from answering."""


class Fault(StrEnum):
    """What is wrong with a device."""

    UNPLUGGED = "unplugged"
    """Nobody is there: connections are refused, and who was through is hung up on."""
    SILENT = "silent"
    """It is there, and never says a word."""
    LYING = "lying"
    """It says that it does what it is told, and does not."""


@dataclass(kw_only=True)
class House:
    """All of them at one gateway."""

    world: GatewayWorld
    devices: dict[str, Device] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    commands: int = 0

    async def only_lost(self, *names: str) -> None:
        """Wait until exactly these do not answer."""

        async def so() -> bool:
            return (await self.world.lost()).keys() == set(names)

        await eventually(so, _PATIENCE_SECONDS)

    async def break_(self, name: str, fault: Fault) -> None:
        """Have something wrong with a device."""
        match fault:
            case Fault.UNPLUGGED:
                self.lines[name].pull()
            case Fault.SILENT:
                self.lines[name].go_dead()
            case Fault.LYING:
                self.devices[name].deaf = True

    async def mend(self, name: str) -> None:
        """Have nothing wrong with it."""
        self.devices[name].deaf = False
        await self.lines[name].mend()

    async def tell(self, thing: Thing, value: float, lease: timedelta = _HOUR) -> tuple[bool, str]:
        """Tell a device a value; return whether it was read back, and what was said if not."""
        self.commands += 1
        command, end = f"commands/c{self.commands}", datetime.now(UTC) + lease
        device, control = f"{SITE.name}/devices/{thing.name}", self.world.control
        kind = setpoint_kind_to_proto(thing.setpoint)
        control.dispatch(command, device, value, end, self.commands, kind=kind)

        def final() -> bool:
            return any(each.command == command and each.state in _FINAL for each in control.reports)

        await eventually(final, _PATIENCE_SECONDS)
        (report,) = [
            each for each in control.reports if each.command == command and each.state in _FINAL
        ][:1]
        return report.state == State.COMMAND_STATE_VERIFIED, report.message

    async def heard(self, name: str) -> None:
        """Wait until something new of a device is stored."""
        prefix = f"{SITE.name}/devices/{name}/"

        def count() -> int:
            return sum(which.startswith(prefix) for which, _ in self.world.metering.stored)

        before = count()
        await eventually(lambda: count() > before, _PATIENCE_SECONDS)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """All of them, heard of and well."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(gateway_world(folder))
        made = House(world=world)
        found, tasks = [], []
        for thing in THINGS:
            connection: Connection
            match thing.protocol:
                case "modbus":
                    port = free_port()
                    device, served = on_modbus(thing.name, port)
                    await stack.enter_async_context(served)
                    line = await stack.enter_async_context(Line(port))
                    connection = ModbusTcpConnection(host="127.0.0.1", port=line.port, unit_id=1)
                case "mqtt":
                    line = await stack.enter_async_context(Line(world.broker_port))
                    speaks = on_mqtt(thing.name, f"mqtt://127.0.0.1:{line.port}")
                    device, connection = speaks, MqttConnection(address=thing.name)
                    tasks.append(speaks.run)
                case _:
                    line = await stack.enter_async_context(Line(world.ocpp_port))
                    point = on_ocpp(thing.name, f"ws://127.0.0.1:{line.port}")
                    device, connection = point, OcppConnection(charge_point_id=thing.name)
                    tasks.append(point.run)
            made.devices[thing.name], made.lines[thing.name] = device, line
            found.append(_registered(world, thing, connection))
        world.sites.change(*found, deleted=tuple(each.name for each in world.devices()))
        world.gateway.put_modbus_timeout(_TIMEOUT_SECONDS)
        await world.gateway.start()
        await eventually(lambda: "serving on" in world.gateway.log, 60)
        async with within(60):
            await world.control.connected()
        background = await stack.enter_async_context(BackgroundTasks())
        for run in tasks:
            background.start(run())
        await made.only_lost()
        yield made


def _registered(world: GatewayWorld, thing: Thing, connection: Connection) -> SiteDevice:
    battery, _ = world.devices(timedelta(seconds=1))
    seconds = _OCPP_SECONDS if thing.protocol == "ocpp" else 1
    return replace(
        battery,
        id=DeviceId(SITE, thing.name),
        profile=thing.profile,
        connection=connection,
        points=PROFILES[thing.profile].quantities,
        functions=(replace(battery.functions[0], asset=AssetId(SITE, thing.name)),),
        reporting_interval=timedelta(seconds=seconds),
    )
