"""The heart of control: make what devices were told agree with who goes first.

Everything that can change a device's command ends here: a schedule, an override, a limit, the
turn of an interval, the end of a lease, a restart. It decides on what a unit of work has read
under the devices' locks, and adds to its draft; doing it again changes nothing.
"""

import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias, assert_never

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.draft import Draft
from wattmesh_control.domain.command import Command, LeaseRule, Target
from wattmesh_control.domain.controllable import NotSteered
from wattmesh_control.domain.decision import Decision, Forbid, Keep, Make, Recall, decide
from wattmesh_control.domain.device_event import DeviceEvent, EventType
from wattmesh_control.domain.hold import Hold
from wattmesh_control.domain.life import (
    CommandLife,
    CommandState,
    LeaseEnded,
    Replaced,
    Withdrawn,
)
from wattmesh_control.domain.limits import Accepted, Answer, Limit, LimitSet, Refused
from wattmesh_control.domain.proposal import Origin, Proposal, arbitrate
from wattmesh_control.domain.setpoint import Slot
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import CommandId, DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Phase

log = logging.getLogger(__name__)

Since: TypeAlias = Callable[[DeviceId], datetime]
"""Since when time is kept for a device without a gap."""


class Reconcile:
    """Compares proposals with commands and makes, ends and recalls commands.

    `tolerance_ratio` of a device's largest value is how far a read-back may lie off.
    """

    def __init__(
        self, *, clock: Clock, devices: Devices, lease: LeaseRule, tolerance_ratio: float
    ) -> None:
        self._devices = devices
        self._lease = lease
        self._tolerance_ratio = tolerance_ratio
        up = clock.now()
        self._up: Since = lambda device: up

    def __call__(self, draft: Draft, since: Since | None = None) -> None:
        """Decide about every slot that the draft has read, and add to it."""
        rivals = defaultdict[Slot, list[Proposal]](list)
        for proposal in draft.proposals():
            rivals[proposal.slot].append(proposal)
        limits = defaultdict[DeviceId, list[Limit]](list)
        for limit in draft.limits():
            if limit.device is not None and limit.in_force(draft.now):
                limits[limit.device].append(limit)
        last = {slot: draft.current(each) for slot, each in draft.standing.last.items()}
        for slot in sorted(rivals.keys() | last.keys()):
            held = holds_on(self._devices, slot.device, draft.standing.holds)
            self._slot(
                draft,
                *(unheld(rivals.get(slot, ()), held), last.get(slot), held),
                *(limits.get(slot.device, ()), (since or self._up)(slot.device)),
            )

    def _slot(
        self,
        draft: Draft,
        rivals: Sequence[Proposal],
        last: Command | None,
        holds: Sequence[Hold],
        limits: Sequence[Limit],
        up: datetime,
    ) -> None:
        now = draft.now
        if last is not None and last.life.live and not last.leased(now):
            last = _end_lease(draft, last)
        if not self._devices.known:
            return
        winner = arbitrate(rivals, now)
        if winner is not None and self._goes_on(winner, last, limits, now):
            return
        if winner is None and _let_go(draft, last, holds):
            return
        answer = None
        if winner is not None:
            told = (winner.device, winner.kind, winner.value)
            answer = answer_of(self._devices, *told, limits, now, winner.phase)
        decision = decide(winner=winner, answer=answer, last=last, now=now, up=up)
        self._carry_out(draft, decision, last)

    def _goes_on(
        self, winner: Proposal, last: Command | None, limits: Sequence[Limit], now: datetime
    ) -> bool:
        """Tell whether a lease runs out by itself: nobody but a limit, which it keeps, is there."""
        if winner.origin is not Origin.LIMIT or last is None or not last.life.live:
            return False
        if last.proposal == winner.number:
            return False
        kept = answer_of(self._devices, last.device, last.kind, last.value, limits, now)
        return isinstance(kept, Accepted) and now >= last.span.end

    def _carry_out(self, draft: Draft, decision: Decision, last: Command | None) -> None:
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
                    _recall(draft, live, decision.reason)
                if not decision.recorded:
                    draft.added.append(_refused(decision, now))
            case Recall(reason):
                if live:
                    _recall(draft, live, reason)
            case _:
                assert_never(decision)

    def _command(self, make: Make, now: datetime) -> Command:
        proposal = make.proposal
        device = self._devices.get(proposal.device, now)
        steering = device.steerings[proposal.kind]
        span = self._lease.span(proposal, make.start)
        return Command(
            command=new_command_id(),
            proposal=proposal.number,
            request_id=proposal.request_id,
            device=proposal.device,
            kind=proposal.kind,
            source=proposal.source,
            owner=proposal.owner,
            priority=proposal.priority,
            requested_value=proposal.value,
            value=make.value,
            tolerance=steering.envelope.span * self._tolerance_ratio,
            span=span,
            lease_expire_time=self._lease.expire_time(proposal, span),
            target=Target(gateway=device.gateway, asset=steering.asset),
            create_time=now,
            life=CommandLife(message=make.message),
        )


def holds_on(devices: Devices, device: DeviceId, holds: Sequence[Hold]) -> Sequence[Hold]:
    """Return the holds that are about a device."""
    if not holds:
        return ()
    subjects = devices.subjects_of(device)
    return [each for each in holds if each.subject in subjects]


def unheld(proposals: Sequence[Proposal], holds: Sequence[Hold]) -> Sequence[Proposal]:
    """Return the proposals that no hold keeps off."""
    return [
        each
        for each in proposals
        if not any(hold.keeps_off(each.priority, each.origin) for hold in holds)
    ]


def answer_of(
    devices: Devices,
    device: DeviceId,
    kind: SetpointKind,
    value: float,
    limits: Sequence[Limit],
    now: datetime,
    phase: Phase = Phase.THREE,
) -> Answer:
    """Return what becomes of `value` on a device that is under `limits`.

    `phase`: the conductors that carry it, where they are fewer than the device's.
    """
    steering = devices.steering(device, kind, now)
    if isinstance(steering, NotSteered):
        return Refused(steering.reason)
    return LimitSet(kind, steering.envelope.on(phase), limits).clamp(value)


def new_command_id() -> CommandId:
    """Return a name that no command has."""
    return CommandId(uuid.uuid4().hex)


def refused_command(proposal: Proposal, reason: str, now: datetime) -> Command:
    """Return the record of a proposal that did not become a command: no lease, and final."""
    return Command(
        command=new_command_id(),
        proposal=proposal.number or None,
        request_id=proposal.request_id,
        device=proposal.device,
        kind=proposal.kind,
        source=proposal.source,
        owner=proposal.owner,
        priority=proposal.priority,
        requested_value=proposal.value,
        value=proposal.value,
        tolerance=0.0,
        span=proposal.span,
        lease_expire_time=None,
        target=None,
        create_time=now,
        life=CommandLife(state=CommandState.REFUSED, message=reason, close_time=now),
    )


def _end_lease(draft: Draft, last: Command) -> Command:
    ended = draft.advance(last, LeaseEnded(draft.now))
    message = f"no command follows {last.command}: the device returns to its safe state"
    draft.events.append(
        DeviceEvent(
            device=last.device,
            time=draft.now,
            what=EventType.LEASE_ENDED,
            message=message,
            command=last.command,
            kind=last.kind,
        )
    )
    log.info("%s: %s", last.device, message)
    return ended


def _let_go(draft: Draft, last: Command | None, holds: Sequence[Hold]) -> bool:
    """Recall a live command that a hold keeps off, in the grace of its lease too."""
    if last is None or not last.life.live:
        return False
    for hold in holds:
        if hold.keeps_off(last.priority, Origin.SCHEDULE):
            _recall(draft, last, str(hold))
            return True
    return False


def _recall(draft: Draft, live: Command, reason: str) -> None:
    draft.recall(draft.advance(live, Withdrawn(draft.now, reason)))


def _refused(forbid: Forbid, now: datetime) -> Command:
    log.warning("%s: refused: %s", forbid.proposal.device, forbid.reason)
    return refused_command(forbid.proposal, forbid.reason, now)
