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

    Error: ResourceExhausted `WATCHER_TOO_SLOW`, after the last item before the gap.
    """

    def __init__(self, most_unread: int, wanted: Callable[[T], bool] | None) -> None:
        self._most_unread = most_unread
        self._wanted = wanted
        self._unread: deque[T] = deque()
        self._news = asyncio.Event()
        self._too_slow = False

    def take(self, items: Iterable[T]) -> None:
        """Keep items for the watcher; from the first that finds no room on, none."""
        for item in items:
            if not self._too_slow and (self._wanted is None or self._wanted(item)):
                self._too_slow = len(self._unread) >= self._most_unread
                if not self._too_slow:
                    self._unread.append(item)
                self._news.set()

    async def __anext__(self) -> T:
        while not self._unread:
            if self._too_slow:
                raise ResourceExhausted("WATCHER_TOO_SLOW", "news came faster than they were read")
            self._news.clear()
            await self._news.wait()
        return self._unread.popleft()

    async def batch(self) -> list[T]:
        """Return all that is unread, at least one, waiting for it."""
        items = [await anext(self)]
        items.extend(self._unread)
        self._unread.clear()
        return items
