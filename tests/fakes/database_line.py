"""A line to a database that counts what passes, and can go dead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from psycopg import conninfo


class DatabaseLine:
    """Passes bytes on; `url` is the database as seen through it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._target = conninfo.conninfo_to_dict(url)
        self._passing = asyncio.Event()
        self._passing.set()
        self._port = 0
        self.dials = 0
        self.requests = 0

    @property
    def url(self) -> str:
        return conninfo.make_conninfo(
            self._url, host="127.0.0.1", port=self._port, sslmode="disable", gssencmode="disable"
        )

    def go_dead(self) -> None:
        """Swallow everything from now on, without a word to either end."""
        self._passing.clear()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["DatabaseLine"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.dials += 1
        host, port = str(self._target["host"]), self._target.get("port", 5432)
        if host.startswith("/"):
            there = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            there = await asyncio.open_connection(host, int(port or 5432))
        asking = asyncio.create_task(self._pass(reader, there[1], asks=True))
        answering = asyncio.create_task(self._pass(there[0], writer, asks=False))
        await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
        for each in (there[1], writer):
            each.close()
        await asyncio.wait({asking, answering})

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asks: bool
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                self.requests += asks
                await self._passing.wait()
                writer.write(chunk)
                await writer.drain()
