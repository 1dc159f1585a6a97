"""Tell whoever watches that a plan was made."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from wattmesh_planner.domain.plan import Plan

_BACKLOG = 100


class PlanHub:
    """Hands every published plan to every watcher; a watcher that sleeps loses the oldest ones."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Plan]] = set()

    def publish(self, plan: Plan) -> None:
        """Hand a plan to all watchers."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(plan)

    @contextmanager
    def watch(self) -> Iterator[AsyncIterator[Plan]]:
        """Give the plans that are published from now on."""
        queue: asyncio.Queue[Plan] = asyncio.Queue(maxsize=_BACKLOG)
        self._queues.add(queue)
        try:
            yield _drain(queue)
        finally:
            self._queues.discard(queue)


async def _drain(queue: asyncio.Queue[Plan]) -> AsyncIterator[Plan]:
    while True:
        yield await queue.get()
