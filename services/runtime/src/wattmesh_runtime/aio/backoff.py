"""Waiting between attempts: longer each time, and never all at once."""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

from wattmesh_kernel.clock import Clock


class Backoff:
    """Growing waits between attempts, in seconds of the wall: networks know no other time.

    Waits are `first_seconds`, then twice as long each time, up to `most_seconds`; each is
    lengthened or shortened by up to `jitter_ratio` of itself, so that many who lost the same thing
    do not come back together. With a `clock` the same waits are spent on that clock, as a test
    needs it that moves time by hand.
    """

    def __init__(
        self,
        first_seconds: float = 0.1,
        most_seconds: float = 5.0,
        *,
        clock: Clock | None = None,
        jitter_ratio: float = 0.2,
        random_ratio: Callable[[], float] = random.random,
    ) -> None:
        self._first = first_seconds
        self._most = most_seconds
        self._clock = clock
        self._jitter = jitter_ratio
        self._random = random_ratio
        self._next = first_seconds

    def reset(self) -> None:
        """Begin again with the first wait."""
        self._next = self._first

    def next_seconds(self) -> float:
        """Return the next wait, and make the one after it longer."""
        seconds = min(self._next, self._most) * (1 + self._jitter * (2 * self._random() - 1))
        self._next = min(self._next * 2, self._most)
        return seconds

    async def wait(self, at_least: timedelta | None = None) -> None:
        """Wait, and longer the next time; `at_least` is an error's `retry_after`."""
        seconds = self.next_seconds()
        if at_least is not None:
            seconds = max(seconds, at_least.total_seconds())
        if self._clock is None:
            await asyncio.sleep(seconds)
        else:
            await self._clock.sleep(timedelta(seconds=seconds * self._clock.rate))
