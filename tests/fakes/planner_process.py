"""A planner in a process of its own, that a test can kill."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager


class PlannerProcess:
    """`kill` is what a power cut is to a planner."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def planner_process(settings: Mapping[str, str]) -> AsyncIterator[PlannerProcess]:
    """Start a planner with settings by their lower-case names; it is killed at the end."""
    environment = {f"WATTMESH_{name.upper()}": value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wattmesh_planner", env={**os.environ, **environment}
    )
    planner = PlannerProcess(process)
    try:
        yield planner
    finally:
        await planner.kill()
