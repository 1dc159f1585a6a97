"""An MQTT broker of a few lines for one client: it sends what it is told to, as fast as it goes.

The local mesh's own broker bounds what is under way; others do not.
"""

import asyncio
from types import TracebackType
from typing import Self

_CONNECT, _SUBSCRIBE, _PINGREQ = 0x10, 0x80, 0xC0


class BluntBroker:
    """An async context manager; `port` is where it listens on loopback."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.acknowledged: list[int] = []

    @property
    def port(self) -> int:
        """Its port."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._server is not None:
            self._server.close()

    async def publish(self, topic: str, payload: str, packet: int | None = None) -> None:
        """Send a message, at QoS 1 with the number of a packet, else at QoS 0."""
        assert self._writer is not None
        name = topic.encode()
        body = len(name).to_bytes(2, "big") + name
        body += b"" if packet is None else packet.to_bytes(2, "big")
        kind = 0x30 if packet is None else 0x32
        self._writer.write(bytes([kind]) + _length(len(body) + len(payload)))
        self._writer.write(body + payload.encode())
        await self._writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        try:
            while True:
                kind, body = await _packet(reader)
                if kind & 0xF0 == _CONNECT:
                    writer.write(b"\x20\x02\x00\x00")
                elif kind & 0xF0 == _SUBSCRIBE:
                    granted = b"\x01" * _topics(body)
                    writer.write(b"\x90" + _length(2 + len(granted)) + body[:2] + granted)
                elif kind & 0xF0 == _PINGREQ:
                    writer.write(b"\xd0\x00")
                elif kind & 0xF0 == 0x40:
                    self.acknowledged.append(int.from_bytes(body[:2], "big"))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    (kind,) = await reader.readexactly(1)
    length, shift = 0, 0
    while True:
        (byte,) = await reader.readexactly(1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return kind, await reader.readexactly(length)


def _topics(subscribe: bytes) -> int:
    """Return how many topics are in the body of a SUBSCRIBE."""
    place, found = 2, 0
    while place < len(subscribe):
        place += 3 + int.from_bytes(subscribe[place : place + 2], "big")
        found += 1
    return found


def _length(size: int) -> bytes:
    found = b""
    while size > 127:
        found, size = found + bytes([size & 0x7F | 0x80]), size >> 7
    return found + bytes([size])
