"""Endpoints that answer Modbus requests with what no device should, and telegrams likewise."""

import asyncio
import random
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Self

Answer = Callable[[bytes, random.Random], bytes]
"""Makes the bytes of an answer to a request of 12 bytes or more."""


def _frame(request: bytes, body: bytes, *, transaction: int | None = None, unit: int = -1) -> bytes:
    number = struct.unpack(">H", request[:2])[0] if transaction is None else transaction
    return struct.pack(">HHHB", number, 0, len(body) + 1, unit if unit >= 0 else request[6]) + body


def _registers(request: bytes, count: int) -> bytes:
    return bytes([request[7], (2 * count) & 0xFF]) + b"\x12\x34" * count


def _asked(request: bytes) -> int:
    count: int = struct.unpack(">H", request[10:12])[0]
    return min(count, 125)


def _wrong_length(request: bytes, chance: random.Random) -> bytes:
    return request[:4] + struct.pack(">H", chance.choice((0, 1, 2, 0xFFFF))) + request[6:]


ANSWERS: dict[str, Answer] = {
    "wrong unit": lambda request, _: _frame(
        request, _registers(request, _asked(request)), unit=(request[6] + 1) & 0xFF
    ),
    "wrong transaction": lambda request, _: _frame(
        request, _registers(request, _asked(request)), transaction=54321
    ),
    "too short": lambda request, _: _frame(request, _registers(request, _asked(request) // 2)),
    "too long": lambda request, _: _frame(request, _registers(request, 125)),
    "no registers": lambda request, _: _frame(request, bytes([request[7], 0])),
    "wrong function": lambda request, _: _frame(request, b"\x01\x01\x01"),
    "unknown function": lambda request, _: _frame(request, b"\x63\x01\x02\x03"),
    "unknown exception": lambda request, _: _frame(request, bytes([request[7] | 0x80, 0x77])),
    "wrong length": _wrong_length,
    "cut off": lambda request, _: _frame(request, _registers(request, 10))[:9],
    "no Modbus": lambda _, chance: chance.randbytes(chance.randrange(1, 300)),
    "a web server": lambda *_: b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 5000,
}


class HostileModbus:
    """Accepts connections on loopback and answers by one of `ANSWERS`, or a random one.

    Further kinds: `closes` (at once), `silent` (for ever), `banner` (talks without being asked,
    and does not stop), `anything` (every answer is one of the others).
    """

    def __init__(self, kind: str, seed: int = 0) -> None:
        self.kind = kind
        self.port = 0
        self.answers = 0
        self._chance = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self.kind == "closes":
                self.answers += 1
            elif self.kind == "banner":
                await self._talk(writer)
            else:
                await self._answer_all(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _talk(self, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"welcome to this device \r\n" * 40)
            self.answers += 1
            await writer.drain()
            await asyncio.sleep(0.01)

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readexactly(6)
            request = head + await reader.readexactly(struct.unpack(">H", head[4:])[0])
            self.answers += 1
            if self.kind == "silent":
                continue
            kind = self._chance.choice(tuple(ANSWERS)) if self.kind == "anything" else self.kind
            writer.write(ANSWERS[kind](request, self._chance))
            await writer.drain()


def telegrams_of_a_hostile_device() -> dict[str, bytes]:
    """Return telegrams that no parser should fall over."""
    time = b'{"measure_time": "2026-01-01T00:00:00Z", '
    return {
        "400 digits": time + b'"active_power_w": ' + b"9" * 400 + b"}",
        "5000 digits": time + b'"active_power_w": ' + b"9" * 5000 + b"}",
        "nested objects": b'{"a":' * 100_000,
        "nested lists": b"[" * 100_000 + b"]" * 100_000,
        "infinite": time + b'"active_power_w": Infinity}',
        "not a number": time + b'"active_power_w": NaN, "import_energy_wh": -NaN}',
        "too large a float": time + b'"active_power_w": 1e999}',
        "no UTF-8": time + b'"active_power_w": "\xff\xfe"}',
        "lone surrogate": time + b'"active_power_w": "\\ud800"}',
        "a key twice": time + b'"active_power_w": 1, "active_power_w": 2}',
        "empty": b"",
        "a megabyte": time + b'"active_power_w": [' + b"1," * 500_000 + b"1]}",
        "a huge list": time + b'"active_power_w": [' + b"1," * 50_000 + b"1]}",
        "zeros": b"\x00" * 1000,
        "no object": b"7",
        "a time without end": b'{"measure_time": "9999-12-31T23:59:59Z", "active_power_w": 1}',
        "a time before time": b'{"measure_time": "0001-01-01T00:00:00+14:00", "active_power_w": 1}',
        "a time of digits": b'{"measure_time": ' + b"9" * 400 + b', "active_power_w": 1}',
    }


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """Return a telegram with a few bytes changed, left out or added."""
    data = bytearray(seed)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[at:at] = chance.randbytes(chance.randrange(1, 8))
            case 1:
                del data[at : at + chance.randrange(1, 20)]
            case 2:
                data[at:at] = data[: chance.randrange(60)]
            case _:
                data[at : at + 1] = bytes([chance.choice(b'{}[]",:0123456789eE+-.\\u\xff')])
    return bytes(data)
