"""The heart of control: make what devices were told agree with who goes first.

Everything that can change a device's command ends here: a schedule, an override, a limit, the
turn of an interval, the end of a lease, a restart. It reads, decides and writes in the caller's
transaction, under the devices' locks; doing it again changes nothing.
"""

import logging
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from wattmesh_control.app.catalog import DeviceCatalog
from wattmesh_control.app.changes import Changes
from wattmesh_control.app.limit_sets import LimitSets
from wattmesh_control.app.ports import Books, DeviceEvent
from wattmesh_control.domain.command import Command, LeaseRule, Target
from wattmesh_control.domain.decision import Decision, Forbid, Keep, Make, Recall, decide
from wattmesh_control.domain.life import (
    CommandLife,
    CommandState,
    LeaseEnded,
    LifeEvent,
    Replaced,
    Withdrawn,
)
from wattmesh_control.domain.wish import Wish, arbitrate
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import CommandId, DeviceId
from wattmesh_kernel.time import TimeRange

log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class _Draft:
    """What is to be written."""

    now: datetime
    saved: list[tuple[Command, Command]] = field(default_factory=list)
    added: list[Command] = field(default_factory=list)
    recalls: list[Command] = field(default_factory=list)
    events: list[DeviceEvent] = field(default_factory=list)

    def advance(self, command: Command, event: LifeEvent) -> Command:
        """Let a command's life go on, and remember to save it."""
        after = command.advance(event)
        if after is not command:
            self.saved.append((command, after))
        return after


class Reconcile:
    """Compares wishes with commands and makes, ends and recalls commands.

    `tolerance_ratio` of a device's largest value is how far a read-back may lie off.
    """

    def __init__(
        self, *, clock: Clock, catalog: DeviceCatalog, lease: LeaseRule, tolerance_ratio: float
    ) -> None:
        self._clock = clock
        self._catalog = catalog
        self._lease = lease
        self._tolerance_ratio = tolerance_ratio
        self._up = clock.now()

    async def __call__(self, books: Books, devices: Collection[DeviceId]) -> Changes:
        """Decide about every slot of these devices; return what is to be announced."""
        await books.lock(devices)
        now = self._clock.now()
        wishes = await books.wishes.standing(devices, now)
        last = await books.commands.last(devices)
        limits = LimitSets(self._catalog, await books.limits.in_force(devices, now))
        draft = _Draft(now=now)
        for slot in sorted({wish.slot for wish in wishes} | last.keys()):
            rivals = [wish for wish in wishes if wish.slot == slot]
            self._slot(draft, rivals, last.get(slot), limits)
        return await self._write(books, draft)

    def _slot(
        self, draft: _Draft, rivals: list[Wish], last: Command | None, limits: LimitSets
    ) -> None:
        now = draft.now
        if last is not None and last.life.live and not last.leased(now):
            last = self._end_lease(draft, last)
        if not self._catalog.known:
            return
        winner = arbitrate(rivals, now)
        answer = None
        if winner is not None:
            answer = limits.answer(winner.device, winner.kind, winner.value, now)
        decision = decide(winner=winner, answer=answer, last=last, now=now, up=self._up)
        self._carry_out(draft, decision, last)

    def _carry_out(self, draft: _Draft, decision: Decision, last: Command | None) -> None:
        now = draft.now
        live = last if last is not None and last.life.live else None
        match decision:
            case Keep():
                return
            case Make():
                if live:
                    draft.advance(live, Replaced(now))
                draft.added.append(self._command(decision, now))
            case Forbid():
                if live:
                    draft.recalls.append(draft.advance(live, Withdrawn(now, decision.reason)))
                if not decision.recorded:
                    draft.added.append(_refused(decision, now))
            case Recall(reason):
                if live:
                    draft.recalls.append(draft.advance(live, Withdrawn(now, reason)))
            case _:
                assert_never(decision)

    def _end_lease(self, draft: _Draft, last: Command) -> Command:
        ended = draft.advance(last, LeaseEnded(draft.now))
        message = f"no command follows {last.command}: the device returns to its safe state"
        draft.events.append(
            DeviceEvent(device=last.device, time=draft.now, what="lease_ended", message=message)
        )
        log.info("%s: %s", last.device, message)
        return ended

    def _command(self, make: Make, now: datetime) -> Command:
        wish = make.wish
        device = self._catalog.get(wish.device)
        return Command(
            command=new_command_id(),
            wish=wish.number,
            request_id=wish.request_id,
            device=wish.device,
            kind=wish.kind,
            source=wish.source,
            owner=wish.owner,
            priority=wish.priority,
            requested_value=wish.value,
            value=make.value,
            tolerance=device.envelopes[wish.kind].span * self._tolerance_ratio,
            span=TimeRange(make.start, wish.span.end),
            lease_expire_time=self._lease.expire_time(wish),
            target=Target(gateway=device.gateway, asset=device.asset),
            create_time=now,
            life=CommandLife(message=make.message),
        )

    async def _write(self, books: Books, draft: _Draft) -> Changes:
        await books.commands.save(draft.saved, draft.now)
        added = await books.commands.add(draft.added)
        await books.note(draft.events)
        return Changes(
            moved=[*(after for _, after in draft.saved), *added],
            offers=[command for command in added if command.life.live],
            recalls=draft.recalls,
        )


def new_command_id() -> CommandId:
    """Return a name that no command has."""
    return CommandId(uuid.uuid4().hex)


def refused_command(wish: Wish, reason: str, now: datetime) -> Command:
    """Return the record of a wish that did not become a command: no lease, and final."""
    return Command(
        command=new_command_id(),
        wish=wish.number or None,
        request_id=wish.request_id,
        device=wish.device,
        kind=wish.kind,
        source=wish.source,
        owner=wish.owner,
        priority=wish.priority,
        requested_value=wish.value,
        value=wish.value,
        tolerance=0.0,
        span=wish.span,
        lease_expire_time=None,
        target=None,
        create_time=now,
        life=CommandLife(state=CommandState.REFUSED, message=reason, close_time=now),
    )


def _refused(forbid: Forbid, now: datetime) -> Command:
    log.warning("%s: refused: %s", forbid.wish.device, forbid.reason)
    return refused_command(forbid.wish, forbid.reason, now)
