"""A device of 16-bit registers on Modbus TCP: what is shared by all that are no SunSpec devices.

Input and holding registers lie in one space: none of these devices has different things at one
address of both.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

log = logging.getLogger(__name__)

UNIT = 1


class RegisterDevice(ABC):
    """Serves registers while the context is open; a read sees the moment of the read."""

    first: int
    """The first register that it has."""
    last: int
    """The last one."""
    title: str
    """What it is, in the log."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._server: ModbusTcpServer | None = None

    @abstractmethod
    def registers(self) -> Mapping[int, int]:
        """Return what it shows now, unsigned 16 bits each; others hold 0, or what they held."""

    @abstractmethod
    def write(self, register: int, value: int) -> bool:
        """Take a value in; return whether it may be written."""

    def heard(self) -> None:  # noqa: B027  # most devices do not mind
        """Take note that somebody talks to it."""

    async def __aenter__(self) -> Self:
        logging.getLogger("pymodbus.logging").setLevel(logging.WARNING)
        values = [0] * (self.last - self.first + 1)
        data = SimData(address=self.first, values=values, datatype=DataType.REGISTERS)
        device = SimDevice(id=UNIT, simdata=[data], action=self._action)
        self._server = ModbusTcpServer([device], address=self._address)
        await self._server.serve_forever(background=True)
        log.info("%s on %s:%d", self.title, *self._address)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]

    async def _action(
        self,
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        self.heard()
        for offset, value in enumerate(set_values or ()):
            if not self.write(address + offset, int(value)):
                return ExcCodes.ILLEGAL_VALUE
        for register, number in self.registers().items():
            current_registers[register - start_address] = number
        return None


def signed(value: float) -> int:
    """Return a number as a register holds it: two's complement of 16 bits."""
    return round(value) & 0xFFFF


def big(number: int) -> tuple[int, int]:
    """Return a number of 32 bits in two registers, the most significant one first."""
    return (number >> 16) & 0xFFFF, number & 0xFFFF
