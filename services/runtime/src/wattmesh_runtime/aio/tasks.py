"""Running side by side, and ending what runs for certain.

Cancelling once is not enough: before Python 3.12 `asyncio.wait_for` loses a cancellation that
comes in the same turn as what it waits for (python/cpython#86296), and a loop would just go on.
Everything here cancels again until a task has ended; nothing else in the mesh cancels by hand.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, overload

log = logging.getLogger(__name__)

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
Item = TypeVar("Item")

_AGAIN_SECONDS = 0.5
"""When a task is cancelled for the second time [s]; then twice as long each time.

Long enough for a task's own cleaning up, which a second cancellation would break off.
"""


class EndedByNobody(RuntimeError):
    """A task ended as if it had been cancelled, and nobody had: what it waited for was.

    Else whoever waits for it would take himself for cancelled, and its work be gone unnoticed.
    """


def asked_to_end(task: "asyncio.Task[Any] | None") -> bool:
    """Whether somebody has cancelled a task."""
    return task is None or task.cancelling() > 0


async def cancel_all(tasks: Collection[asyncio.Future[Any]], within_seconds: float) -> set[Any]:
    """Cancel tasks until they have ended; return those that have not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    again, pending = _AGAIN_SECONDS, _unfinished(tasks)
    while pending and (left := deadline - loop.time()) > 0:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=min(again, left))
        again *= 2
    return pending


async def cancel_until_ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks until they have ended, however long that takes.

    What one of them raises meanwhile is logged; what one has raised before has been told, or is
    nobody's any more. Whoever waits here may be cancelled too: that is kept until the tasks have
    ended, so that nothing is left running behind its owner's back.
    """
    for task in tasks:
        if task.done():
            error_of(task)  # seen: asyncio would complain of it with a traceback
    interrupted: asyncio.CancelledError | None = None
    again, pending = _AGAIN_SECONDS, _unfinished(tasks)
    ending = pending
    while pending:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=again)
        except asyncio.CancelledError as error:
            interrupted = error
        again, pending = again * 2, _unfinished(pending)
    _log_failures(ending)
    if interrupted is not None:
        raise interrupted


async def race(*work: Awaitable[T]) -> T:
    """Run side by side until one ends, end the others, and return what it returned.

    Raises what the first to end raised. What another one raises while it is ended is logged.
    """
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        first = [task for task in tasks if task.done()]
        await cancel_until_ended(*tasks)
    return _result(first)


@overload
async def together(first: Awaitable[T1], second: Awaitable[T2], /) -> tuple[T1, T2]: ...
@overload
async def together(
    first: Awaitable[T1],
    second: Awaitable[T2],
    third: Awaitable[T3],
    /,
) -> tuple[T1, T2, T3]: ...
@overload
async def together(
    first: Awaitable[T1],
    second: Awaitable[T2],
    third: Awaitable[T3],
    fourth: Awaitable[T4],
    /,
) -> tuple[T1, T2, T3, T4]: ...
@overload
async def together(
    first: Awaitable[T1],
    second: Awaitable[T2],
    third: Awaitable[T3],
    fourth: Awaitable[T4],
    fifth: Awaitable[T5],
    /,
) -> tuple[T1, T2, T3, T4, T5]: ...
@overload
async def together(*work: Awaitable[T]) -> tuple[T, ...]: ...
async def together(*work: Awaitable[Any]) -> tuple[Any, ...]:
    """Run side by side and return all results, in their order.

    When one fails, the others are ended and its error is raised as it is (a `TaskGroup` would
    wrap it in a group, which no `except WattmeshError` catches; `gather` would leave the others
    running).
    """
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        if tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        ended = [task for task in tasks if task.done()]
        await cancel_until_ended(*tasks)
    if ended:
        _result(ended)
    return tuple(task.result() for task in tasks)


async def map_at_most(
    limit: int, work: Callable[[Item], Awaitable[T]], items: Iterable[Item]
) -> list[T]:
    """Return `work(item)` of every item, in their order, at most `limit` of them at a time."""
    free = asyncio.Semaphore(limit)

    async def one(item: Item) -> T:
        async with free:
            return await work(item)

    return list(await together(*[one(item) for item in items]))


class BackgroundTasks:
    """What runs beside its owner until the owner ends; an async context manager.

    The first failure is raised by `watch`, or, when nobody watches, at the end of the block.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._raised = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await cancel_until_ended(*self._tasks)
        if not self._failed.done():
            self._failed.cancel()
            return
        failure = self._failed.exception()
        if failure is None or self._raised:
            return
        if error is None:
            raise failure
        log.error("a background task failed", exc_info=failure)

    def start(self, work: Coroutine[Any, Any, T], name: str | None = None) -> "asyncio.Task[T]":
        """Run something until it ends or the block does."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self, *tasks: "asyncio.Task[Any]") -> None:
        """End some of them now; their results no longer matter."""
        await cancel_until_ended(*tasks)

    async def watch(self) -> None:
        """Wait for ever; raise what one of them raises."""
        try:
            await asyncio.shield(self._failed)
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._raised = True
            raise

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        error = error_of(task)
        if error is None:
            return
        if self._failed.done():
            log.error("another background task failed", exc_info=error)
        else:
            self._failed.set_exception(error)


def _unfinished(tasks: Iterable[asyncio.Future[Any]]) -> set[Any]:
    return {task for task in tasks if not task.done()}


def error_of(task: "asyncio.Future[Any]") -> BaseException | None:
    """Return what an ended task raised; None: nothing, or somebody cancelled it."""
    if not task.cancelled():
        return task.exception()
    if not isinstance(task, asyncio.Task) or asked_to_end(task):
        return None
    return EndedByNobody(f"{task} was cancelled by nobody")


def _result(ended: Sequence["asyncio.Future[T]"]) -> T:
    """Return the result of the first; of several that ended at once, a failure goes before."""
    failed = [task for task in ended if task.cancelled() or task.exception()]
    _log_failures(failed[1:])
    first = (failed or ended)[0]
    if isinstance(error := error_of(first), EndedByNobody):
        raise error
    return first.result()


def _log_failures(tasks: Iterable["asyncio.Future[Any]"]) -> None:
    for task in tasks:
        if error := error_of(task):
            log.warning("%s failed besides: %r", task, error)
