"""Act when something falls due: a setpoint begins, a proposal or limit ends, a lease runs out."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_control.app.chunks import MOST_AT_ONCE, chunks, halving
from wattmesh_control.app.draft import Draft, GoesOut
from wattmesh_control.app.ports import DueTimes, Scope
from wattmesh_control.app.reconcile import Since
from wattmesh_control.app.set_aside import SetAside
from wattmesh_control.app.shards import ORPHANS, Shards
from wattmesh_control.app.unit_of_work import UnitOfWork, Work
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Aborted
from wattmesh_kernel.ids import DeviceId
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.aio.losses import AWAY_OR_FULL, LossLog
from wattmesh_runtime.aio.tasks import race

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
"""How often the database is asked what falls due next, should a notice have been lost [s wall]."""


@dataclass(frozen=True, kw_only=True)
class Turn(Work[None]):
    """What devices were told is made to agree with who goes first."""

    devices: frozenset[DeviceId]
    fence: tuple[Lease, ...]
    since: Since | None = None
    goes_out: GoesOut | None = None

    @property
    def scope(self) -> Scope:
        """The devices, as long as their shards are held."""
        return Scope(devices=self.devices, fence=self.fence)

    def answer(self, draft: Draft) -> None:
        """Nobody asked."""


class KeepTime:
    """The timekeeper: sleeps until the next due time, which is in the database.

    It begins with everything that is active in a shard, so that a restart, or another process that
    takes over, goes on where control was. It works in chunks, each committed by itself.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        due_times: DueTimes,
        shards: Shards,
        unit_of_work: UnitOfWork,
        set_aside: SetAside,
        chunk_size: int = MOST_AT_ONCE,
        goes_out: GoesOut | None = None,
    ) -> None:
        self._clock = clock
        self._due_times = due_times
        self._shards = shards
        self._unit_of_work = unit_of_work
        self._set_aside = set_aside
        self._chunk_size = chunk_size
        self._goes_out = goes_out
        self._fresh: set[str] = set()
        self._waiting: dict[DeviceId, None] = {}
        self._done = clock.now()
        self._next: datetime | None = None
        self._stale = True
        self._rung = asyncio.Event()
        self._loss = LossLog(log, "the database that says what falls due")

    @property
    def next_instant(self) -> datetime | None:
        """The next instant at which something falls due, as far as is known."""
        return self._next

    def catch_up(self, shard: str) -> None:
        """Look at everything in a shard that is held from now on."""
        self._fresh.add(shard)
        self._rung.set()

    def look_at(self, devices: Iterable[DeviceId]) -> None:
        """Look at devices of which something else than the time has changed."""
        self._waiting.update(dict.fromkeys(devices))
        self._rung.set()

    def expect(self, instant: datetime) -> None:
        """Take note of an instant at which something falls due."""
        if self._next is None or instant < self._next:
            self._next = instant
            self._rung.set()

    async def __call__(self) -> None:
        """Run for ever; while the database is away or full, try again with growing waits."""
        backoff = Backoff(0.1, 2.0, clock=self._clock)
        while True:
            self._rung.clear()
            try:
                await self._act()
            except AWAY_OR_FULL as error:
                self._loss.lost(error)
                await backoff.wait(error.retry_after)
                continue
            self._loss.back()
            backoff.reset()
            await self._sleep()

    async def _act(self) -> None:
        """Do what fell due, or is left over from the last time."""
        await self._gather()
        while mine := self._mine():
            for chunk in chunks(mine, self._chunk_size):
                await halving(chunk, self._turn, self._fail)
        if self._stale:
            following = await self._due_times.next(self._done)
            self._stale = False
            if following is not None:
                self.expect(following)

    async def _gather(self) -> None:
        """Find out what is to be looked at; none of it is lost when the database goes away."""
        now = self._clock.now()
        if self._stale or (self._next is not None and self._next <= now):
            self._stale = True
            self._waiting.update(dict.fromkeys(await self._due_times.due(self._done, now)))
            self._done = now
            if self._next is not None and self._next <= now:
                self._next = None
        self._waiting.update(dict.fromkeys(self._set_aside.due()))
        while self._fresh:
            fresh = set(self._fresh)
            self._waiting.update(dict.fromkeys(await self._active(fresh)))
            self._fresh -= fresh

    async def _active(self, shards: Collection[str]) -> list[DeviceId]:
        now = self._clock.now()
        found = await self._due_times.active(now, self._shards.devices_of(shards))
        if ORPHANS not in shards:
            return found
        every = await self._due_times.active(now)
        return [*found, *(each for each in every if self._shards.shard_of(each) == ORPHANS)]

    def _mine(self) -> list[DeviceId]:
        """Return what waits and is looked after here; what others look after is left to them."""
        for device in [each for each in self._waiting if not self._shards.holds(each)]:
            del self._waiting[device]
            self._set_aside.forget(device)
        for device in [each for each in self._waiting if self._set_aside.waits(each)]:
            del self._waiting[device]
        return list(self._waiting)

    async def _turn(self, devices: Sequence[DeviceId]) -> None:
        mine = [device for device in devices if self._shards.holds(device)]
        if mine:
            leases = self._shards.leases_of(mine)
            work = Turn(
                devices=frozenset(mine),
                fence=leases,
                since=self._shards.since,
                goes_out=self._goes_out,
            )
            await self._unit_of_work(work)
        await self._done_with(devices)

    async def _done_with(self, devices: Sequence[DeviceId]) -> None:
        for device in devices:
            self._waiting.pop(device, None)
        if self._set_aside.devices:
            await self._set_aside.take_up(devices)

    async def _fail(self, device: DeviceId, error: Exception) -> None:
        self._waiting.pop(device, None)
        if not isinstance(error, Aborted):  # whoever holds its lease by now looks after it
            await self._set_aside.put(device, error)

    async def _sleep(self) -> None:
        poll = self._clock.now() + timedelta(seconds=POLL_SECONDS * self._clock.rate)
        instants = [self._next or poll, self._set_aside.next_retry() or poll]
        await race(self._ring(), self._clock.sleep_until(min(poll, *instants)))
        if self._clock.now() >= poll:
            self._stale = True

    async def _ring(self) -> None:
        await self._rung.wait()
