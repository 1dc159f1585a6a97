"""Follows somebody else's VTN as soon as it has called, and in any case after a while."""

import time
from collections.abc import Awaitable, Callable


class FollowPushed:
    """`called`: whether a call waits; `seconds`: how long it may be silent [s of the wall]."""

    def __init__(
        self,
        follow: Callable[[], Awaitable[None]],
        called: Callable[[], Awaitable[bool]],
        seconds: float,
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self._follow = follow
        self._called = called
        self._seconds = seconds
        self._wall = wall
        self._due = 0.0

    async def __call__(self) -> None:
        """Look whether there is anything to do. Error: Unavailable."""
        if self._wall() >= self._due or await self._called():
            self._due = 0.0  # until it has succeeded: the call that was taken is not there again
            await self._follow()
            self._due = self._wall() + self._seconds
