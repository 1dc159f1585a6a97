"""The Modbus driver: one object per device, connections shared per endpoint."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Self

from wattmesh_gateway.domain.command import SetpointKind
from wattmesh_gateway.domain.device import Device, ModbusAddress, ModbusEndpoint
from wattmesh_gateway.domain.profile import ModbusProfile
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.drivers.modbus_connection import ModbusConnection
from wattmesh_gateway.drivers.modbus_reader import ModbusReader
from wattmesh_gateway.drivers.modbus_setpoint import AppliedModbusSetpoint, ModbusSetpoints
from wattmesh_gateway.drivers.modbus_unit import ModbusUnit
from wattmesh_kernel.clock import Clock


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
        unit = ModbusUnit(connection, unit_id, profile.base_addresses)
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

    async def release(self, kind: SetpointKind) -> None:
        """Send the device to its safe state; errors: DeviceUnavailable, DeviceRefused."""
        await self._setpoints.release(kind)


class ModbusDriver:
    """Opens Modbus devices; an async context manager that closes their connections."""

    def __init__(self, clock: Clock, timeout_seconds: float) -> None:
        self._clock = clock
        self._timeout = timeout_seconds
        self._connections: dict[ModbusEndpoint, ModbusConnection] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def open(
        self, device: Device, address: ModbusAddress, profile: ModbusProfile
    ) -> ModbusDevice:
        """Return the device at an address; nothing is sent before it is read or set."""
        connection = self._connections.get(address.endpoint)
        if connection is None:
            connection = await self._stack.enter_async_context(
                ModbusConnection(address.endpoint, self._timeout)
            )
            self._connections[address.endpoint] = connection
        return ModbusDevice(device, profile, connection, address.unit_id, self._clock)
