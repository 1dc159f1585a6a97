"""The probe process, running: what it says, and the means to end it."""

import asyncio
import contextlib
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


class ProbeProcess:
    """The running process, and what it has logged."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.log = ""
        self.target = ""

    async def wait_for(self, pattern: str) -> str:
        """Read the log until it matches; return the first group."""
        assert self.process.stderr is not None
        while not (found := re.search(pattern, self.log)):
            line = await self.process.stderr.readline()
            assert line, f"ended without {pattern!r}: {self.log}"
            self.log += line.decode()
        return found.group(1) if found.groups() else ""

    async def end(self) -> int:
        """Wait for the end; return the exit status."""
        assert self.process.stderr is not None
        self.log += (await self.process.stderr.read()).decode()
        return await self.process.wait()


@contextlib.asynccontextmanager
async def started(**settings: str) -> AsyncIterator[ProbeProcess]:
    environment = {f"WATTMESH_{name.upper()}": value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.probe_process"),
        cwd=ROOT,
        env=os.environ | environment,
        stderr=PIPE,
    )
    try:
        yield ProbeProcess(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def serving(**settings: str) -> AsyncIterator[ProbeProcess]:
    async with started(**settings) as probe:
        probe.target = await probe.wait_for(r"probe serving on (\S+)")
        yield probe
