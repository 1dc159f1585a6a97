"""The local model host as a process of its own, which can die and come back."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Self


class ModelHostProcess:
    """`python -m wattmesh_modelhost` on one address; an async context manager."""

    def __init__(self, models: Path) -> None:
        self.target = f"127.0.0.1:{_free_port()}"
        self._models = models
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None

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
        self._process = process
        seen = ""
        while "serving on" not in seen:
            line = (await process.stderr.readline()).decode()
            if not line:
                raise AssertionError(f"the model host did not start:\n{seen}")
            seen += line
        self._reading = asyncio.create_task(_drain(process))

    async def kill(self) -> None:
        """End it without warning."""
        self._process.kill()
        await self._process.wait()
        await self._reading

    async def terminate(self) -> int:
        """Ask it to end; return its exit status."""
        self._process.terminate()
        status = await self._process.wait()
        await self._reading
        return status

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._process.returncode is None:
            await self.kill()


async def _drain(process: Process) -> None:
    while await process.stderr.readline():
        pass


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
