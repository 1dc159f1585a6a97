"""Find out at the meters whether what was commanded has happened.

A command is looked at twice: soon after its acknowledgement, so that something can still be done
about one that is amiss, and once its range is over and metered. Good news is only given then.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from wattmesh_control.app.announce import Announce
from wattmesh_control.app.effect_ports import EffectArchive
from wattmesh_control.app.gather_evidence import Gathered, GatherEvidence
from wattmesh_control.app.ports import Observations
from wattmesh_control.app.shards import Shards
from wattmesh_control.app.spans import GIVE_VERDICT, JUDGE_EFFECTS
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.effects.judge import judge
from wattmesh_control.domain.effects.verdict import (
    Effect,
    EffectReason,
    EffectRule,
    EffectVerdict,
)
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import CommandId
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.spans import traced

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 1_000
_EARLY_TRIES = 3
_SOON_AFTER = timedelta(minutes=1)
"""So long after its acknowledgement a slow device has at least begun."""
_LEAST_LOOK_SECONDS = 1.0
"""However fast the clock runs, it is not looked more often [s of the wall]."""
_SOON = (Effect.NONE, Effect.CONTRARY, Effect.PARTIAL)

FollowUp: TypeAlias = Callable[[Command, EffectVerdict], Awaitable[None]]
"""What is done about a verdict."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeRhythm:
    """When it is looked."""

    look: timedelta
    """How often."""
    interval: timedelta
    """How long after its end a range is first judged for good."""
    patience: timedelta
    """How long after its end its readings are waited for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Looks:
    """How often a command was looked at early, and until when it runs."""

    times: int
    until: datetime


class JudgeEffects:
    """Gives verdicts; one process does it for all."""

    def __init__(
        self,
        *,
        clock: Clock,
        archive: EffectArchive,
        gather: GatherEvidence,
        announce: Announce,
        observations: Observations,
        shards: Shards,
        rule: EffectRule,
        rhythm: JudgeRhythm,
        follow_up: FollowUp,
    ) -> None:
        self._clock = clock
        self._archive = archive
        self._gather = gather
        self._announce = announce
        self._observations = observations
        self._shards = shards
        self._rule = rule
        self._rhythm = rhythm
        self._follow_up = follow_up
        self._looks: dict[int, _Looks] = {}
        self._unmetered: dict[int, datetime] = {}

    async def __call__(self) -> None:
        """Run for ever."""
        loss = LossLog(log, "what metering says of verdicts")
        least = timedelta(seconds=_LEAST_LOOK_SECONDS * self._clock.rate)
        while True:
            await self._clock.sleep(max(self._rhythm.look, least))
            if not self._shards.holds_orphans():
                continue
            try:
                with traced(JUDGE_EFFECTS):
                    await self.look()
                loss.back()
            except WattmeshError as error:
                loss.lost(error)

    async def look(self) -> None:
        """Judge what can be judged now. Error: Unavailable when database or metering is away."""
        now = self._clock.now()
        await self._soon(now)
        while await self._for_good(now) == _MOST_AT_ONCE:
            pass
        amiss = await self._archive.amiss(now - self._rhythm.patience)
        self._observations.devices_amiss(len(amiss))

    async def _soon(self, now: datetime) -> None:
        """Look at running commands that were not looked at often enough."""
        waited = max(self._rule.settling, _SOON_AFTER)
        self._looks = {number: x for number, x in self._looks.items() if x.until > now}
        seen = {number for number, x in self._looks.items() if x.times >= _EARLY_TRIES}
        while running := await self._archive.running(now - waited, seen, _MOST_AT_ONCE):
            verdicts = await self._verdicts(running, now)
            for command in running:
                self._take_note(command, verdicts[command.command])
            seen |= {each.number for each in running}
            await self._give(
                {
                    command: replace(verdicts[command.command], time=now)
                    for command in running
                    if verdicts[command.command].effect in _SOON
                }
            )

    def _take_note(self, command: Command, verdict: EffectVerdict) -> None:
        """Count a look; one that showed that all is well is the last."""
        if verdict.reason is EffectReason.TOO_SHORT:
            return
        before = self._looks.get(command.number)
        times = 1 if before is None else before.times + 1
        if verdict.effect is not Effect.UNKNOWN:
            times = _EARLY_TRIES
        self._looks[command.number] = _Looks(times=times, until=command.span.end)

    async def _for_good(self, now: datetime) -> int:
        """Judge commands that are over, and return how many there were."""
        until, after = now - self._rhythm.interval, now - self._rhythm.patience
        self._unmetered = {k: again for k, again in self._unmetered.items() if again > now}
        ended = await self._archive.ended(
            after - self._rhythm.interval, until, self._unmetered, _MOST_AT_ONCE
        )
        verdicts = await self._verdicts(ended, now)
        given = dict[Command, EffectVerdict]()
        for command in ended:
            verdict = verdicts[command.command]
            if verdict.reason is EffectReason.NOT_METERED and command.span.end > after:
                self._unmetered[command.number] = now + self._rhythm.interval
            else:
                given[command] = replace(verdict, time=now, final=True)
        await self._give(given)
        return len(ended)

    async def _verdicts(
        self, commands: Sequence[Command], now: datetime
    ) -> dict[CommandId, EffectVerdict]:
        found = dict[CommandId, EffectVerdict]()
        short = dict[CommandId, Gathered]()
        for name, gathered in (await self._gather(commands, now)).items():
            if isinstance(gathered, EffectReason):
                found[name] = EffectVerdict(effect=Effect.UNKNOWN, reason=gathered)
                continue
            found[name] = judge(gathered.question, gathered.evidence, self._rule)
            if found[name].effect in (Effect.PARTIAL, Effect.NONE):
                short[name] = gathered
        for name, evidence in (await self._gather.with_stores(short)).items():
            found[name] = judge(short[name].question, evidence, self._rule)
        return found

    async def _give(self, verdicts: Mapping[Command, EffectVerdict]) -> None:
        if not verdicts:
            return
        await self._archive.store({each.command: verdict for each, verdict in verdicts.items()})
        self._announce.judged([replace(each, effect=x) for each, x in verdicts.items()])
        for command, verdict in verdicts.items():
            self._observations.effect_judged(verdict)
            told = {"command": command.command.name, "device": command.device.name}
            found = {"effect": verdict.effect.value, "final": verdict.final}
            with traced(GIVE_VERDICT, turn=command.source, about={**told, **found}):
                await self._follow_up(command, verdict)
