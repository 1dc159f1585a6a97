"""A line of TCP between a device and whom it talks to: it can be pulled, and can go dead."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class Line:
    """Passes bytes on from a port of its own to another of loopback."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._passing = asyncio.Event()
        self._passing.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._passing.set()
        self.pull()

    def pull(self) -> None:
        """Cut it: nobody comes through, and who was through is hung up on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._hang_up()

    def go_dead(self) -> None:
        """Swallow everything from now on, without a word to either end."""
        self._passing.clear()

    async def mend(self) -> None:
        """Pass on again; what was swallowed does not come back."""
        self._hang_up()
        self._passing.set()
        if self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.close()
            return
        both = {writer, there[1]}
        self._writers |= both
        passing = [
            asyncio.ensure_future(self._pass(reader, there[1])),
            asyncio.ensure_future(self._pass(there[0], writer)),
        ]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        self._writers -= both
        for each in both:
            each.close()
        for task in passing:
            task.cancel()
        await asyncio.wait(passing)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                if self._passing.is_set():
                    writer.write(chunk)
                    await writer.drain()
