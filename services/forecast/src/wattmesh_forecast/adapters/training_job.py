"""Training jobs: `python -m wattmesh_forecast.train` in a process of its own."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeAlias

from wattmesh_forecast.adapters.model_json import model_from_json
from wattmesh_forecast.adapters.temperatures_file import write_temperatures
from wattmesh_forecast.app.ports import Progress
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_forecast.domain.training import TrainingOrder
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_runtime.aio.processes import ChildProcess, start_process

_STOP_SECONDS = 2.0

Temperatures: TypeAlias = Callable[[TrainingOrder], Awaitable[Mapping[AssetId, Series]]]
"""Tells the temperature at assets as it was forecast then [°C]."""


class TrainingJob:
    """Runs jobs with this process' environment; their log goes where its own goes."""

    def __init__(self, temperatures: Temperatures) -> None:
        self._temperatures = temperatures

    async def train(self, order: TrainingOrder) -> AsyncIterator[Progress | ModelVersion]:
        """Run a job: its progress, at last the version. A job whose reader leaves is ended."""
        told = await self._temperatures(order)
        with tempfile.TemporaryDirectory(prefix="wattmesh-training-") as folder:
            file = Path(folder, "temperatures.npz")
            if told:
                await asyncio.to_thread(write_temperatures, file, told)
            async with aclosing(self._run(order, file if told else None)) as news:
                async for each in news:
                    yield each

    async def _run(
        self, order: TrainingOrder, temperatures: Path | None
    ) -> AsyncGenerator[Progress | ModelVersion, None]:
        arguments = _arguments(order, temperatures)
        process = await start_process(sys.executable, *arguments, read_output=True)
        assert process.stdout is not None
        result: ModelVersion | None = None
        try:
            async for line in process.stdout:
                news = _news(json.loads(line))
                result = news if isinstance(news, ModelVersion) else result
                yield news
            code = await process.wait()
        finally:
            await _end(process)
        if code or result is None:
            raise FailedPrecondition("TRAINING_FAILED", f"the training job ended with code {code}")


def _arguments(order: TrainingOrder, temperatures: Path | None) -> list[str]:
    assets = [asset.name for asset in order.assets]
    weather = [] if temperatures is None else ["--temperatures", str(temperatures)]
    return [
        *("-m", "wattmesh_forecast.train", order.model),
        *("--start", order.range.start.isoformat(), "--end", order.range.end.isoformat()),
        *weather,
        *("--assets", *assets),
    ]


def _news(line: dict[str, Any]) -> Progress | ModelVersion:
    if "refused" in line:
        raise FailedPrecondition("MODEL_NOT_BETTER", line["refused"])
    if "stage" in line:
        return Progress(stage=line["stage"], ratio=line["progress_ratio"])
    return model_from_json(line)


async def _end(process: ChildProcess) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
