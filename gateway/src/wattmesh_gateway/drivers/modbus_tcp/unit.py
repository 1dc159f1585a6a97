"""One Modbus unit and where it keeps its numbers."""

from collections.abc import Sequence
from dataclasses import replace

from wattmesh_gateway.drivers.modbus_tcp.connection import ModbusConnection
from wattmesh_gateway.drivers.modbus_tcp.profile import Register, ScaledNumber, SunSpecPoint
from wattmesh_gateway.drivers.modbus_tcp.registers import Number, Span
from wattmesh_gateway.drivers.modbus_tcp.sunspec import SunSpecMap, discover, resolve


class ModbusUnit:
    """Finds the numbers of a profile in a unit, once per connection."""

    def __init__(
        self,
        connection: ModbusConnection,
        unit_id: int,
        base_addresses: Sequence[int],
        *,
        write_single: bool = False,
    ) -> None:
        self._write_single = write_single
        self._connection = connection
        self._unit_id = unit_id
        self._base_addresses = base_addresses
        self._generation = 0
        self._models: SunSpecMap | None = None
        self._numbers: dict[ScaledNumber, Number] = {}

    async def connect(self) -> int:
        """Connect; return the connection's generation and forget what an older one taught."""
        await self._connection.connect()
        if self._generation != self._connection.generation:
            self._generation = self._connection.generation
            self._models = None
            self._numbers.clear()
        return self._generation

    async def number(self, wanted: ScaledNumber) -> Number:
        """Return where a number lies and how it is scaled; DeviceRefused when it is not there."""
        if wanted not in self._numbers:
            found = await self._locate(wanted.location)
            self._numbers[wanted] = replace(found, scale=found.scale * wanted.scale)
        return self._numbers[wanted]

    async def read(self, span: Span) -> Sequence[int]:
        """Read registers."""
        return await self._connection.read(self._unit_id, span)

    async def read_number(self, number: Number) -> float | None:
        """Read one number; None when the device says that it has none."""
        register = number.register
        span = Span(table=register.table, start=register.register, count=register.type.registers)
        return number.decode(await self.read(span))

    async def write(self, number: Number, words: Sequence[int]) -> None:
        """Write one number; a device that writes single registers takes no longer one."""
        if self._write_single:
            for offset, word in enumerate(words):
                await self._connection.write_single(
                    self._unit_id, number.register.register + offset, word
                )
            return
        await self._connection.write(self._unit_id, number.register.register, words)

    async def _locate(self, location: Register | SunSpecPoint) -> Number:
        if isinstance(location, Register):
            return Number(register=location, missing=location.missing)
        if self._models is None:
            self._models = await discover(self.read, self._base_addresses)
        return await resolve(self.read, self._models, location)
