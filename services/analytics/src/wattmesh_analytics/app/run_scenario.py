"""Run scenarios: long work, whose state every replica can tell."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Self

from wattmesh_analytics.app.play_scenario import PlayScenario
from wattmesh_analytics.app.question import Span
from wattmesh_analytics.app.scenario_ports import ScenarioStore
from wattmesh_analytics.domain.operation import ScenarioRun
from wattmesh_analytics.domain.scenario import Scenario
from wattmesh_kernel.checks import require_text
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, ResourceExhausted, WattmeshError
from wattmesh_runtime.aio.tasks import cancel_until_ended

log = logging.getLogger(__name__)

SILENT = timedelta(minutes=2)
"""A run of which nothing was heard for so long [wall] has ended with its process."""
MOST_UNFINISHED = 20
AT_ONCE = 2
LARGEST_PAGE = 100
_POLL_SECONDS = 0.25
_CANCELLED = "cancelled"


class _Cancelled(Exception):
    """Somebody has asked for the end of a run."""


class RunScenario:
    """Starts scenarios; an async context manager that owns those that run here."""

    def __init__(self, *, play: PlayScenario, store: ScenarioStore, clock: Clock) -> None:
        self._play = play
        self._store = store
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await cancel_until_ended(*self._running.values())

    async def __call__(self, scenario: Scenario, request_id: str) -> ScenarioRun:
        """Begin a scenario, or return the one that was begun by the same request.

        Errors: as `PlayScenario.check`; InvalidArgument when the time is not over;
        ResourceExhausted when too many wait.
        """
        require_text(request_id, 128, "request_id", required=True)
        Span(range=scenario.range, resolution=scenario.resolution).require_past(self._clock)
        self._play.check(scenario)
        name = hashlib.blake2s(request_id.encode(), digest_size=8).hexdigest()
        run = ScenarioRun(
            name=f"operations/{name}",
            request_id=request_id,
            scenario=scenario,
            start_time=self._clock.now(),
        )
        if len(self._running) >= MOST_UNFINISHED:
            raise ResourceExhausted(
                "TOO_BUSY", "too many scenarios are waiting already", retry_after=SILENT
            )
        kept = await self._store.begin(run)
        if kept is run:
            task = asyncio.create_task(self._run(run))
            self._running[run.name] = task
            task.add_done_callback(lambda _: self._running.pop(run.name))
        return kept

    async def get(self, name: str) -> ScenarioRun:
        """Return a run as far as it is; NotFound."""
        return await self._store.get(name, SILENT)

    async def list(self, page_size: int, page_token: str) -> tuple[Sequence[ScenarioRun], str]:
        """Return runs, newest first, and the token of the next page, empty after the last."""
        size = min(max(page_size, 0), LARGEST_PAGE) or LARGEST_PAGE
        found = await self._store.page(page_token, size + 1, SILENT)
        return found[:size], found[size - 1].name if len(found) > size else ""

    async def wait(self, name: str) -> None:
        """Return when a run has ended, wherever it runs; NotFound."""
        while not (await self.get(name)).done:
            if task := self._running.get(name):
                await asyncio.wait({task})
            else:
                await asyncio.sleep(_POLL_SECONDS)

    async def cancel(self, name: str) -> None:
        """End a run when it next says how far it is; harmless when it is done. NotFound."""
        await self._store.cancel(name)

    async def delete(self, name: str) -> None:
        """Forget a run. NotFound, FailedPrecondition while it runs."""
        if not (await self.get(name)).done:
            raise FailedPrecondition("OPERATION_RUNS", f"{name} still runs")
        await self._store.delete(name)

    async def _run(self, run: ScenarioRun) -> None:
        async def tell(ratio: float, stage: str) -> None:
            if not await self._store.save(run.at(ratio, stage)):
                raise _Cancelled

        beats = asyncio.create_task(self._beat(run))
        try:
            async with self._places:
                await cancel_until_ended(beats)
                result = await self._play(run.scenario, tell)
                await self._store.save(run.finished(result))
        except _Cancelled:
            await self._store.save(run.failed(_CANCELLED))
        except WattmeshError as error:
            log.warning("%s failed: %s", run.name, error)
            await self._store.save(run.failed(error.message))
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("%s failed", run.name)
            await self._store.save(run.failed("a fault of the service; its log has it"))
        finally:
            await cancel_until_ended(beats)

    async def _beat(self, run: ScenarioRun) -> None:
        """Say that a run lives while it waits for its place."""
        while True:
            await self._store.save(run)
            await asyncio.sleep(SILENT.total_seconds() / 4)
