"""Hears somebody else's VTN call where it offers that; asks it from time to time in any case."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from wattmesh_runtime.aio.losses import LossLog, retry

_log = logging.getLogger(__name__)

SELDOM = 10
"""How many times more seldom a VTN is asked that calls back."""


class SubscribableVtn(Protocol):
    """Somebody else's VTN that may call back."""

    async def subscribe(self) -> bool:
        """Have it call back about events; False: it does not offer that. Error: Unavailable."""


class HearVtn:
    """Follows a VTN when it calls, and in any case after a while.

    What it says in its call is not taken: events are asked for. Calls that come together are one.
    """

    def __init__(
        self, follow: Callable[[], Awaitable[None]], vtn: SubscribableVtn, poll_seconds: float
    ) -> None:
        self._follow = follow
        self._vtn = vtn
        self._poll_seconds = poll_seconds
        self._called = asyncio.Event()
        self._subscribed = False
        self._alone = asyncio.Lock()

    def rouse(self) -> None:
        """Follow soon: it has called."""
        self._called.set()

    @property
    def seconds(self) -> float:
        """How long to wait until it is asked again [s of the wall]."""
        return self._poll_seconds * (SELDOM if self._subscribed else 1)

    async def __call__(self) -> None:
        """Subscribe, again each time as it may have lost it, and follow. Error: Unavailable."""
        async with self._alone:
            self._subscribed = await self._vtn.subscribe()
            await self._follow()

    async def attend(self) -> None:
        """Follow whenever it calls, for ever: whichever process it reaches."""
        loss = LossLog(_log, "the others' VTN that called")
        while True:
            await self._called.wait()
            self._called.clear()
            async with self._alone:
                await retry(self._follow, loss)
