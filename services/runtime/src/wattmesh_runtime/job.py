"""The whole of a job's `__main__`: settings, one piece of work, and the end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wattmesh_kernel.errors import WattmeshError
from wattmesh_runtime.clocks import clock_from_spec
from wattmesh_runtime.logs import configure_logging
from wattmesh_runtime.service import Runtime, read_settings
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.telemetry import Telemetry

S = TypeVar("S", bound=ServiceSettings)

Job = Callable[[S, Runtime], Awaitable[None]]


def run_job(settings_type: type[S], job: Job[S]) -> None:
    """Run a piece of work with the settings, clock and channels of a service, without serving.

    The exit status is 0 unless it failed; an error of the domain ends it with its message.
    """
    settings = read_settings(settings_type)
    name = settings_type.__module__.partition(".")[0].removeprefix("wattmesh_")
    configure_logging(settings.log_level, settings.log_format, name)
    try:
        asyncio.run(_run(settings, job, name))
    except WattmeshError as error:
        raise SystemExit(f"{name}: {error}") from error


async def _run(settings: S, job: Job[S], name: str) -> None:
    async with (
        Telemetry.of(name, settings) as telemetry,
        Runtime(settings, clock_from_spec(settings.clock), telemetry) as runtime,
    ):
        await job(settings, runtime)
