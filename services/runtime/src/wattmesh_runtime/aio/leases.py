"""Work that exactly one of several processes may do, by name: planning a scope, a gateway's shard.

`runtime/postgres_leases.py` keeps the leases in PostgreSQL. What is here knows nothing of that, so
use cases may hold leases, and `tests/fakes/leases.py` keeps them in memory.
"""

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.aio.tasks import race

T = TypeVar("T")


class LeaseKeeper(Protocol):
    """Whoever gave a lease."""

    async def confirm(self, lease: "Lease") -> None:
        """Return while the lease is held for certain; Unavailable `LEASE_LOST`."""

    async def give_back(self, leases: Collection["Lease"]) -> None:
        """Let others have them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lease:
    """The right to do the work called `name`, until it is released or lost.

    `epoch` grows by one or more with each holder of the name: what a holder writes late, because
    it was paused, is told by its epoch from what its successor writes.
    """

    name: str
    epoch: int
    keeper: LeaseKeeper
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the lease is or may be gone, with no way back: a new one has to be acquired."""

    async def confirm(self) -> None:
        """Return while it is held for certain; Unavailable `LEASE_LOST` when it may be gone."""
        if self.lost.is_set():
            raise lease_lost(self.name)
        await self.keeper.confirm(self)

    async def release(self) -> None:
        """Let others have it; harmless when it is lost or was released before."""
        await self.keeper.give_back([self])

    async def run(self, work: Awaitable[T]) -> T:
        """Run `work` while the lease is held; Unavailable `LEASE_LOST` once it is lost.

        Work is cancelled until it has ended before that is raised.
        """
        return await race(work, self._until_lost())

    async def _until_lost(self) -> Any:
        await self.lost.wait()
        raise lease_lost(self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseView:
    """How the leases of some names stand.

    `members` are the processes that share them, this one included; `free` the names among those
    asked for that nobody holds.
    """

    members: frozenset[int]
    free: Sequence[str]


class Leases(Protocol):
    """Leases by name, of which this process can hold many.

    Errors of every call: Unavailable while whatever keeps them is away.
    """

    @property
    def held(self) -> Mapping[str, Lease]:
        """The leases that this process holds, by name."""

    async def try_acquire(self, name: str) -> Lease | None:
        """Return the lease of a name; None while somebody else holds it, or this process does."""

    async def claim(self, names: Collection[str]) -> list[Lease]:
        """Acquire those of the names that are free, all with one statement."""

    async def give_back(self, leases: Collection[Lease]) -> None:
        """Let others have them."""

    async def look(self, names: Collection[str]) -> LeaseView:
        """Become one of those who share leases, and see which names are free; one statement."""


def lease_lost(name: str) -> Unavailable:
    """Return the error of work whose lease is or may be gone."""
    return Unavailable("LEASE_LOST", f"the lease of {name} is lost")
