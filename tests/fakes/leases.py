"""Leases in memory: a test's processes are `FakeLeases` that share a `LeaseTable`."""

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.aio.leases import Lease, LeaseView, lease_lost


@dataclass(kw_only=True)
class LeaseTable:
    """Who holds what."""

    holders: dict[str, "FakeLeases"] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    members: set[int] = field(default_factory=set)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))


class FakeLeases:
    """A process that holds leases; `lose_all` is a connection that ends."""

    def __init__(self, table: LeaseTable | None = None) -> None:
        self._table = table or LeaseTable()
        self._number = next(self._table.numbers)
        self._held: dict[str, Lease] = {}
        self.away = False
        self.looks = 0

    @property
    def held(self) -> Mapping[str, Lease]:
        return self._held

    def lose_all(self) -> None:
        """Lose every lease at once; others can have them."""
        held, self._held = self._held, {}
        self._table.members.discard(self._number)
        for lease in held.values():
            del self._table.holders[lease.name]
            lease.lost.set()

    async def try_acquire(self, name: str) -> Lease | None:
        return next(iter(await self.claim([name])), None)

    async def claim(self, names: Collection[str]) -> list[Lease]:
        self._check()
        free = [name for name in dict.fromkeys(names) if name not in self._table.holders]
        return [self._give(name) for name in free]

    async def give_back(self, leases: Collection[Lease]) -> None:
        for lease in leases:
            if self._held.get(lease.name) is lease:
                del self._held[lease.name], self._table.holders[lease.name]
                lease.lost.set()

    async def look(self, names: Collection[str]) -> LeaseView:
        self._check()
        self.looks += 1
        self._table.members.add(self._number)
        free = [name for name in sorted(names) if name not in self._table.holders]
        return LeaseView(members=frozenset(self._table.members), free=free)

    async def confirm(self, lease: Lease) -> None:
        if self.away or self._held.get(lease.name) is not lease:
            raise lease_lost(lease.name)

    def _give(self, name: str) -> Lease:
        epoch = self._table.epochs[name] = self._table.epochs.get(name, 0) + 1
        lease = Lease(name=name, epoch=epoch, keeper=self)
        self._table.holders[name], self._held[name] = self, lease
        return lease

    def _check(self) -> None:
        if self.away:
            raise Unavailable("DATABASE_UNAVAILABLE", "the database is away")
