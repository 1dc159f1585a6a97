"""A name server on loopback: at first it knows no address of any name, then the one it is told."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import Any

_HEADER = 12
_TYPE_A = 1
_ANSWERS, _NO_SUCH_NAME = 0x8180, 0x8183
_TO_THE_QUESTION = b"\xc0\x0c"
"""In place of a name: the one in the question."""


class DnsServer(asyncio.DatagramProtocol):
    """Answers `address`, or that there is no such name; `look_ups` counts questions."""

    address: str | None = None
    look_ups: int = 0
    port: int
    _transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        end = _HEADER
        while data[end]:
            end += data[end] + 1
        question = data[_HEADER : end + 5]
        (wanted,) = struct.unpack(">H", question[-4:-2])
        answer = b""
        if wanted == _TYPE_A:
            self.look_ups += 1
            if self.address is not None:
                record = struct.pack(">HHIH", _TYPE_A, 1, 5, 4)
                answer = _TO_THE_QUESTION + record + IPv4Address(self.address).packed
        flags = _NO_SUCH_NAME if self.address is None else _ANSWERS
        header = data[:2] + struct.pack(">HHHHH", flags, 1, 1 if answer else 0, 0, 0)
        self._transport.sendto(header + question + answer, addr)


@asynccontextmanager
async def dns_server() -> AsyncIterator[DnsServer]:
    """Serve on a free port."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(DnsServer, local_addr=("127.0.0.1", 0))
    try:
        yield server
    finally:
        transport.close()
