"""Wakes the timekeeper when its agenda has changed."""

import asyncio
from datetime import datetime
from typing import Any

from wattmesh_kernel.clock import Clock


class Wake:
    """A bell that is rung when something new may fall due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def set(self) -> None:
        """Ring."""
        self._rung.set()

    def clear(self) -> None:
        """Forget what was rung: the agenda is about to be read."""
        self._rung.clear()

    async def wait(self, until: datetime | None) -> None:
        """Return when it is rung, or at `until` if that comes first."""
        waiting: set[asyncio.Task[Any]] = {asyncio.create_task(self._rung.wait())}
        if until is not None:
            waiting.add(asyncio.create_task(self._clock.sleep_until(until)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
