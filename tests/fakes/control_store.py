"""Control's store in memory, and what falls due by it; it can be away, or fail on one device."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count

from wattmesh_control.app.draft import Draft, Standing
from wattmesh_control.app.ports import Begun, Notice, Request, Scope
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import DeviceEvent
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.proposal import Origin, Proposal
from wattmesh_control.domain.setpoint import Slot
from wattmesh_kernel.errors import Aborted, Unavailable, WattmeshError
from wattmesh_kernel.ids import CommandId, DeviceId, LimitId


class FakeStore:
    """Store and Transaction over dicts; every version of every command is kept in `history`."""

    def __init__(self) -> None:
        self.proposals = dict[int, Proposal]()
        self.commands = dict[CommandId, Command]()
        self.limits = dict[LimitId, Limit]()
        self.history = list[Command]()
        self.events = list[DeviceEvent]()
        self.added = list[Command]()
        """What the newest transaction added."""
        self.notices = list[Notice]()
        self.scopes = list[Scope]()
        """What every transaction was about, in order."""
        self.away = False
        self.trouble: WattmeshError = Unavailable("DATABASE_UNAVAILABLE", "the database is away")
        """What is raised while it is away."""
        self.away_after: int | None = None
        """After so many more transactions it is away."""
        self.poison = set[DeviceId]()
        """Devices of which nothing can be read."""
        self.outdated = set[str]()
        """Leases that have changed hands."""
        self._answers = dict[tuple[str, str], object]()
        self._numbers = count(1)
        self._proposal_numbers = count(1)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["FakeStore"]:
        self.check()
        yield self
        if self.away_after is not None:
            self.away_after -= 1

    async def note(self, events: Sequence[DeviceEvent]) -> None:
        self.check()
        self.events.extend(events)

    async def begin(self, scope: Scope, now: datetime) -> Begun:
        self.scopes.append(scope)
        for lease in scope.fence:
            if lease.name in self.outdated:
                raise Aborted("LEASE_TAKEN_OVER", f"somebody else has {lease.name}")
        if scope.request is not None:
            first = self._answers.get((scope.request.method, scope.request.request_id))
            if first is not None:
                return Begun(first=first)
        return Begun(numbers=self._proposal_numbers)

    async def read(self, scope: Scope, now: datetime) -> Standing:
        for device in scope.devices & self.poison:
            raise ValueError(f"a row of {device} makes no sense")
        return Standing(
            proposals=self.running(scope.devices, now),
            limits=[
                x for x in self.limits.values() if x.device in scope.devices and x.expire_time > now
            ],
            last={} if scope.ahead else await self.last(scope.devices, now),
            commands={name: self.commands[name] for name in scope.commands & self.commands.keys()},
        )

    async def last(self, devices: Collection[DeviceId], now: datetime) -> dict[Slot, Command]:
        newest = dict[Slot, Command]()
        for command in sorted(self.commands.values(), key=lambda each: each.number):
            if command.device in devices and command.proposal is not None:
                newest[command.slot] = command
        busy = {each.slot for each in self.running(devices, now)}
        return {slot: each for slot, each in newest.items() if each.life.live or slot in busy}

    async def write(
        self, draft: Draft, answer: tuple[Request, object] | None, notice: Notice
    ) -> None:
        self.check()
        self._write_proposals(draft)
        for limit in draft.put_limits:
            self.limits[limit.limit] = limit
        for name in draft.removed_limits:
            self.limits.pop(name, None)
        for step in draft.steps.values():
            for version in step.versions:
                self.put(version)
        self.added = [replace(each, number=next(self._numbers)) for each in draft.added]
        for each in self.added:
            self.put(each)
        self.events.extend(draft.events)
        if answer is not None:
            self._answers[answer[0].method, answer[0].request_id] = answer[1]
        if notice:
            self.notices.append(notice)

    def running(self, devices: Collection[DeviceId], now: datetime) -> list[Proposal]:
        """Return the proposals of devices that hold now."""
        return [
            each
            for each in self.proposals.values()
            if each.device in devices and each.span.contains(now)
        ]

    def propose(self, proposal: Proposal) -> None:
        """Store a proposal under the next number."""
        number = next(self._proposal_numbers)
        self.proposals[number] = replace(proposal, number=number)

    def put(self, command: Command) -> None:
        """Store a command as it is."""
        self.commands[command.command] = command
        self.history.append(command)

    def _write_proposals(self, draft: Draft) -> None:
        for number in draft.removed_proposals:
            self.proposals.pop(number, None)
        for number, standing in list(self.proposals.items()):
            asked = standing.origin in (Origin.LIMIT, Origin.HOLD)
            if asked and standing.source in draft.dropped_sources:
                del self.proposals[number]
        for takeover in draft.takeovers:
            for number, standing in list(self.proposals.items()):
                left = takeover.leaves(standing)
                if left is None:
                    del self.proposals[number]
                else:
                    self.proposals[number] = left
        for proposal in draft.added_proposals:
            self.proposals[proposal.number] = proposal

    def check(self) -> None:
        """Raise Unavailable while it is away."""
        if self.away or self.away_after == 0:
            raise self.trouble


class FakeDueTimes:
    """DueTimes read from a store."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store

    async def next(self, after: datetime) -> datetime | None:
        self._store.check()
        return min((each for each in self._instants() if each > after), default=None)

    async def due(self, after: datetime, until: datetime) -> list[DeviceId]:
        self._store.check()
        found = {
            each.device
            for each in self._store.proposals.values()
            for end in (each.span.start, each.span.end)
            if after < end <= until
        }
        found |= {
            each.device
            for each in self._store.commands.values()
            if each.life.live and (not each.leased(until) or after < each.span.end <= until)
        }
        return sorted(found)

    async def active(
        self, now: datetime, devices: Collection[DeviceId] | None = None
    ) -> list[DeviceId]:
        self._store.check()
        found = {each.device for each in self._store.proposals.values()}
        found |= {each.device for each in self._store.commands.values() if each.life.live}
        return sorted(found if devices is None else found & set(devices))

    def _instants(self) -> list[datetime]:
        spans = [proposal.span for proposal in self._store.proposals.values()]
        spans += [each.span for each in self._store.commands.values() if each.life.live]
        return [end for span in spans for end in (span.start, span.end)]
