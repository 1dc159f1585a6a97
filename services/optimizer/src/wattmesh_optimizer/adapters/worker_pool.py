"""Worker processes for solves: short ones first, long ones behind them, none without a caller.

Every job begins as a short one, unless its request is large. After `quick_seconds` it gives up its
place: it is paused until there is one among the long solves, and goes on there with less priority.
So whoever asks for little waits for no more than the beginnings of others' long solves.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Self

from wattmesh_kernel.errors import DeadlineExceeded, Unavailable
from wattmesh_optimizer.adapters.forker import order_end, order_fork
from wattmesh_optimizer.adapters.frames import job_frame
from wattmesh_optimizer.adapters.worker_process import WorkerProcess
from wattmesh_optimizer.app.ports import Answer, Job
from wattmesh_runtime.aio.places import FairPlaces, PlaceLimits
from wattmesh_runtime.aio.processes import ChildProcess, start_process
from wattmesh_runtime.aio.tasks import BackgroundTasks

log = logging.getLogger(__name__)

RETRY_AFTER = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolLimits:
    """Bounds of a pool of workers.

    `grace_seconds`: what a worker may take beyond the end of its job before it is killed; reading a
    plan and repairing it are not part of a solver's time limit.
    """

    quick_places: int = 2
    quick_seconds: float = 0.25
    quick_bytes: int = 128 * 1024
    queue: int = 64
    queue_per_caller: int = 32
    long_places: int = 2
    long_queue: int = 16
    grace_seconds: float = 5.0


class WorkerPool:
    """Runs jobs in processes; an async context manager that ends them all."""

    def __init__(self, command: tuple[str, ...], limits: PoolLimits) -> None:
        self._command = command
        self._limits = limits
        self._quick = _places(
            "solves",
            places=limits.quick_places,
            places_per_caller=limits.quick_places,
            queue=limits.queue,
            queue_per_caller=limits.queue_per_caller,
        )
        self._long = _places(
            "long solves",
            places=limits.long_places,
            places_per_caller=max(1, limits.long_places - 1),
            queue=limits.long_queue,
            queue_per_caller=max(1, limits.long_queue // 2),
        )
        self._idle: list[WorkerProcess] = []
        self._living: set[WorkerProcess] = set()
        self._forking = asyncio.Lock()
        self._filling = asyncio.Lock()
        self._control: socket.socket | None = None
        self._forker: ChildProcess | None = None
        self._background = BackgroundTasks()

    async def run(self, job: Job) -> Answer:
        """Return the answer of a worker.

        Its worker is killed when the caller goes, or when it goes on long after `job.ends_at`:
        DeadlineExceeded. ResourceExhausted when too many wait.
        """
        left = job.ends_at - time.monotonic() + self._limits.grace_seconds
        try:
            async with asyncio.timeout(max(0.0, left)):
                return await self._run(job)
        except TimeoutError as error:
            raise DeadlineExceeded("SOLVE_TOO_LONG", "the solve did not end in time") from error

    async def __aenter__(self) -> Self:
        await self._background.__aenter__()
        await self._fill()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._background.__aexit__(kind, error, traceback)
        for worker in tuple(self._living):
            self._end(worker)
        if self._control is not None and self._forker is not None:
            self._control.close()
            await self._forker.wait()

    async def _run(self, job: Job) -> Answer:
        frame = job_frame(job.method, job.ends_at, job.request)
        async with contextlib.AsyncExitStack() as borrowed:
            if len(job.request) > self._limits.quick_bytes:
                async with self._long.held(job.caller):
                    worker = await borrowed.enter_async_context(self._borrowed(long=True))
                    await worker.send(frame)
                    return await worker.answer()
            async with self._quick.held(job.caller):
                worker = await borrowed.enter_async_context(self._borrowed(long=False))
                await worker.send(frame)
                answer = await worker.answer_within(self._limits.quick_seconds)
                if answer is not None:
                    return answer
                worker.pause()
                self._background.start(self._fill())
            async with self._long.held(job.caller):
                worker.resume_as_long()
                return await worker.answer()

    @contextlib.asynccontextmanager
    async def _borrowed(self, *, long: bool) -> AsyncIterator[WorkerProcess]:
        """A worker for one job; killed unless the job ends in order."""
        worker = await self._take(long=long)
        try:
            yield worker
        except BaseException:
            self._end(worker)
            self._background.start(self._fill())
            raise
        self._give_back(worker)

    async def _take(self, *, long: bool) -> WorkerProcess:
        """Return an idle worker, or a new one; Unavailable when none can be had."""
        worker = self._idle_worker(long=long)
        if worker is None:
            # Not given up half-way when the caller goes: somebody else may have use for it.
            adding = self._background.start(self._add())
            try:
                await asyncio.shield(adding)
            except asyncio.CancelledError:
                adding.add_done_callback(lambda _: self._trim())
                raise
            worker = self._idle_worker(long=long) or self._idle_worker(long=False)
        if worker is None:
            raise Unavailable(
                "SOLVER_UNAVAILABLE", "no process to solve in", retry_after=RETRY_AFTER
            )
        if long:
            worker.resume_as_long()
        return worker

    def _idle_worker(self, *, long: bool) -> WorkerProcess | None:
        """Return the one that has last been used: its memory is the warmest."""
        fitting = [worker for worker in self._idle if worker.is_long is long]
        if not fitting:
            return None
        self._idle.remove(fitting[-1])
        return fitting[-1]

    def _give_back(self, worker: WorkerProcess) -> None:
        places = self._limits.long_places if worker.is_long else self._limits.quick_places
        if sum(each.is_long is worker.is_long for each in self._idle) < places:
            self._idle.append(worker)
        else:
            self._end(worker)

    async def _fill(self) -> None:
        """Have as many workers for short solves as there are places for them.

        One after the other: several at once would each count before another's fork is there.
        """
        async with self._filling:
            while self._quick_count() < self._limits.quick_places and await self._add():
                pass

    def _trim(self) -> None:
        """End workers for short solves that nobody has a place for."""
        idle = [each for each in self._idle if not each.is_long]
        surplus = self._quick_count() - self._limits.quick_places
        for worker in idle[: max(surplus, 0)]:
            self._idle.remove(worker)
            self._end(worker)

    def _quick_count(self) -> int:
        return sum(not each.is_long for each in self._living)

    async def _add(self) -> bool:
        """Fork a worker and have it idle; say whether that worked."""
        try:
            self._idle.append(await self._fork())
        except OSError:
            log.exception("cannot start a process to solve in")
            return False
        return True

    async def _fork(self) -> WorkerProcess:
        ours, theirs = socket.socketpair()
        async with self._forking:
            control = self._control or await self._start_forker()
            try:
                process_id = await asyncio.to_thread(order_fork, control, theirs)
            except OSError:
                ours.close()
                self._control = None  # the forker is gone: the next one is another's child
                raise
            finally:
                theirs.close()
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        worker = WorkerProcess(process_id, reader, writer)
        self._living.add(worker)
        return worker

    async def _start_forker(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._forker = await start_process(
                *self._command, str(theirs.fileno()), pass_fds=[theirs.fileno()]
            )
        self._control = ours
        return ours

    def _end(self, worker: WorkerProcess) -> None:
        self._living.discard(worker)
        worker.writer.close()
        if self._control is not None:
            with contextlib.suppress(OSError):
                order_end(self._control, worker.process_id)


def _places(what: str, **limits: int) -> FairPlaces:
    return FairPlaces(what, PlaceLimits(**limits), RETRY_AFTER)
