"""The Modbus driver: one object per device, connections shared per endpoint."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from wattmesh_gateway.app.ports import NoStays, OpenedDevice, Stays
from wattmesh_gateway.domain.command import ReadBack
from wattmesh_gateway.domain.errors import ProfileError
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.stay import Seen
from wattmesh_gateway.drivers.kind import Surroundings
from wattmesh_gateway.drivers.modbus_tcp.connection import ModbusConnection, ModbusEndpoint
from wattmesh_gateway.drivers.modbus_tcp.profile import ModbusProfile
from wattmesh_gateway.drivers.modbus_tcp.reader import ModbusReader
from wattmesh_gateway.drivers.modbus_tcp.setpoint import AppliedModbusSetpoint, ModbusSetpoints
from wattmesh_gateway.drivers.modbus_tcp.settings import ModbusSettings
from wattmesh_gateway.drivers.modbus_tcp.unit import ModbusUnit
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Device, ModbusTcpConnection


class ModbusDevice:
    """A device on Modbus TCP that is polled and set as its profile says."""

    def __init__(
        self,
        device: Device,
        profile: ModbusProfile,
        connection: ModbusConnection,
        unit_id: int,
        clock: Clock,
        stays: Stays,
    ) -> None:
        self._id = device.id
        self._clock = clock
        self._stays = stays
        self._is_charger = bool(profile.session)
        unit = ModbusUnit(
            connection, unit_id, profile.base_addresses, write_single=profile.write_single
        )
        self._reader = ModbusReader(device, profile, unit, clock)
        self._setpoints = ModbusSetpoints(profile, unit)

    async def read(self) -> Sequence[Reading]:
        """Read all points; errors: DeviceUnavailable, DeviceRefused."""
        readings = await self._reader.read()
        if self._is_charger:
            values = {each.point.segment: each.value for each in readings}
            seen = Seen(
                time=self._clock.now(),
                state=self._reader.plug,
                import_wh=values.get("import_energy_wh"),
                export_wh=values.get("export_energy_wh"),
                soc_ratio=values.get("soc_ratio"),
            )
            await self._stays.hear(self._id, seen)
        return readings

    async def apply(
        self, kind: SetpointKind, value: float, lease: timedelta
    ) -> AppliedModbusSetpoint:
        """Write a leased setpoint; errors: DeviceUnavailable, DeviceRefused."""
        return await self._setpoints.apply(kind, value, lease)

    async def adjust(self, kind: SetpointKind, value: float, lease: timedelta) -> None:
        """Write a leased setpoint in few steps; errors: DeviceUnavailable, DeviceRefused."""
        await self._setpoints.adjust(kind, value, lease)

    async def holds(self, kind: SetpointKind, value: float) -> ReadBack:
        """Ask whether the device holds a setpoint; errors: DeviceUnavailable, DeviceRefused."""
        return await self._setpoints.holds(kind, value)

    async def release(self, kind: SetpointKind) -> ReadBack:
        """Send the device to its safe state and ask whether it is there; errors as in `holds`."""
        return await self._setpoints.release(kind)

    def ends_by_itself(self, kind: SetpointKind) -> bool:
        """Return whether the device has a timer that ends a setpoint with its lease."""
        return self._setpoints.ends_by_itself(kind)


class ModbusDriver:
    """Opens Modbus devices."""

    def __init__(self, clock: Clock, timeout_seconds: float, stays: Stays | None = None) -> None:
        self._clock = clock
        self._stays = stays or NoStays()
        self._timeout = timeout_seconds
        self._connections: dict[ModbusEndpoint, ModbusConnection] = {}
        self._users: dict[ModbusEndpoint, int] = {}

    async def open(self, device: Device, profile: DeviceProfile) -> OpenedDevice:
        """Return a device; nothing is sent before it is read or set. ProfileError if not Modbus."""
        match device.connection, profile:
            case ModbusTcpConnection(host=host, port=port, unit_id=unit), ModbusProfile():
                endpoint = ModbusEndpoint(host=host, port=port)
                line = self._use(endpoint)
                opened = ModbusDevice(device, profile, line, unit, self._clock, self._stays)
                close = partial(self._leave, endpoint)
                return OpenedDevice(reads=opened, sets=opened, adjusts=opened, close=close)
            case _:
                raise ProfileError(f"{device.connection} and {profile.name!r} are not for Modbus")

    async def wait_ready(self, within_seconds: float) -> bool:
        """Return at once: what is polled is not missed."""
        return True

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()

    def _use(self, endpoint: ModbusEndpoint) -> ModbusConnection:
        if endpoint not in self._connections:
            self._connections[endpoint] = ModbusConnection(endpoint, self._timeout)
        self._users[endpoint] = self._users.get(endpoint, 0) + 1
        return self._connections[endpoint]

    def _leave(self, endpoint: ModbusEndpoint) -> None:
        self._users[endpoint] -= 1
        if not self._users[endpoint]:
            del self._users[endpoint]
            self._connections.pop(endpoint).close()


@asynccontextmanager
async def start_modbus(
    settings: ModbusSettings, surroundings: Surroundings
) -> AsyncIterator[ModbusDriver]:
    """Start a driver that closes its connections at the end."""
    # pymodbus logs every request that fails; the gateway says itself when a device is lost.
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
    timeout_seconds = settings.modbus_timeout_seconds
    driver = ModbusDriver(surroundings.clock, timeout_seconds, surroundings.stays)
    try:
        yield driver
    finally:
        driver.close()
