"""Work behind what arrives: turn after turn while there is some, with rests, then until woken."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from wattmesh_runtime.aio.losses import LossLog, retry


class ByTurns:
    """Takes turns for ever; the loss of the database is logged once.

    Parameters: `poll_seconds` how often it is looked though nobody wakes it, for what other
    replicas did [s, wall]; `rest_ratio` for how much longer than a turn took everybody else has the
    database after it, `longest_rest_seconds` at most [s].
    """

    def __init__(
        self, *, poll_seconds: float, rest_ratio: float, longest_rest_seconds: float | None = None
    ) -> None:
        self._poll_seconds = poll_seconds
        self._rest_ratio = rest_ratio
        self._longest_rest_seconds = longest_rest_seconds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Take note that there is something to do."""
        self._woken.set()

    async def run(
        self,
        turn: Callable[[], Awaitable[bool]],
        loss: LossLog,
        took: Callable[[float], Any] = lambda seconds: None,
    ) -> None:
        """Take turns: `turn` says whether there was anything to do, `took` hears how long it was.

        Errors of a turn other than Unavailable end it.
        """
        clock = asyncio.get_running_loop().time
        while True:
            self._woken.clear()
            began = clock()
            while await retry(turn, loss):
                spent = clock() - began
                took(spent)
                rest = self._rest_ratio * spent
                if self._longest_rest_seconds is not None:
                    rest = min(rest, self._longest_rest_seconds)
                await asyncio.sleep(rest)
                began = clock()
            try:
                async with asyncio.timeout(self._poll_seconds):
                    await self._woken.wait()
            except TimeoutError:
                pass
