"""The Modbus driver: one object per device, connections shared per endpoint."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from wattmesh_gateway.app.ports import OpenedDevice
from wattmesh_gateway.domain.command import ReadBack
from wattmesh_gateway.domain.errors import ProfileError
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.domain.reading import Reading
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
    ) -> None:
        unit = ModbusUnit(
            connection, unit_id, profile.base_addresses, write_single=profile.write_single
        )
        self._reader = ModbusReader(device, profile, unit, clock)
        self._setpoints = ModbusSetpoints(profile, unit)

    async def read(self) -> Sequence[Reading]:
        """Read all points; errors: DeviceUnavailable, DeviceRefused."""
        return await self._reader.read()

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

    def __init__(self, clock: Clock, timeout_seconds: float) -> None:
        self._clock = clock
        self._timeout = timeout_seconds
        self._connections: dict[ModbusEndpoint, ModbusConnection] = {}
        self._users: dict[ModbusEndpoint, int] = {}

    async def open(self, device: Device, profile: DeviceProfile) -> OpenedDevice:
        """Return a device; nothing is sent before it is read or set. ProfileError if not Modbus."""
        match device.connection, profile:
            case ModbusTcpConnection(host=host, port=port, unit_id=unit), ModbusProfile():
                endpoint = ModbusEndpoint(host=host, port=port)
                opened = ModbusDevice(device, profile, self._use(endpoint), unit, self._clock)
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
    driver = ModbusDriver(surroundings.clock, settings.modbus_timeout_seconds)
    try:
        yield driver
    finally:
        driver.close()
