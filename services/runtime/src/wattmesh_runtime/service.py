"""The whole of a service's `__main__`: settings, wiring, serving, graceful stop."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
from pydantic import ValidationError

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, WattmeshError
from wattmesh_runtime.aio.tasks import cancel_all, error_of
from wattmesh_runtime.channels import MeshChannel, open_channel
from wattmesh_runtime.clocks import clock_from_spec
from wattmesh_runtime.grpc_server import GrpcServer
from wattmesh_runtime.logs import configure_logging
from wattmesh_runtime.peers import PEER_SECONDS, check_peer
from wattmesh_runtime.readiness import Dependency, ProcessStatus
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.status_metrics import show_status
from wattmesh_runtime.stopping import UNWIND_SECONDS, Stop
from wattmesh_runtime.telemetry import Telemetry

log = logging.getLogger("wattmesh")

S = TypeVar("S", bound=ServiceSettings)

SECRETS_FOLDER = "WATTMESH_SECRETS_FOLDER"
"""The variable that names a folder of settings, a file each: `wattmesh_database_url`."""
TASK_STOP_SECONDS = 2.0
"""How long a background task may take to end once it is cancelled [s]."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a service's wiring has built: servicers to register and loops to run beside them."""

    name: str
    register: tuple[Callable[[grpc.aio.Server], None], ...]
    """Each adds one servicer: `lambda server: add_MeteringServiceServicer_to_server(s, server)`."""
    service_names: tuple[str, ...]
    """Full names (`wattmesh.metering.v1.MeteringService`), for health and reflection."""
    dependencies: tuple[Dependency, ...] = ()
    """What readiness and degradation follow."""
    tasks: tuple[Callable[[], Awaitable[None]], ...] = ()
    """Run while serving, cancelled on stop. One that raises ends the process with an error."""


class Runtime:
    """What a process gives to its wiring; an async context manager that closes the channels."""

    def __init__(self, settings: ServiceSettings, clock: Clock, telemetry: Telemetry) -> None:
        self.settings = settings
        self.clock = clock
        self.telemetry = telemetry
        self._channels: dict[str, MeshChannel] = {}

    def channel(self, target: str) -> grpc.aio.Channel:
        """Return the process's one channel to `target`; open until the process stops."""
        if target not in self._channels:
            self._channels[target] = open_channel(target, self.settings, self.telemetry)
        return self._channels[target]

    def peer(self, name: str, target: str, without: str | None = None) -> Dependency:
        """Return a service as something that this one depends on.

        `without` says what is done while it is away; None: this one is not ready then.
        """
        self.channel(target)
        channel = self._channels[target]
        return Dependency(
            name=name,
            probe=partial(check_peer, channel, name),
            without=without,
            every_seconds=PEER_SECONDS,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for channel in self._channels.values():
            await channel.close()


Wire = Callable[[S, Runtime], AbstractAsyncContextManager[Service]]


class Lifecycle:
    """Where a serving process stands; `stop` asks it to end."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """host:port, once it serves."""


def run_service(settings_type: type[S], wire: Wire[S]) -> None:
    """Run a service until SIGTERM or SIGINT; the exit status is 0 unless something failed.

    The name in telemetry is that of the settings' package: `wattmesh_metering` is `metering`.
    """
    settings = read_settings(settings_type)
    name = settings_type.__module__.partition(".")[0].removeprefix("wattmesh_")
    configure_logging(settings.log_level, settings.log_format, name)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            sound = runner.run(_serve_until_signal(settings, wire, name))
    except WattmeshError as error:
        raise SystemExit(f"{name} cannot start: {error}") from error
    sys.exit(0 if sound else 1)


async def serve(settings: S, wire: Wire[S], name: str, lifecycle: Lifecycle) -> bool:
    """Wire, serve until told to stop or a background task fails, and stop in order.

    Returns False when a background task failed.
    """
    async with (
        Telemetry.of(name, settings) as telemetry,
        Runtime(settings, clock_from_spec(settings.clock), telemetry) as runtime,
        wire(settings, runtime) as service,
    ):
        status = ProcessStatus(service.name, _version(name), service.dependencies)
        show_status(telemetry, status)
        server = GrpcServer(service.register, service.service_names, settings, telemetry, status)
        address = await server.start()
        lifecycle.address.set_result(address)
        log.info("%s serving on %s", service.name, address)
        if telemetry.metrics_address is not None:
            log.info("%s: metrics on http://%s/metrics", service.name, telemetry.metrics_address)
        async with status, _Background(service) as background:
            await background.wait_unless_failed(lifecycle.stop)
            lifecycle.stop.set()
            log.info("%s stopping", service.name)
            await server.stop()
        return not background.failed


async def _serve_until_signal(settings: S, wire: Wire[S], name: str) -> bool:
    lifecycle = Lifecycle()
    serving = asyncio.create_task(serve(settings, wire, name, lifecycle))

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lifecycle.stop.set)
    told = asyncio.create_task(lifecycle.stop.wait())
    await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not serving.done():
        starting = not lifecycle.address.done()  # still waiting for a database, say
        stop = Stop(settings.shutdown_notice_seconds + settings.grace_seconds + UNWIND_SECONDS)
        if not await stop.end(serving, at_once=starting):
            return False
    return serving.cancelled() or serving.result()


class _Background:
    """The running background tasks of a service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._tasks: set[asyncio.Task[None]] = set()
        self.failed = False

    async def __aenter__(self) -> Self:
        self._tasks = {asyncio.create_task(_run(start)) for start in self._service.tasks}
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in await cancel_all(self._tasks, TASK_STOP_SECONDS):
            log.warning("%s: %s does not stop, left behind", self._service.name, task)

    async def wait_unless_failed(self, stop: asyncio.Event) -> None:
        """Return when `stop` is set or a task has raised; a task may end without an error."""
        stopped: asyncio.Task[Any] = asyncio.create_task(stop.wait())
        running: set[asyncio.Task[Any]] = {stopped, *self._tasks}
        while not stop.is_set() and not self.failed:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if error := error_of(task):
                    log.error("%s: background task failed", self._service.name, exc_info=error)
                    self.failed = True
        stopped.cancel()


def _version(name: str) -> str:
    try:
        return metadata.version(f"wattmesh-{name}")
    except metadata.PackageNotFoundError:  # not one of ours: a test's
        return ""


async def _run(start: Callable[[], Awaitable[None]]) -> None:
    await start()


def read_settings(settings_type: type[S]) -> S:
    """Return the settings of the environment; SystemExit saying which variable makes no sense."""
    try:
        settings = settings_type(**_secrets())
        clock_from_spec(settings.clock)
    except (ValidationError, InvalidArgument) as error:
        raise SystemExit(f"settings: {_explain(error)}") from None
    return settings


def _secrets() -> dict[str, Any]:
    """Return where settings are looked for that the environment does not say."""
    folder = os.environ.get(SECRETS_FOLDER)
    if folder is None:
        return {}
    if not Path(folder).is_dir():
        raise SystemExit(f"settings: {SECRETS_FOLDER}: {folder} is no folder")
    return {"_secrets_dir": folder}


def _explain(error: ValidationError | InvalidArgument) -> str:
    if isinstance(error, InvalidArgument):
        return error.message
    faults = error.errors(include_url=False, include_input=False)
    return "; ".join(_fault(fault["loc"], fault["msg"]) for fault in faults)


def _fault(place: tuple[int | str, ...], words: str) -> str:
    """Return what is wrong with a variable, or with several that do not go together."""
    if not place:
        return words.removeprefix("Value error, ")
    return f"WATTMESH_{'_'.join(map(str, place)).upper()}: {words}"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not on every platform; asyncio's own loop does the same, slower
        return None
    return uvloop.new_event_loop
