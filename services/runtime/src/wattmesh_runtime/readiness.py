"""Whether a process can do its work: what it depends on, asked all the time.

Alive, ready and degraded are different answers. A process is alive while its event loop turns;
ready while everything is there that it cannot do without; degraded while something is away in
whose place it has something less.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.tasks import BackgroundTasks, cancel_until_ended, error_of

log = logging.getLogger(__name__)

PROBE_SECONDS = 1.0
"""How often a dependency is asked [s]."""
ANSWER_SECONDS = 2.0
"""How long it may take to answer [s]."""
DOUBT_SECONDS = 0.4
"""How long after a failure it is asked again [s]."""
PATIENCE_SECONDS = 1.5
"""How long it may fail before it counts as away [s]: a restart goes unnoticed by callers too."""
_STALL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    """Something that a process depends on.

    `probe` returns when it is there, and raises what is wrong when it is not. `without` says what
    is done instead while it is away; None: the process is not ready without it. Setting `doubt`
    has it asked at once: calls see a loss first.
    """

    name: str
    probe: Callable[[], Awaitable[None]]
    without: str | None = None
    every_seconds: float = PROBE_SECONDS
    doubt: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def required(self) -> bool:
        """Whether the process is not ready without it."""
        return self.without is None


@dataclass(frozen=True, kw_only=True, slots=True)
class DependencyState:
    """How a dependency is; `available` None: it has not been asked yet."""

    dependency: Dependency
    available: bool | None
    since: datetime
    message: str = ""


class ProcessStatus:
    """What a process is, and whether it can work; an async context manager that keeps asking.

    `tell` hears whether it is ready, whenever that changes.
    """

    def __init__(
        self, service: str, version: str = "", dependencies: Sequence[Dependency] = ()
    ) -> None:
        self.service = service
        self.version = version
        self.process = f"{socket.gethostname()}:{os.getpid()}"
        self.start = self.since = datetime.now(UTC)
        self.stopping = False
        self.tell: Callable[[bool], Awaitable[None]] = _tell_nobody
        self.certificate: Callable[[], TimeRange | None] = lambda: None
        """When the certificate holds that it shows; None: it shows none."""
        self._states = {
            each.name: DependencyState(dependency=each, available=None, since=self.start)
            for each in dependencies
        }
        self._ready = not any(each.required for each in dependencies)
        self._loss = LossLog(log, f"{service}: readiness")
        self._less = {each.name: LossLog(log, f"{service}: {each.name}") for each in dependencies}

    async def __aenter__(self) -> Self:
        self._background = BackgroundTasks()
        for state in self.states:
            self._background.start(self._watch(state.dependency))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._background.__aexit__(kind, error, traceback)

    @property
    def states(self) -> tuple[DependencyState, ...]:
        """Every dependency as it is."""
        return tuple(self._states.values())

    @property
    def ready(self) -> bool:
        """Whether everything is there that the process cannot do without."""
        return self._ready and not self.stopping

    @property
    def lacking(self) -> tuple[DependencyState, ...]:
        """What is not there, and is required."""
        return tuple(
            each for each in self.states if each.dependency.required and not each.available
        )

    @property
    def degradations(self) -> tuple[DependencyState, ...]:
        """What is away, and is not required."""
        return tuple(
            each for each in self.states if not each.dependency.required and each.available is False
        )

    @property
    def message(self) -> str:
        """Why the process is not ready; empty when it is."""
        return "; ".join(
            f"{each.dependency.name}: {each.message or 'not known yet'}" for each in self.lacking
        )

    def stop(self) -> None:
        """Take note that the process was told to end."""
        self.stopping, self.since = True, datetime.now(UTC)

    async def _watch(self, dependency: Dependency) -> None:
        """Ask for ever; what fails is asked again soon, and away when it goes on failing."""
        loop = asyncio.get_running_loop()
        failing_since: float | None = None
        while True:
            dependency.doubt.clear()
            began = loop.time()
            wrong = await _ask(dependency)
            if wrong is None:
                failing_since = None
                await self._take(dependency, available=True, message="")
                await _wait(dependency)
                continue
            failing_since = began if failing_since is None else failing_since
            if loop.time() - failing_since >= PATIENCE_SECONDS:
                await self._take(dependency, available=False, message=wrong)
            await asyncio.sleep(DOUBT_SECONDS)

    async def _take(self, dependency: Dependency, *, available: bool, message: str) -> None:
        before = self._states[dependency.name]
        since = before.since if before.available is available else datetime.now(UTC)
        self._states[dependency.name] = replace(
            before, available=available, since=since, message=message
        )
        self._log(dependency, message)
        ready = not self.lacking
        if ready != self._ready:
            self._ready, self.since = ready, since
            await self.tell(self.ready)

    def _log(self, dependency: Dependency, message: str) -> None:
        """Say once what is lost and once that it is back."""
        loss = self._loss if dependency.required else self._less[dependency.name]
        if message:
            loss.lost(self.message if dependency.required else f"{message}; {dependency.without}")
        elif not dependency.required or not self.lacking:
            loss.back()


async def _ask(dependency: Dependency) -> str | None:
    """Return what is wrong with a dependency; None: nothing."""
    asked = asyncio.ensure_future(dependency.probe())
    try:
        for patience in (ANSWER_SECONDS, _STALL_SECONDS):  # then again: we may have stood still
            await asyncio.wait({asked}, timeout=patience)
        if not asked.done():
            return f"no answer within {ANSWER_SECONDS:g} s"
    finally:
        await cancel_until_ended(asked)
    return _in_words(error_of(asked))


def _in_words(error: BaseException | None) -> str | None:
    if isinstance(error, WattmeshError):
        return error.message
    return None if error is None else str(error) or repr(error)


async def _wait(dependency: Dependency) -> None:
    try:
        async with asyncio.timeout(dependency.every_seconds):
            await dependency.doubt.wait()
    except TimeoutError:
        return


async def _tell_nobody(ready: bool) -> None:
    """Be the listener of a status that nobody listens to."""
