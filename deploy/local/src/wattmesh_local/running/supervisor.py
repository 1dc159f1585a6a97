"""All processes of a run: started together, watched, ended together."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from wattmesh_local.running.process import (
    STOP_SECONDS,
    ProcessEvent,
    ProcessSpec,
    SupervisedProcess,
)
from wattmesh_runtime.aio.tasks import together

_REMEMBERED = 50
ALL_STOP_SECONDS = 9.0
"""How long all processes together are asked to end, before the rest is killed [s]."""
_LEAST_SECONDS = 0.5
"""How long one is asked even then [s]."""


class Supervisor:
    """Owns the processes of a run by name; an async context manager that leaves none behind."""

    def __init__(
        self,
        log_folder: Path,
        tell: Callable[[ProcessEvent], None],
        *,
        all_stop_seconds: float = ALL_STOP_SECONDS,
    ) -> None:
        self.processes: dict[str, SupervisedProcess] = {}
        self.events: deque[ProcessEvent] = deque(maxlen=_REMEMBERED)
        self._groups: list[list[str]] = []
        self._log_folder = log_folder
        self._tell = tell
        self._all_stop_seconds = all_stop_seconds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the processes in the reverse order of the groups they were started in.

        A group is asked when the one before has ended, or has had its share of the time: then both
        go on side by side, and a slow group does not take from those after it what they need.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._all_stop_seconds
        groups = [self._running(names) for names in reversed(self._groups)]
        groups = [names for names in groups if names]
        leaving: list[asyncio.Task[None]] = []
        for names in groups:
            left = max(deadline - loop.time(), _LEAST_SECONDS)
            leaving.append(asyncio.create_task(self.stop(names, min(left, STOP_SECONDS))))
            await asyncio.wait(leaving, timeout=self._all_stop_seconds / len(groups))
        await asyncio.gather(*leaving)

    def _running(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name in self.processes]

    async def start(self, specs: Iterable[ProcessSpec]) -> None:
        """Start processes and wait until all are ready."""
        started = []
        specs = list(specs)
        names = [spec.name for spec in specs]
        # What was stopped and is started anew ends with those that it is started with now.
        self._groups = [[each for each in group if each not in names] for group in self._groups]
        self._groups.append(names)
        for spec in specs:
            log_file = self._log_folder / f"{spec.name}.log"
            process = SupervisedProcess(spec, log_file, self._on_event)
            self.processes[spec.name] = process
            await process.__aenter__()
            started.append(process)
        await together(*(process.ready() for process in started))

    async def stop(self, names: Iterable[str], patience_seconds: float = STOP_SECONDS) -> None:
        """End processes, all at the same time; kill those that have not ended in time."""
        leaving = {name: self.processes[name] for name in names if name in self.processes}
        await asyncio.gather(*(process.stop(patience_seconds) for process in leaving.values()))
        for name in leaving:
            del self.processes[name]

    def _on_event(self, event: ProcessEvent) -> None:
        self.events.append(event)
        self._tell(event)
