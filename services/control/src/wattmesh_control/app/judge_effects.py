"""Find out at the meters whether what was commanded has happened.

A command is looked at twice: soon after its acknowledgement, so that something can still be done
about one that is amiss, and once its range is over and metered. Good news is only given then.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from wattmesh_control.app.announce import Announce
from wattmesh_control.app.effect_ports import EffectArchive
from wattmesh_control.app.gather_evidence import GatherEvidence
from wattmesh_control.app.ports import Observations
from wattmesh_control.app.shards import Shards
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
        self._tries: dict[CommandId, int] = {}
        self._unmetered: dict[CommandId, datetime] = {}

    async def __call__(self) -> None:
        """Run for ever."""
        loss = LossLog(log, "what metering says of verdicts")
        least = timedelta(seconds=_LEAST_LOOK_SECONDS * self._clock.rate)
        while True:
            await self._clock.sleep(max(self._rhythm.look, least))
            if not self._shards.holds_orphans():
                continue
            try:
                await self.look()
                loss.back()
            except WattmeshError as error:
                loss.lost(error)

    async def look(self) -> None:
        """Judge what can be judged now. Error: Unavailable when database or metering is away."""
        now = self._clock.now()
        self._gather.look_anew()
        await self._soon(now)
        await self._for_good(now)
        amiss = await self._archive.amiss(now - self._rhythm.patience)
        self._observations.devices_amiss(len(amiss))

    async def _soon(self, now: datetime) -> None:
        waited = max(self._rule.settling, _SOON_AFTER)
        running = await self._archive.running(now - waited, _MOST_AT_ONCE)
        names = {each.command for each in running}
        self._tries = {name: count for name, count in self._tries.items() if name in names}
        for command in running:
            if self._tries.get(command.command, 0) < _EARLY_TRIES:
                await self._judge_soon(command, now)

    async def _judge_soon(self, command: Command, now: datetime) -> None:
        verdict = await self._verdict(command, now)
        if verdict.reason is EffectReason.TOO_SHORT:
            return
        self._tries[command.command] = self._tries.get(command.command, 0) + 1
        if verdict.effect in _SOON:
            await self._give(command, replace(verdict, time=now))

    async def _for_good(self, now: datetime) -> None:
        until, after = now - self._rhythm.interval, now - self._rhythm.patience
        ended = await self._archive.ended(after - self._rhythm.interval, until, _MOST_AT_ONCE)
        names = {each.command for each in ended}
        self._unmetered = {k: again for k, again in self._unmetered.items() if k in names}
        for command in ended:
            if self._unmetered.get(command.command, now) <= now:
                await self._judge_for_good(command, now, last_try=command.span.end <= after)

    async def _judge_for_good(self, command: Command, now: datetime, *, last_try: bool) -> None:
        verdict = await self._verdict(command, now)
        if verdict.reason is EffectReason.NOT_METERED and not last_try:
            self._unmetered[command.command] = now + self._rhythm.interval
            return
        await self._give(command, replace(verdict, time=now, final=True))

    async def _verdict(self, command: Command, now: datetime) -> EffectVerdict:
        gathered = await self._gather(command, now)
        if isinstance(gathered, EffectReason):
            return EffectVerdict(effect=Effect.UNKNOWN, reason=gathered)
        verdict = judge(gathered.question, gathered.evidence, self._rule)
        if verdict.effect in (Effect.PARTIAL, Effect.NONE):
            evidence = await self._gather.with_store(gathered)
            verdict = judge(gathered.question, evidence, self._rule)
        return verdict

    async def _give(self, command: Command, verdict: EffectVerdict) -> None:
        await self._archive.store({command.command: verdict})
        self._observations.effect_judged(verdict)
        self._announce.judged([replace(command, effect=verdict)])
        await self._follow_up(command, verdict)
