"""Forecast in a process of its own, on a clock that its parent moves, and what it costs.

    python -m tests.fakes.forecast_child DATABASE_URL METERING MODEL_SERVER START

prints its target; for every line on standard input it moves its clock by so many seconds and prints
the processor time that it has used since it was last asked [s].
"""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import uvloop

from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.settings import ForecastSettings
from wattmesh_forecast.wiring import wire
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import serve_for_test


class ForecastChild:
    """The parent's handle."""

    def __init__(self, process: Process, target: str) -> None:
        self._process = process
        self.target = target

    async def advance(self, duration: timedelta) -> float:
        """Move the clock; return the processor time used since the last call [s]."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{duration.total_seconds()}\n".encode())
        return float(await self._process.stdout.readline())


@asynccontextmanager
async def forecast_child(
    database_url: str, metering: str, model_server: str, start: datetime
) -> AsyncIterator[ForecastChild]:
    """Run forecast beside this process."""
    arguments = (database_url, metering, model_server, start.isoformat())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.forecast_child", *arguments), stdin=PIPE, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        yield ForecastChild(process, (await process.stdout.readline()).decode().strip())
    finally:
        process.terminate()
        await process.wait()


async def _serve(database_url: str, metering: str, model_server: str, start: str) -> None:
    settings = ForecastSettings(
        database_url=database_url,
        metering_target=metering,
        model_server_target=model_server,
        models_directory=Path("/nowhere"),
        model_server_timeout_seconds=30,
        warm_up_assets=0,
    )
    clock = ManualClock(datetime.fromisoformat(start))
    async with (
        Runtime(settings, clock, Telemetry("bench")) as runtime,
        wire(settings, runtime) as service,
        serve_for_test(*service.register) as target,
    ):
        tasks = [asyncio.ensure_future(task()) for task in service.tasks]
        print(target, flush=True)
        await _obey(clock)
        for task in tasks:
            task.cancel()


async def _obey(clock: ManualClock) -> None:
    used = time.process_time()
    while line := await asyncio.to_thread(sys.stdin.readline):
        clock.advance(timedelta(seconds=float(line)))
        now = time.process_time()
        print(now - used, flush=True)
        used = now


if __name__ == "__main__":
    uvloop.run(_serve(*sys.argv[1:]))
