"""Sharing named work fairly between processes, and taking over from one that died."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any

from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.leases import Lease, Leases
from wattmesh_runtime.aio.tasks import cancel_until_ended

log = logging.getLogger(__name__)

LONGEST_RETRY_SECONDS = 60.0
"""The longest wait before a name whose work failed is claimed again [s]."""
OVERDUE_LOOKS = 3
"""Looks in a row that find a name free before it is taken beyond the fair share."""


class LeasedWork:
    """Runs `work(lease)` for every wanted name whose lease this process gets, until cancelled.

    Every `poll_seconds` [s of the wall] it looks, with one statement for all names, what is free.
    Of n names, each of m processes takes ⌈n / m⌉; one that has more gives the surplus back when
    another joins. What stays free for three looks is taken by whoever sees it, so that a process
    that is up but takes nothing leaves nothing undone.

    Work runs until its lease is lost, its name is no longer wanted or its share shrinks: then it
    is cancelled until it has ended, and only then is the lease released. Work that ends by itself
    or fails (logged) is started again, by this process or another, after a growing wait.
    """

    def __init__(
        self,
        leases: Leases,
        work: Callable[[Lease], Coroutine[Any, Any, None]],
        *,
        poll_seconds: float = 2.0,
    ) -> None:
        self._leases = leases
        self._work = work
        self._poll_seconds = poll_seconds
        self._wanted: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._leased: dict[str, Lease] = {}
        self._pauses = _Pauses()
        self._free_before: dict[str, int] = {}
        self._members: frozenset[int] = frozenset()

    @property
    def running(self) -> frozenset[str]:
        """The names whose work runs here."""
        return frozenset(self._running)

    def want(self, names: Iterable[str]) -> None:
        """Say anew which names there are; work of others ends."""
        wanted = frozenset(names)
        if wanted != self._wanted:
            self._wanted = wanted
            self._changed.set()

    async def run(self) -> None:
        """Share the work until cancelled."""
        try:
            while True:
                self._changed.clear()
                with suppress(Unavailable):  # the leases say once that they are away
                    await self._round()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_seconds):
                        await self._changed.wait()
        finally:
            await self._end(self._running)

    async def _round(self) -> None:
        await self._end(self.running - self._wanted)
        if not self._wanted:
            return
        names = self._wanted - self.running
        view = await self._leases.look(names)
        share = -(-len(self._wanted) // len(view.members))
        if view.members != self._members:
            self._members = view.members
            await self._end(sorted(self._running)[share:])
        self._free_before = {name: self._free_before.get(name, 0) + 1 for name in view.free}
        await self._take(self._choose(view.free, share))

    def _choose(self, free: Sequence[str], share: int) -> list[str]:
        ready = [name for name in free if self._pauses.over(name)]
        due = [name for name in ready if self._free_before[name] >= OVERDUE_LOOKS]
        room = max(share - len(self._running), 0)
        return list(dict.fromkeys([*ready[:room], *due]))

    async def _take(self, names: Collection[str]) -> None:
        for lease in await self._leases.claim(names) if names else ():
            task = asyncio.create_task(self._hold(lease), name=lease.name)
            self._running[lease.name], self._leased[lease.name] = task, lease
            task.add_done_callback(self._ended)

    async def _hold(self, lease: Lease) -> None:
        began = asyncio.get_running_loop().time()
        try:
            await lease.run(self._work(lease))
            self._pauses.begin(lease.name, began)
        except Unavailable as error:
            if error.reason != "LEASE_LOST":
                self._interrupted(lease, began, error)
        except Exception as error:  # the edge of a loop that must live, whatever one name brings
            self._interrupted(lease, began, error)
        finally:
            await lease.release()

    def _interrupted(self, lease: Lease, began: float, error: Exception) -> None:
        log.error("%s was interrupted", lease.name, exc_info=error)
        self._pauses.begin(lease.name, began)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if self._running.get(task.get_name()) is task:
            del self._running[task.get_name()], self._leased[task.get_name()]

    async def _end(self, names: Iterable[str]) -> None:
        """End work, and give back what it held: a task that never began releases nothing."""
        ending = list(names)
        leases = [self._leased[name] for name in ending]
        try:
            await cancel_until_ended(*[self._running[name] for name in ending])
        finally:
            await self._leases.give_back(leases)


class _Pauses:
    """Until when a name whose work ended by itself is left alone."""

    def __init__(self) -> None:
        self._waits: dict[str, Backoff] = {}
        self._until: dict[str, float] = {}

    def over(self, name: str) -> bool:
        """Say whether a name may be claimed."""
        return asyncio.get_running_loop().time() >= self._until.get(name, 0.0)

    def begin(self, name: str, began: float) -> None:
        """Leave a name alone for a while; longer each time, unless its work ran for long."""
        now = asyncio.get_running_loop().time()
        wait = self._waits.setdefault(name, Backoff(0.5, LONGEST_RETRY_SECONDS))
        if now - began > LONGEST_RETRY_SECONDS:
            wait.reset()
        self._until[name] = now + wait.next_seconds()
