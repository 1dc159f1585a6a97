"""Calls subscribers back: what happened is kept for each, and told until it has arrived."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from wattmesh_demandresponse.app.openadr_objects import SUBSCRIPTION, KeptObject, Objects
from wattmesh_demandresponse.app.openadr_vtn import Vtn, may_see
from wattmesh_demandresponse.app.ports import Records
from wattmesh_demandresponse.domain.event import Event, EventState
from wattmesh_demandresponse.domain.openadr_clients import Client, ClientRole
from wattmesh_demandresponse.domain.subscriptions import (
    CREATE,
    DELETE,
    UPDATE,
    CallBack,
    Happened,
    Subscription,
    call_backs,
    subscription_from_json,
)
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound, Unavailable
from wattmesh_kernel.programme_ids import EventId
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.tasks import map_at_most

_log = logging.getLogger(__name__)

MOST_KEPT = 1000
"""Of one subscription: the oldest go first."""
KEPT_FOR = timedelta(days=1)
_AT_ONCE = 50
_MOST_CALLS = 8
_LONGEST_WAIT_SECONDS = 300.0
_TURN_SECONDS = 3.0
_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A call-back that has not arrived yet."""

    id: int
    subscription: str
    create_time: datetime
    call_back: CallBack


class Outbox(Protocol):
    """Where call-backs wait."""

    async def told_until(self) -> int | None:
        """Return up to which revision of the records subscribers were told; None: never yet."""

    async def put(
        self,
        call_backs: Sequence[tuple[str, CallBack]],
        now: datetime,
        *,
        told_until: int | None = None,
    ) -> None:
        """Keep call-backs of subscriptions, with the revision: all of it, or nothing."""

    async def waiting(self, each: int) -> Sequence[Waiting]:
        """Return the oldest of each subscription, at most `each`, in their order."""

    async def done(self, ids: Sequence[int]) -> None:
        """Forget call-backs."""

    async def shorten(self, most: int, before: datetime) -> int:
        """Forget those of long ago, and all but the newest `most` of each; return how many."""


class Line(Protocol):
    """The way to subscribers."""

    async def post(self, call_back: CallBack) -> bool:
        """Post it; False: there is nobody there any more. Error: Unavailable."""


class Subscriptions:
    """Tells for whom something that happened is."""

    def __init__(
        self, objects: Objects, clients: Mapping[str, Client], hosts: Sequence[str]
    ) -> None:
        self._objects = objects
        self._clients = clients
        self.hosts = hosts

    async def call_backs(
        self, happened: Sequence[Happened], whose: str = ""
    ) -> list[tuple[str, CallBack]]:
        """Return who is called back about what; `whose`: of which client an object is."""
        if not happened:
            return []
        found = [each async for each in self._all()]
        return [
            (subscription.id, each)
            for one in happened
            for subscription in found
            if self._may_hear(subscription, one, whose)
            for each in call_backs(subscription, one)
        ]

    def _may_hear(self, subscription: Subscription, happened: Happened, whose: str) -> bool:
        client = self._clients.get(subscription.client_id)
        if client is None:
            return False
        if happened.kind == "EVENT":
            return may_see(client, happened.targets)
        return client.role is ClientRole.BUSINESS or client.client_id == whose

    async def _all(self) -> Any:
        skip = 0
        while True:
            page = await self._objects.list(SUBSCRIPTION, None, {}, skip, _PAGE)
            for each in page:
                try:
                    yield subscription_from_json(each.id, each.client_id, each.document, self.hosts)
                except InvalidArgument:  # its host is none of those that are called any more
                    continue
            skip += len(page)
            if len(page) < _PAGE:
                return


class TellObjects:
    """Tells subscribers of reports, VENs and resources."""

    def __init__(self, subscriptions: Subscriptions, outbox: Outbox, clock: Clock) -> None:
        self._subscriptions = subscriptions
        self._outbox = outbox
        self._clock = clock

    async def __call__(self, kept: KeptObject, operation: str) -> None:
        """Keep what is to be told about an object."""
        if kept.kind == SUBSCRIPTION:
            return
        happened = Happened(
            kind=kept.kind,
            operation=operation,
            document=kept.to_json(),
            program_id=str(kept.document.get("programID") or ""),
        )
        found = await self._subscriptions.call_backs([happened], kept.client_id)
        if found:
            await self._outbox.put(found, self._clock.now())


class TellEvents:
    """Tells subscribers of events: whatever way they were called, changed or called off."""

    def __init__(
        self,
        records: Records,
        vtn: Vtn,
        subscriptions: Subscriptions,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._records = records
        self._vtn = vtn
        self._subscriptions = subscriptions
        self._outbox = outbox
        self._clock = clock
        self._revision: int | None = None
        self._known: dict[EventId, Mapping[str, Any] | None] = {}
        self._unsure: frozenset[EventId] = frozenset()

    async def __call__(self) -> None:
        """Keep what is to be told since the last time. Error: Unavailable."""
        told = await self._outbox.told_until()
        if self._revision is None or told != self._revision:  # another process told them since
            self._revision = await self._begin(told)
        changes = await self._records.since(self._revision, None)
        if changes.revision == self._revision:
            return
        happened = [
            each for event in changes.events for each in await self._happened(event.resource)
        ]
        found = await self._subscriptions.call_backs(happened)
        await self._outbox.put(found, self._clock.now(), told_until=changes.revision)
        self._revision = changes.revision

    async def _begin(self, told: int | None) -> int:
        """Return from where on is to be told; what had been told by then is known."""
        self._known.clear()
        revision = (await self._records.since(-1, None)).revision if told is None else told
        later = {each.resource.id for each in (await self._records.since(revision, None)).events}
        for event, _ in await self._records.open_events():
            if event.id not in later:
                self._known[event.id] = await self._shown(event)
        self._unsure = frozenset(later)
        if told is None:
            await self._outbox.put((), self._clock.now(), told_until=revision)
        return revision

    async def _happened(self, event: Event) -> list[Happened]:
        if event.told_state is EventState.COMPLETED:
            self._known.pop(event.id, None)
            return []
        shown = await self._shown(event)
        before, new = self._known.get(event.id), event.id not in self._known
        cancelled = event.cancel_time is not None
        if shown is None or (not new and before == (None if cancelled else shown)):
            return []
        self._known[event.id] = None if cancelled else shown
        operation = CREATE if new else UPDATE
        if new and event.id in self._unsure and event.modification_number:
            operation = UPDATE
        if cancelled:
            operation = DELETE
        return [
            Happened(
                kind="EVENT",
                operation=operation,
                document=shown,
                program_id=event.id.programme.segment,
                targets=tuple(shown.get("targets", ())),
            )
        ]

    async def _shown(self, event: Event) -> Mapping[str, Any] | None:
        try:
            return await self._vtn.shown(event)
        except NotFound:  # its programme is gone
            return None


class Deliver:
    """Posts what waits: one after the other to each, all subscribers beside each other.

    Who does not answer is tried again after waits that grow to five minutes; a slow one holds up
    others by a few seconds. What has not arrived within a day is forgotten, and so are the oldest
    of more than 1,000: a subscriber asks from time to time, too.
    """

    def __init__(
        self,
        outbox: Outbox,
        line: Line,
        objects: Objects,
        clock: Clock,
        now_s: Callable[[], float] = lambda: asyncio.get_running_loop().time(),
    ) -> None:
        self._outbox = outbox
        self._line = line
        self._objects = objects
        self._clock = clock
        self._now_s = now_s
        self._waits: dict[str, tuple[Backoff, LossLog]] = {}
        self._next: dict[str, float] = {}

    async def __call__(self) -> None:
        """Post what is due. Error: Unavailable, of the database alone."""
        queues: dict[str, list[Waiting]] = {}
        for each in await self._outbox.waiting(_AT_ONCE):
            queues.setdefault(each.subscription, []).append(each)
        due = [each for name, each in queues.items() if self._next.get(name, 0.0) <= self._now_s()]
        for gone in self._waits.keys() - queues.keys():
            del self._waits[gone]
            self._next.pop(gone, None)
        await map_at_most(_MOST_CALLS, self._post, due)
        if not queues:
            return
        lost = await self._outbox.shorten(MOST_KEPT, self._clock.now() - KEPT_FOR)
        if lost:
            _log.warning("%d call-backs have not reached their subscribers", lost)

    async def _post(self, queue: Sequence[Waiting]) -> None:
        name, until = queue[0].subscription, self._now_s() + _TURN_SECONDS
        done: list[int] = []
        try:
            for each in queue:
                if self._now_s() > until:
                    break
                if not await self._line.post(each.call_back):
                    await self._objects.delete(name)
                    done = [waiting.id for waiting in queue]
                    break
                done.append(each.id)
        except Unavailable as error:
            wait, loss = self._waits.setdefault(
                name,
                (
                    Backoff(1.0, _LONGEST_WAIT_SECONDS),
                    LossLog(_log, f"the subscriber of {name}"),
                ),
            )
            loss.lost(error)
            self._next[name] = self._now_s() + wait.next_seconds()
        else:
            if name in self._waits:
                self._waits.pop(name)[1].back()
                self._next.pop(name, None)
        if done:
            await self._outbox.done(done)
