"""So many at a time, each caller its share: what is scarce is taken in turn."""

import asyncio
import contextlib
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from wattmesh_kernel.errors import ResourceExhausted

_Queue = deque[asyncio.Future[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceLimits:
    """How many may hold a place, and wait for one: all together, and each caller."""

    places: int
    places_per_caller: int
    queue: int
    queue_per_caller: int


class FairPlaces:
    """Places that callers take in turn: one who asks a thousand times waits for itself.

    Whoever would have to wait where too many wait is refused at once: ResourceExhausted TOO_BUSY,
    with the time after which a place is likely.
    """

    def __init__(self, what: str, limits: PlaceLimits, retry_after: timedelta) -> None:
        self._what = what
        self._limits = limits
        self._retry_after = retry_after
        self._held: Counter[str] = Counter()
        self._waiting: OrderedDict[str, _Queue] = OrderedDict()

    @property
    def held_count(self) -> int:
        """Places taken now."""
        return self._held.total()

    @property
    def waiting_count(self) -> int:
        """How many wait for a place."""
        return sum(map(len, self._waiting.values()))

    @contextlib.asynccontextmanager
    async def held(self, caller: str) -> AsyncIterator[None]:
        """Hold a place; wait for it where that is allowed."""
        if self._is_free_for(caller):
            self._held[caller] += 1
        else:
            await self._wait(caller)
        try:
            yield
        finally:
            self._give_back(caller)

    def _is_free_for(self, caller: str) -> bool:
        free = self._held.total() < self._limits.places
        return free and self._held[caller] < self._limits.places_per_caller

    async def _wait(self, caller: str) -> None:
        queue = self._queue_of(caller)
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(caller, turn)
            else:  # it was given the place in the same instant
                self._give_back(caller)
            raise

    def _queue_of(self, caller: str) -> _Queue:
        waiting = len(self._waiting.get(caller, ()))
        own = waiting >= self._limits.queue_per_caller
        if own or self.waiting_count >= self._limits.queue:
            who = "of this caller " if own else ""
            state = "waiting" if self._limits.queue else "open"
            raise ResourceExhausted(
                "TOO_BUSY",
                f"too many {self._what} {who}are {state} already",
                retry_after=self._retry_after,
            )
        return self._waiting.setdefault(caller, deque())

    def _leave(self, caller: str, turn: asyncio.Future[None]) -> None:
        """Forget a turn that was given up, unless it was come across already."""
        queue = self._waiting.get(caller, deque())
        if turn in queue:
            queue.remove(turn)
            self._forget_if_empty(caller)

    def _forget_if_empty(self, caller: str) -> None:
        if not self._waiting[caller]:
            del self._waiting[caller]

    def _give_back(self, caller: str) -> None:
        self._held[caller] -= 1
        if not self._held[caller]:
            del self._held[caller]
        while (following := next(filter(self._is_free_for, self._waiting), None)) is not None:
            turn = self._waiting[following].popleft()
            self._waiting.move_to_end(following)
            self._forget_if_empty(following)
            if not turn.done():  # a waiter that is cancelled has yet to say so
                self._held[following] += 1
                turn.set_result(None)
                return
