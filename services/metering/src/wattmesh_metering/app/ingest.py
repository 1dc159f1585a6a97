"""Takes streams of batches, keeps them in groups and says when they are committed."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import WattmeshError
from wattmesh_metering.app.commit_batches import (
    BatchOutcome,
    CommitBatches,
    PreparedGroup,
    SentBatch,
)
from wattmesh_metering.domain.readings import ReadingBatch, Rejection
from wattmesh_runtime.aio.losses import AWAY_OR_FULL
from wattmesh_runtime.aio.tasks import cancel_until_ended

log = logging.getLogger(__name__)

_LONGEST_SOURCE = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestAnswer:
    """What became of the batches since the answer before."""

    acked_sequence: int
    """Every batch of the stream up to here is committed."""
    stored: int
    duplicates: int
    revised: int
    rejected: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class _Waiting:
    sent: SentBatch
    outcome: asyncio.Future[BatchOutcome]


class CommitQueue:
    """One writer for all streams: what waits while a group is committed becomes the next group.

    So many small streams share one commit, and two streams of one process never judge the same
    register at once. A group that is full is made ready while the one before it is committed.
    An async context manager: leaving it commits what is queued.
    Parameters: `group_rows` is about how many rows a group has at most.
    """

    def __init__(self, commit: CommitBatches, *, group_rows: int) -> None:
        self._commit = commit
        self._group_rows = group_rows
        self._waiting: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._ahead: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    def submit(self, sent: SentBatch) -> asyncio.Future[BatchOutcome]:
        """Queue a batch; the future is done when it is committed, or could not be."""
        outcome: asyncio.Future[BatchOutcome] = asyncio.get_running_loop().create_future()
        outcome.add_done_callback(_note_error)
        self._waiting.put_nowait(_Waiting(sent, outcome))
        return outcome

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._waiting.put_nowait(None)
            await self._task

    async def _run(self) -> None:
        ends, committing = False, asyncio.create_task(asyncio.sleep(0))
        try:
            while not ends:
                self._ahead, ends = self._take_group([await self._waiting.get()])
                if not ends and _rows(self._ahead) < self._group_rows:
                    await committing  # what comes meanwhile shares the commit
                    self._ahead, ends = self._take_group(self._ahead)
                prepared = await self._prepare(self._ahead) if self._ahead else None
                await committing
                group, self._ahead = self._ahead, []
                committing = asyncio.create_task(self._commit_group(group, prepared))
            await committing
        finally:
            await cancel_until_ended(committing)

    def _take_group(self, first: Sequence[_Waiting | None]) -> tuple[list[_Waiting], bool]:
        """Return the next batches in their order, and whether the queue ends after them."""
        group = [one for one in first if one is not None]
        rows, ends = _rows(group), None in first
        while not ends and not self._waiting.empty() and rows < self._group_rows:
            following = self._waiting.get_nowait()
            if following is None:
                return group, True
            group.append(following)
            rows += following.sent.batch.rows
        return group, ends

    async def _prepare(self, group: Sequence[_Waiting]) -> PreparedGroup | None:
        """Return a group made ready; None when that has to be tried again at its commit."""
        try:
            return await self._commit.prepare([one.sent for one in group])
        except Exception:  # whatever it is: the commit meets it again, and tells whom it concerns
            return None

    async def _commit_group(
        self, group: Sequence[_Waiting], prepared: PreparedGroup | None = None
    ) -> None:
        wanted = [one for one in group if not one.outcome.done()]  # whose stream still waits
        if not wanted:
            return
        try:
            if prepared is None or len(wanted) < len(group):
                prepared = await self._commit.prepare([one.sent for one in wanted])
            outcomes = await self._commit.commit(prepared)
        except AWAY_OR_FULL as error:
            log.warning("%d batches could not be committed: %s", len(wanted), error)
            _fail([*wanted, *self._ahead, *self._take_all()], error)
        except Exception as error:
            if len(wanted) == 1:
                _log_failure(wanted[0].sent.source, error)
                _fail(wanted, error)
            else:  # only the one that is to blame shall fail
                for one in wanted:
                    await self._commit_group([one])
        else:
            for one, outcome in zip(wanted, outcomes, strict=True):
                if not one.outcome.done():
                    one.outcome.set_result(outcome)

    def _take_all(self) -> list[_Waiting]:
        """Empty the queue: no batch is committed before one of its stream that has failed."""
        taken = [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
        if None in taken:
            self._waiting.put_nowait(None)
        return [one for one in taken if one is not None]


class Ingest:
    """Carries one stream of batches.

    Parameters: `batches_in_flight` is how many batches of a stream are read ahead of its answers.
    """

    def __init__(self, queue: CommitQueue, *, batches_in_flight: int) -> None:
        self._queue = queue
        self._batches_in_flight = batches_in_flight

    async def run(
        self, source: str, batches: AsyncIterator[ReadingBatch]
    ) -> AsyncGenerator[IngestAnswer, None]:
        """Yield one answer per batch, in their order, each after its commit.

        An error of `batches` is raised after the answers of the batches before it. Errors:
        InvalidArgument for a source without a name; Unavailable or ResourceExhausted when
        a commit failed for want of the database.
        """
        require(
            0 < len(source) <= _LONGEST_SOURCE and source.isprintable(),
            "INVALID_SOURCE",
            f"a source has a name of at most {_LONGEST_SOURCE} printable characters",
            "hello.source",
        )
        outcomes: asyncio.Queue[asyncio.Future[BatchOutcome] | None] = asyncio.Queue(
            self._batches_in_flight
        )
        reader = asyncio.create_task(self._read(source, batches, outcomes))
        acked = 0
        try:
            while (outcome := await outcomes.get()) is not None:
                done = await asyncio.shield(outcome)
                acked = max(acked, done.sequence)
                yield IngestAnswer(
                    acked_sequence=acked,
                    stored=done.stored,
                    duplicates=done.duplicates,
                    revised=done.revised,
                    rejected=done.rejected,
                )
            await reader
        finally:
            await cancel_until_ended(reader)
            while not outcomes.empty():
                if unwanted := outcomes.get_nowait():
                    unwanted.cancel()

    async def _read(
        self,
        source: str,
        batches: AsyncIterator[ReadingBatch],
        outcomes: asyncio.Queue[asyncio.Future[BatchOutcome] | None],
    ) -> None:
        try:
            async for batch in batches:
                await outcomes.put(self._queue.submit(SentBatch(source=source, batch=batch)))
        except Exception:
            await outcomes.put(None)
            raise
        await outcomes.put(None)


def _rows(group: Sequence[_Waiting]) -> int:
    return sum(one.sent.batch.rows for one in group)


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for one in group:
        if not one.outcome.done():
            one.outcome.set_exception(error)


def _log_failure(source: str, error: Exception) -> None:
    fault = None if isinstance(error, WattmeshError) else error
    log.error("a batch of %s could not be committed: %s", source, error, exc_info=fault)


def _note_error(outcome: asyncio.Future[BatchOutcome]) -> None:
    """Read the error, so that nothing complains when nobody waits for the outcome any more."""
    if not outcome.cancelled():
        outcome.exception()
