"""One Modbus TCP connection, shared by all units behind an endpoint."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from wattmesh_gateway.app.spans import MODBUS_READ, MODBUS_WRITE
from wattmesh_gateway.domain.errors import DeviceFailed, DeviceRefused, DeviceUnavailable
from wattmesh_gateway.drivers.modbus_tcp.profile import RegisterTable
from wattmesh_gateway.drivers.modbus_tcp.registers import Span
from wattmesh_runtime.aio.spans import traced

_PASSING = frozenset(
    {
        ExcCodes.ACKNOWLEDGE,
        ExcCodes.DEVICE_BUSY,
        ExcCodes.GATEWAY_PATH_UNAVIABLE,
        ExcCodes.GATEWAY_NO_RESPONSE,
    }
)
"""Exceptions after which the same request may succeed later."""


_READING = (0x03, 0x04)
_WRITING = 0x10
_WRITING_ONE = 0x06


class _WrongAnswer(Exception):
    """An answer to something else: what comes after it on this connection cannot be trusted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModbusEndpoint:
    """A TCP endpoint that one or several Modbus units answer on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class ModbusConnection:
    """Connects when it is needed and asks one thing at a time.

    `generation` grows with every connection made: what was learnt of a device on an older one
    may not hold any more.
    """

    def __init__(self, endpoint: ModbusEndpoint, timeout_seconds: float) -> None:
        self._endpoint = endpoint
        self._timeout = timeout_seconds
        self._client: AsyncModbusTcpClient | None = None
        self._lock = asyncio.Lock()
        self._closed = False
        self.generation = 0

    async def connect(self) -> None:
        """Connect unless connected; DeviceUnavailable when that fails."""
        async with self._line():
            pass

    async def read(self, unit: int, span: Span) -> Sequence[int]:
        """Read a span of registers of a unit.

        Errors: DeviceUnavailable when nothing answers, DeviceRefused when the unit will not.
        """
        with traced(MODBUS_READ, about=self._about(unit, span.start, span.count)):
            return await self._read(unit, span)

    async def _read(self, unit: int, span: Span) -> Sequence[int]:
        async with self._line() as client:
            ask = (
                client.read_holding_registers
                if span.table is RegisterTable.HOLDING
                else client.read_input_registers
            )
            answer = await ask(span.start, count=span.count, device_id=unit)
            what = f"reading {span.table.value} registers {span.start}+{span.count}"
            self._check(answer, what)
            if answer.function_code not in _READING or len(answer.registers) != span.count:
                raise _WrongAnswer(f"{what} gave {_in_short(answer)}")
        return answer.registers

    async def write(self, unit: int, start: int, words: Sequence[int]) -> None:
        """Write holding registers of a unit; errors as in `read`."""
        with traced(MODBUS_WRITE, about=self._about(unit, start, len(words))):
            await self._write(unit, start, words)

    async def _write(self, unit: int, start: int, words: Sequence[int]) -> None:
        async with self._line() as client:
            answer = await client.write_registers(start, list(words), device_id=unit)
            what = f"writing registers {start}+{len(words)}"
            self._check(answer, what)
            if (answer.function_code, answer.address, answer.count) != (
                _WRITING,
                start,
                len(words),
            ):
                raise _WrongAnswer(f"{what} gave {_in_short(answer)}")

    async def write_single(self, unit: int, register: int, word: int) -> None:
        """Write one holding register by the function for one; errors as in `read`."""
        with traced(MODBUS_WRITE, about=self._about(unit, register, 1)):
            await self._write_single(unit, register, word)

    async def _write_single(self, unit: int, register: int, word: int) -> None:
        async with self._line() as client:
            answer = await client.write_register(register, word, device_id=unit)
            what = f"writing register {register}"
            self._check(answer, what)
            if (answer.function_code, answer.address) != (_WRITING_ONE, register):
                raise _WrongAnswer(f"{what} gave {_in_short(answer)}")

    def close(self) -> None:
        """Close for good: nobody uses it any more."""
        self._closed = True
        self._hang_up()

    def _about(self, unit: int, start: int, count: int) -> dict[str, str | float]:
        """Return what a span says of a request."""
        return {"server": str(self._endpoint), "unit": unit, "register": start, "count": count}

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[AsyncModbusTcpClient]:
        """Give the connection to one request; whatever breaks it, the device did not answer."""
        async with self._lock:
            try:
                yield await self._connected()
            except (DeviceUnavailable, DeviceRefused):
                raise
            except ModbusException as error:
                raise self._lost(error) from error
            except Exception as error:
                self._hang_up()
                raise self._lost(error) from error

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        if self._closed:
            raise DeviceUnavailable(f"{self._endpoint}: the device was let go")
        self._hang_up()
        client = AsyncModbusTcpClient(
            self._endpoint.host,
            port=self._endpoint.port,
            timeout=self._timeout,
            retries=0,
            reconnect_delay=0,  # this class connects again itself, when somebody asks
        )
        _end_on_nonsense(client)
        if not await client.connect():
            client.close()
            raise DeviceUnavailable(f"no connection to {self._endpoint}")
        self._client = client
        self.generation += 1
        return client

    def _lost(self, error: Exception) -> DeviceUnavailable:
        return DeviceUnavailable(f"{self._endpoint}: {error or type(error).__name__}")

    def _check(self, answer: ModbusPDU, what: str) -> None:
        if not answer.isError():
            return
        code = answer.exception_code
        name = next((each.name.lower() for each in ExcCodes if each == code), "unknown")
        message = f"{what}: the device answered exception {code} ({name})"
        if code == ExcCodes.DEVICE_FAILURE:
            raise DeviceFailed(message)
        if code in _PASSING:
            raise DeviceUnavailable(message)
        raise DeviceRefused(message)

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _in_short(answer: ModbusPDU) -> str:
    return f"function {answer.function_code} with {len(answer.registers)} registers"


def _end_on_nonsense(client: AsyncModbusTcpClient) -> None:
    """Have bytes that are no Modbus fail the request that waits, and nothing else.

    pymodbus raises out of the event loop's callback: the loop would log a traceback for each
    answer, and the request would wait for its time to run out.
    """
    manager = client.ctx
    take = manager.callback_data

    def take_or_fail(data: bytes, addr: tuple[str, int] | None = None) -> int:
        try:
            used: int = take(data, addr)
        except Exception as error:
            if not manager.response_future.done():
                manager.response_future.set_exception(_WrongAnswer(f"no Modbus: {error}"))
            return len(data)
        return used

    # pymodbus has no setting for it.
    manager.callback_data = take_or_fail  # type: ignore[method-assign]
