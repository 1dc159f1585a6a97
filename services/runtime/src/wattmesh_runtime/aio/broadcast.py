"""Telling whoever watches, with one rule for those who read too slowly."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from wattmesh_kernel.errors import ResourceExhausted

T = TypeVar("T")

MOST_UNREAD = 1_000
"""Items that may wait for a slow watcher, unless a broadcast says otherwise."""


class Broadcast(Generic[T]):
    """Hands every item to every watcher, in order and without gaps.

    A watcher with more than `most_unread` items behind is let go: it reads what it has, is then
    told ResourceExhausted `WATCHER_TOO_SLOW`, and never misses something in between.
    """

    def __init__(self, most_unread: int = MOST_UNREAD) -> None:
        self._most_unread = most_unread
        self._watchers: set[Watcher[T]] = set()

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def publish(self, *items: T) -> None:
        """Hand items to all watchers."""
        for watcher in self._watchers:
            watcher.take(items)

    def end(self, error: Exception) -> None:
        """Let all who watch now go: each reads what it has and is then told `error`."""
        for watcher in self._watchers:
            watcher.end(error)

    @contextmanager
    def watch(self, wanted: Callable[[T], bool] | None = None) -> Iterator["Watcher[T]"]:
        """Give what is published from now on, until the block ends; only what is `wanted`."""
        watcher = Watcher(self._most_unread, wanted)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)


class Watcher(AsyncIterator[T]):
    """What one watcher has not read yet: `async for item in watcher`, without an end.

    Errors, after the last item before the gap: ResourceExhausted `WATCHER_TOO_SLOW`, or whatever
    the broadcast was ended with.
    """

    def __init__(self, most_unread: int, wanted: Callable[[T], bool] | None) -> None:
        self._most_unread = most_unread
        self._wanted = wanted
        self._unread: deque[T] = deque()
        self._news = asyncio.Event()
        self._ended: Exception | None = None

    def take(self, items: Iterable[T]) -> None:
        """Keep items for the watcher; from the first that finds no room on, none."""
        for item in items:
            if self._ended is None and (self._wanted is None or self._wanted(item)):
                self._keep(item)

    def end(self, error: Exception) -> None:
        """Take nothing more; the first error counts."""
        self._ended = self._ended or error
        self._news.set()

    async def batch(self) -> list[T]:
        """Return all that is unread, at least one, waiting for it."""
        items = [await anext(self)]
        items.extend(self._unread)
        self._unread.clear()
        return items

    async def __anext__(self) -> T:
        while not self._unread:
            if self._ended is not None:
                raise self._ended
            self._news.clear()
            await self._news.wait()
        return self._unread.popleft()

    def _keep(self, item: T) -> None:
        if len(self._unread) < self._most_unread:
            self._unread.append(item)
            self._news.set()
        else:
            self.end(ResourceExhausted("WATCHER_TOO_SLOW", "news came faster than they were read"))
