"""TLS in front of a server that has none."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.identities import Identities
from wattmesh_local.identities.authority import CERTIFICATE, KEY, ROOTS

BROKER = "spiffe://mesh/ns/wattmesh/sa/broker"


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
    except (OSError, ssl.SSLError):
        pass
    finally:
        writer.close()


@asynccontextmanager
async def with_tls(
    port: int, identities: Identities, *, asks_for_one: bool = True
) -> AsyncIterator[int]:
    """Put TLS in front of a server here, which asks for a certificate; yield its port."""
    folder = identities.issue(BROKER, serves=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / ROOTS)
    context.verify_mode = ssl.CERT_REQUIRED if asks_for_one else ssl.CERT_NONE
    context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    pouring = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_connection("127.0.0.1", port)
        pouring.add(asyncio.create_task(_pour(reader, behind[1])))
        pouring.add(asyncio.create_task(_pour(behind[0], writer)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in pouring:
            each.cancel()
        await asyncio.gather(*pouring, return_exceptions=True)
