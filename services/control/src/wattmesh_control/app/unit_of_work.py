"""One change of state, from the locks to the announcement: the one place that knows the order.

Fence, claim, lock, read, decide, reconcile, remember, write, commit, announce. Every use case that
changes anything is a `Work`: it says what it is about, what it decides, and what it answers.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

from wattmesh_control.app.announce import Announce
from wattmesh_control.app.draft import Changes, Draft, GoesOut, changes_of
from wattmesh_control.app.ports import Begun, Scope, Store, Transaction
from wattmesh_control.app.reconcile import Reconcile, Since
from wattmesh_kernel.clock import Clock

T = TypeVar("T")


class Work(ABC, Generic[T]):
    """What a use case does inside of a unit of work."""

    reconciles = True
    """Whether commands are then made to agree with who goes first."""
    since: Since | None = None
    goes_out: GoesOut | None = None
    """Says which new commands go out with it; None: each is noted by itself."""

    @property
    @abstractmethod
    def scope(self) -> Scope:
        """What it is about."""

    def decide(self, draft: Draft) -> None:
        """Read what stands from the draft, and add to it what is to be written."""

    @abstractmethod
    def answer(self, draft: Draft) -> T:
        """Return the answer, and what is remembered of it when the scope has a request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Done(Generic[T]):
    """A unit of work that is committed."""

    answer: T
    changes: Changes
    repeated: bool = False
    """Whether the answer was remembered from the first time, and nothing was done."""


class UnitOfWork:
    """Does one work after another, each in a transaction of its own."""

    def __init__(
        self, *, clock: Clock, store: Store, reconcile: Reconcile, announce: Announce
    ) -> None:
        self._clock = clock
        self._store = store
        self._reconcile = reconcile
        self._announce = announce

    async def __call__(self, work: Work[T]) -> Done[T]:
        """Do a work, or return its first answer.

        Errors: what the work raises; Aborted `LEASE_TAKEN_OVER`; Unavailable.
        """
        scope = work.scope
        async with self._store.transaction() as transaction:
            begun = await transaction.begin(scope, self._clock.now())
            if begun.first is not None:
                return Done(answer=begun.first, changes=Changes(), repeated=True)
            draft = await self._draft(transaction, work, begun)
            if work.goes_out is not None:
                draft.send(work.goes_out)
            answer = work.answer(draft)
            remembered = None if scope.request is None else (scope.request, answer)
            notice = self._announce.abroad(draft)
            await transaction.write(draft, remembered, notice)
        changes = changes_of(draft, transaction.added)
        self._announce(changes)
        return Done(answer=answer, changes=changes)

    async def _draft(self, transaction: Transaction, work: Work[T], begun: Begun) -> Draft:
        """Read, decide and reconcile. The time counts from when the locks are held."""
        now, scope = self._clock.now(), work.scope
        standing = await transaction.read(scope, now)
        draft = Draft(now=now, standing=standing, numbers=begun.numbers)
        work.decide(draft)
        if work.reconciles and not draft.unmoved:
            if scope.ahead:
                standing.last.update(await transaction.last(scope.devices, now))
            self._reconcile(draft, work.since)
        return draft
