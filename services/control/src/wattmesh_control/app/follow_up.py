"""What is done when a command had no effect, or the opposite one: a policy."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.draft import Draft
from wattmesh_control.app.effect_ports import EffectArchive
from wattmesh_control.app.hand_over import HandOver, members_of
from wattmesh_control.app.ports import Scope, Store
from wattmesh_control.app.unit_of_work import UnitOfWork, Work
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import DeviceEvent, EventType
from wattmesh_control.domain.effects.verdict import Effect, EffectReason, EffectVerdict
from wattmesh_control.domain.life import Withdrawn
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Aborted
from wattmesh_kernel.ids import DeviceId

log = logging.getLogger(__name__)


class EffectAction(StrEnum):
    """What is done about a running command that is amiss; people are told in any case."""

    TELL = "tell"
    """Nothing more."""
    RETRY = "retry"
    """It is withdrawn and made anew, once for its setpoint; then people are told."""
    RELEASE = "release"
    """Its setpoint is given up and the device let go: a lower proposal takes over, if any."""
    HAND_OVER = "hand_over"
    """The same, and another store of the site, or else of its group, does it in its place, once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectPolicy:
    """By effect what is done while the command still runs."""

    none: EffectAction = EffectAction.RETRY
    contrary: EffectAction = EffectAction.RELEASE

    def action(self, verdict: EffectVerdict) -> EffectAction:
        """Return what is to be done about a verdict that is amiss."""
        return self.contrary if verdict.effect is Effect.CONTRARY else self.none


@dataclass(kw_only=True)
class _Undo(Work[bool]):
    """Withdraws one running command; its proposal stays, to be told again, or goes too."""

    command: Command
    action: EffectAction
    reason: str

    @property
    def scope(self) -> Scope:
        return Scope(
            devices=frozenset([self.command.device]), commands=frozenset([self.command.command])
        )

    def decide(self, draft: Draft) -> None:
        live = draft.standing.commands.get(self.command.command)
        if live is None or not live.life.live:
            return
        draft.advance(live, Withdrawn(draft.now, self.reason))
        if self.action is EffectAction.RELEASE and live.proposal is not None:
            draft.removed_proposals.add(live.proposal)

    def answer(self, draft: Draft) -> bool:
        if self.command.command not in draft.steps:
            return False
        replaced = any(each.life.live and each.slot == self.command.slot for each in draft.added)
        if not replaced:
            draft.recall(draft.standing.commands[self.command.command])
        return True


class FollowUpEffects:
    """Acts on verdicts; names a device once in the log and in its events, until it is back."""

    def __init__(
        self,
        *,
        clock: Clock,
        archive: EffectArchive,
        store: Store,
        unit_of_work: UnitOfWork,
        devices: Devices,
        policy: EffectPolicy,
    ) -> None:
        self._clock = clock
        self._archive = archive
        self._store = store
        self._unit_of_work = unit_of_work
        self._devices = devices
        self._policy = policy
        self._amiss: dict[DeviceId, Effect] = {}

    @property
    def amiss(self) -> Mapping[DeviceId, Effect]:
        """The devices that do not do what they are told."""
        return self._amiss

    async def __call__(self, command: Command, verdict: EffectVerdict) -> None:
        """Do what the policy says. Error: Unavailable."""
        if verdict.amiss:
            done = "its range is over" if verdict.final else await self._act(command, verdict)
            await self._tell(command, verdict, done)
        elif verdict.effect in (Effect.CONFIRMED, Effect.PARTIAL):
            await self._tell_back(command, verdict)

    async def _act(self, command: Command, verdict: EffectVerdict) -> str:
        action = self._policy.action(verdict)
        if action is EffectAction.RETRY and not await self._first(command):
            action = EffectAction.TELL
        if action is EffectAction.TELL:
            return "it is left as it is"
        reason = f"at the meters: {in_words(verdict)}"
        try:
            if action is EffectAction.HAND_OVER:
                return await self._hand_over(command, reason)
            done = await self._unit_of_work(_Undo(command=command, action=action, reason=reason))
        except Aborted:
            return "another process looks after it"
        if not done.answer:
            return "it is over"
        return "it is told again" if action is EffectAction.RETRY else "it is let go"

    async def _hand_over(self, command: Command, reason: str) -> str:
        members = members_of(self._devices, command, self._amiss.keys())
        work = HandOver(command=command, members=members, devices=self._devices, reason=reason)
        return (await self._unit_of_work(work)).answer

    async def _first(self, command: Command) -> bool:
        if command.proposal is None:
            return False
        return await self._archive.attempts(command.proposal) <= 1

    async def _tell(self, command: Command, verdict: EffectVerdict, done: str) -> None:
        message = f"{command.command}: {in_words(verdict)}; {done}"
        if command.device not in self._amiss:
            log.warning("%s does not do what it is told: %s", command.device, message)
        known = self._amiss.get(command.device) is verdict.effect and verdict.final
        self._amiss[command.device] = verdict.effect
        if not known:
            await self._note(command, verdict, EventType.EFFECT_AMISS, message)

    async def _tell_back(self, command: Command, verdict: EffectVerdict) -> None:
        if self._amiss.pop(command.device, None) is not None:
            log.info("%s does what it is told again", command.device)
            await self._note(command, verdict, EventType.EFFECT_BACK, in_words(verdict))

    async def _note(
        self, command: Command, verdict: EffectVerdict, what: EventType, message: str
    ) -> None:
        event = DeviceEvent(
            device=command.device,
            time=verdict.time or self._clock.now(),
            what=what,
            message=message,
            command=command.command,
            kind=command.kind,
        )
        await self._store.note([event])


def in_words(verdict: EffectVerdict) -> str:
    """Return a verdict for people: `no effect: 12 W instead of 2500 W, by the grid meter`."""
    what = {
        Effect.CONFIRMED: "it happened",
        Effect.PARTIAL: "a part of it happened",
        Effect.NONE: "no effect",
        Effect.CONTRARY: "the opposite happened",
        Effect.UNKNOWN: "not known",
    }[verdict.effect]
    if verdict.reason is not EffectReason.NONE:
        what += f" ({verdict.reason.value.replace('_', ' ')})"
    if verdict.metered_power_w is not None and verdict.asked_power_w is not None:
        what += f": {verdict.metered_power_w:.6g} W where {verdict.asked_power_w:.6g} W were asked"
    if verdict.metered_celsius is not None and verdict.asked_celsius is not None:
        came, asked = verdict.metered_celsius, verdict.asked_celsius
        what += f": {came:.1f} °C where {asked:.1f} °C were asked"
    if verdict.independent and verdict.step_power_w is not None:
        what += f"; the grid meter moved by {verdict.step_power_w:.4g} W"
    return what
