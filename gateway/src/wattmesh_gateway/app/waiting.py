"""Trying again, running side by side, and saying a loss only once."""

import asyncio
import logging
import random
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class Backoff:
    """Growing waits between attempts, with jitter, in seconds of the wall: networks know no other.

    Waits are `first`, then twice as long each time, up to `most`.
    """

    def __init__(self, first: float = 0.1, most: float = 5.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def reset(self) -> None:
        """Begin again with the first wait."""
        self._next = self._first

    async def wait(self) -> None:
        """Wait, and longer the next time."""
        seconds = self._next * random.uniform(0.8, 1.2)
        self._next = min(self._next * 2, self._most)
        await asyncio.sleep(seconds)


class LossLog:
    """Logs once when something is lost and once when it is back."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._lost = False

    def lost(self, why: object) -> None:
        """Take note of a loss."""
        if not self._lost:
            self._lost = True
            self._log.warning("%s lost: %s", self._what, why)

    def back(self) -> None:
        """Take note that it is there."""
        if self._lost:
            self._lost = False
            self._log.info("%s is back", self._what)


class Loops:
    """Loops that run beside their owner until it ends; an async context manager."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop(*self._tasks)
        self._failed.cancel()

    def start(self, loop: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run a loop."""
        task = asyncio.create_task(loop)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self, *loops: "asyncio.Task[None]") -> None:
        """End some loops."""
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)

    async def watch(self) -> None:
        """Wait for ever; raise what a loop raises."""
        await self._failed

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if task.cancelled() or self._failed.done():
            return
        error = task.exception()
        if error is not None:
            self._failed.set_exception(error)


async def until_first_ends(*work: Coroutine[Any, Any, None]) -> None:
    """Run side by side until one ends; cancel the others; raise what it raised."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
