"""All processes of a run: started together, watched, ended together."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from wattmesh_local.running.process import ProcessEvent, ProcessSpec, SupervisedProcess
from wattmesh_runtime.aio.tasks import together

_REMEMBERED = 50


class Supervisor:
    """Owns the processes of a run by name; an async context manager that leaves none behind."""

    def __init__(self, log_folder: Path, tell: Callable[[ProcessEvent], None]) -> None:
        self.processes: dict[str, SupervisedProcess] = {}
        self.events: deque[ProcessEvent] = deque(maxlen=_REMEMBERED)
        self._groups: list[list[str]] = []
        self._log_folder = log_folder
        self._tell = tell

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the processes in the reverse order of the groups they were started in."""
        for names in reversed(self._groups):
            await self.stop(names)

    async def start(self, specs: Iterable[ProcessSpec]) -> None:
        """Start processes and wait until all are ready."""
        started = []
        specs = list(specs)
        self._groups.append([spec.name for spec in specs])
        for spec in specs:
            log_file = self._log_folder / f"{spec.name}.log"
            process = SupervisedProcess(spec, log_file, self._on_event)
            self.processes[spec.name] = process
            await process.__aenter__()
            started.append(process)
        await together(*(process.ready() for process in started))

    async def stop(self, names: Iterable[str]) -> None:
        """End processes, all at the same time."""
        leaving = {name: self.processes[name] for name in names if name in self.processes}
        await asyncio.gather(*(process.stop() for process in leaving.values()))
        for name in leaving:
            del self.processes[name]

    def _on_event(self, event: ProcessEvent) -> None:
        self.events.append(event)
        self._tell(event)
