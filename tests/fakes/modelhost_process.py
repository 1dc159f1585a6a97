"""The local model host as a process of its own, which can die and come back."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Self


class ModelHostProcess:
    """`python -m wattmesh_modelhost` on one address; an async context manager."""

    def __init__(self, models: Path) -> None:
        self.target = f"127.0.0.1:{_free_port()}"
        self._models = models
        self._running: tuple[Process, asyncio.Task[None]] | None = None

    async def start(self) -> None:
        """Start it and wait until it serves."""
        settings = {
            "WATTMESH_MODELS_DIRECTORY": str(self._models),
            "WATTMESH_LISTEN_ADDRESS": self.target,
            "WATTMESH_MODELS_POLL_SECONDS": "0.1",
        }
        command = (sys.executable, "-m", "wattmesh_modelhost")
        process = await asyncio.create_subprocess_exec(
            *command, stderr=PIPE, env={**os.environ, **settings}
        )
        assert process.stderr is not None
        seen = ""
        while "serving on" not in seen:
            line = (await process.stderr.readline()).decode()
            if not line:
                raise AssertionError(f"the model host did not start:\n{seen}")
            seen += line
        self._running = process, asyncio.create_task(_drain(process.stderr))

    async def kill(self) -> None:
        """End it without warning."""
        await self._end(Process.kill)

    async def terminate(self) -> int:
        """Ask it to end; return its exit status."""
        return await self._end(Process.terminate)

    async def _end(self, how: Callable[[Process], None]) -> int:
        assert self._running is not None
        process, reading = self._running
        self._running = None
        how(process)
        status = await process.wait()
        await reading
        return status

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._running is not None:
            await self.kill()


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
