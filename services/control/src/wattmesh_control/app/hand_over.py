"""Let another device take over what one does not do, for as long as it was to do it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.draft import Draft
from wattmesh_control.app.ports import Scope
from wattmesh_control.app.reconcile import answer_of, holds_on, unheld
from wattmesh_control.app.unit_of_work import Work
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.controllable import ControllableDevice
from wattmesh_control.domain.device_event import DeviceEvent, EventType
from wattmesh_control.domain.life import Withdrawn
from wattmesh_control.domain.limits import Refused
from wattmesh_control.domain.proposal import Origin, Proposal, arbitrate
from wattmesh_control.domain.setpoint import Channel, in_words
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange

_POWER = SetpointKind.ACTIVE_POWER_W
_LEAST_TAKEN_RATIO = 0.1
"""Who can take less than this share of it takes nothing."""
_MOST_MEMBERS = 50

Offer: TypeAlias = tuple[float, DeviceId, float]
"""How much a device can take [W], its name, and what it is then told [W]."""


def takes_over(command: Command) -> bool:
    """Return whether a command is there because another device did not do it."""
    return command.request_id.startswith("commands/")


def members_of(devices: Devices, command: Command, but: Collection[DeviceId]) -> list[DeviceId]:
    """Return who could take a command over: what stores power at its site, else in its group.

    Those in `but` are left out, as whoever does not do what it is told itself.
    """
    if command.kind is not _POWER or not command.value or takes_over(command):
        return []
    device, model = command.device, devices.model
    group = model.group_of(device.site)
    for subject in (device.site.name, *([] if group is None else [group.id.name])):
        found = [
            each.device
            for each in devices.under(subject, command.create_time)
            if each.device != device and each.device not in but and _stores(each)
        ]
        if found:
            return found[:_MOST_MEMBERS]
    return []


def _stores(device: ControllableDevice) -> bool:
    steering = device.steerings.get(_POWER)
    return steering is not None and steering.envelope.low < 0 < steering.envelope.high


@dataclass(kw_only=True)
class HandOver(Work[str]):
    """Withdraws a command, gives its setpoint up, and asks the member that can take most of it.

    It answers what became of it, in words.
    """

    command: Command
    members: Sequence[DeviceId]
    devices: Devices
    reason: str
    _taken: Proposal | None = field(default=None, init=False)

    @property
    def scope(self) -> Scope:
        """The device that failed, and all that could take over."""
        return Scope(
            devices=frozenset([self.command.device, *self.members]),
            commands=frozenset([self.command.command]),
            new_proposals=1,
        )

    def decide(self, draft: Draft) -> None:
        """Give up, and propose the same to somebody else."""
        live = draft.standing.commands.get(self.command.command)
        if live is None or not live.life.live or live.span.end <= draft.now:
            return
        draft.advance(live, Withdrawn(draft.now, self.reason))
        if live.proposal is not None:
            draft.removed_proposals.add(live.proposal)
        offers = [each for member in self.members if (each := self._offer(draft, member))]
        if offers:
            _, member, value_w = max(offers)
            self._taken = self._proposal(draft, member, value_w)
            draft.added_proposals.append(self._taken)

    def answer(self, draft: Draft) -> str:
        """Say who takes over, and have the device let go unless somebody else steers it now."""
        if self.command.command not in draft.steps:
            return "it is over"
        replaced = any(each.life.live and each.slot == self.command.slot for each in draft.added)
        if not replaced:
            draft.recall(draft.standing.commands[self.command.command])
        new = next(
            (x for x in draft.added if self._taken and x.proposal == self._taken.number), None
        )
        if new is None or not new.life.live:
            return "it is let go, and nobody can take it over"
        power = in_words(self.command.value, _POWER)
        self._note(draft, new, EventType.TAKES_OVER, f"{power} of {self.command.device}")
        until = new.span.end.isoformat()
        self._note(draft, self.command, EventType.HANDED_OVER, f"to {new.device} until {until}")
        return f"{new.device} takes it over"

    def _offer(self, draft: Draft, member: DeviceId) -> Offer | None:
        """Return how much of the power a member can take, beside what it is told already."""
        holds = holds_on(self.devices, member, draft.standing.holds)
        rivals = [
            each
            for each in draft.proposals()
            if each.device == member and each.slot.channel is Channel.POWER
        ]
        first = arbitrate(unheld(rivals, holds), draft.now)
        if any(each.keeps_off(self.command.priority, Origin.OVERRIDE) for each in holds):
            return None
        if first is not None and self._goes_before(first):
            return None
        told_w = 0.0 if first is None or first.kind is not _POWER else first.value
        limits = [
            each for each in draft.limits() if each.device == member and each.in_force(draft.now)
        ]
        asked = (self.devices, member, _POWER)
        before = answer_of(*asked, told_w, limits, draft.now)
        after = answer_of(*asked, told_w + self.command.value, limits, draft.now)
        if isinstance(before, Refused) or isinstance(after, Refused):
            return None
        taken = (after.value - before.value) / self.command.value
        if taken < _LEAST_TAKEN_RATIO:
            return None
        return abs(after.value - before.value), member, after.value

    def _goes_before(self, first: Proposal) -> bool:
        other = first.kind is not _POWER or first.priority > self.command.priority
        return other and first.origin is not Origin.LIMIT

    def _proposal(self, draft: Draft, member: DeviceId, value_w: float) -> Proposal:
        return Proposal(
            number=next(draft.numbers),
            origin=Origin.OVERRIDE,
            device=member,
            kind=_POWER,
            owner=self.command.owner,
            priority=self.command.priority,
            source=self.command.source,
            request_id=self.command.command.name,
            span=TimeRange(draft.now, self.command.span.end),
            value=value_w,
            accept_time=draft.now,
        )

    def _note(self, draft: Draft, command: Command, what: EventType, words: str) -> None:
        event = DeviceEvent(
            device=command.device,
            time=draft.now,
            what=what,
            message=f"{words}: {self.reason}",
            command=command.command,
            kind=command.kind,
            value=command.value,
        )
        draft.events.append(event)
