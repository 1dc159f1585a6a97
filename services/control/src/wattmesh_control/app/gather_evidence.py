"""Gather what meters saw around one command."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.effect_ports import EffectArchive, PowerMeter
from wattmesh_control.app.remembered_power import RememberedPower
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.effects.asked import asked_of
from wattmesh_control.domain.effects.edges import edges_around, held_of
from wattmesh_control.domain.effects.judge import Evidence, Question
from wattmesh_control.domain.effects.sources import PowerPoints, Sources, sources_of
from wattmesh_control.domain.effects.steps import Edge
from wattmesh_control.domain.effects.verdict import EffectReason, EffectRule
from wattmesh_control.domain.effects.windows import Floats
from wattmesh_kernel.series import Series
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import BatteryRating, Rating
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time
from wattmesh_runtime.aio.tasks import map_at_most

_HABIT_INTERVALS = 240
"""So many intervals before a command say what meter and site do by themselves."""
_LONGEST_HABIT = timedelta(days=2)
_AFTER_INTERVALS = 14
_AT_ONCE = 8
_LEAST_TOLERANCE_W = 20.0
_POWERS = (
    SetpointKind.ACTIVE_POWER_W,
    SetpointKind.GENERATION_LIMIT_W,
    SetpointKind.CONSUMPTION_LIMIT_W,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What is asked, and what speaks to it; `stored` is asked for only when it matters."""

    question: Question
    evidence: Evidence
    sources: Sources


class GatherEvidence:
    """Asks metering for the series of the meters around a command."""

    def __init__(
        self, *, devices: Devices, meter: PowerMeter, archive: EffectArchive, rule: EffectRule
    ) -> None:
        self._devices = devices
        self._meter = RememberedPower(meter)
        self._archive = archive
        self._rule = rule

    def look_anew(self) -> None:
        """Ask metering again for what it has said so far."""
        self._meter.forget()

    async def __call__(self, command: Command, now: datetime) -> Gathered | EffectReason:
        """Return the evidence, or why there is none. Error: Unavailable."""
        model, target = self._devices.model, command.target
        asset = None if target is None else model.assets.get(target.asset)
        if asset is None:
            return EffectReason.NO_METER
        question = self._question(command, asset.rating, now)
        if question is None:
            return EffectReason.KIND_NOT_METERED
        if await self._archive.overruled(command.command):
            return EffectReason.OVERRULED
        longest = self._rule.longest_grid_interval
        at = question.held.acknowledged
        sources = sources_of(model, command.device, asset.id, at, longest)
        if sources.own is None and sources.other is None and sources.grid is None:
            return EffectReason.NO_METER
        evidence = await self._evidence(command, question, sources, now)
        return Gathered(question=question, evidence=evidence, sources=sources)

    async def with_store(self, gathered: Gathered) -> Evidence:
        """Return the evidence with how full the battery was at the end."""
        sources, question = gathered.sources, gathered.question
        own = sources.own
        if sources.stored is None or own is None:
            return gathered.evidence
        if not isinstance(question.rating, BatteryRating):
            return gathered.evidence
        end = floor_time(question.held.end, own.interval)
        span = TimeRange(end - own.interval, end)
        soc_ratio = await self._meter.last(sources.stored, span)
        return replace(gathered.evidence, soc_ratio=soc_ratio)

    def _question(self, command: Command, rating: Rating, now: datetime) -> Question | None:
        asked = asked_of(command.kind, command.value, rating)
        if asked is None:
            return None
        own_w = command.tolerance if command.kind in _POWERS else 0.0
        ratio_w = self._rule.tolerance_ratio * abs(asked.power_w)
        return Question(
            held=held_of(command, now),
            asked=asked,
            tolerance_w=max(own_w, ratio_w, _LEAST_TOLERANCE_W),
            rating=rating,
        )

    async def _evidence(
        self, command: Command, question: Question, sources: Sources, now: datetime
    ) -> Evidence:
        window = _window(question, [sources.own, sources.other], now)
        own, other = await map_at_most(
            _AT_ONCE, lambda x: self._series(x, window), (sources.own, sources.other)
        )
        held = question.held
        begin = Edge(device=command.device, begin=held.sent, end=held.acknowledged)
        evidence = Evidence(own=own, other=other, begin=begin)
        if sources.grid is None or other is not None:
            return evidence
        return await self._with_grid(evidence, command, question, sources, now)

    async def _with_grid(
        self,
        evidence: Evidence,
        command: Command,
        question: Question,
        sources: Sources,
        now: datetime,
    ) -> Evidence:
        window = _window(question, [sources.grid, sources.own], now)
        commands = await self._archive.around(command.device.site, window.span)
        edges = edges_around(command, commands, self._rule.settling)
        steered = {each.device for each in edges.every}
        wanted = [x for x in (sources.grid, sources.own, *sources.known) if x is not None]
        found = await map_at_most(_AT_ONCE, lambda x: self._series(x, window), wanted)
        series = {x.device: each for x, each in zip(wanted, found, strict=True) if each is not None}
        grid = series.pop(sources.grid.device, None) if sources.grid else None
        if grid is None:
            return evidence
        since = now - self._rule.vouching
        return replace(
            evidence,
            grid=_less(grid, [each for device, each in series.items() if device not in steered]),
            begin=edges.begin,
            finish=edges.finish,
            edges=edges.every,
            claims={device: each for device, each in series.items() if device in steered},
            told_w=edges.told_w,
            vouched=await self._archive.vouched(command.device, since),
        )

    async def _series(self, points: PowerPoints | None, window: "_Window") -> Series | None:
        if points is None or window.span.empty:
            return None
        return await self._meter.power_w(points, window.span, window.resolution)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Window:
    """What is asked of meters at once: the habits before, the command, and a little after."""

    span: TimeRange
    resolution: timedelta


def _window(question: Question, meters: Iterable[PowerPoints | None], now: datetime) -> _Window:
    resolution = max((x.interval for x in meters if x is not None), default=timedelta(minutes=1))
    held = question.held
    habit = min(_HABIT_INTERVALS * resolution, _LONGEST_HABIT)
    start = floor_time(held.sent - habit, resolution)
    end = ceil_time(held.end + _AFTER_INTERVALS * resolution, resolution)
    end = max(min(end, floor_time(now, resolution)), start)
    return _Window(span=TimeRange(start, end), resolution=resolution)


def _less(grid: Series, known: list[Series]) -> Series:
    """Return the grid's power less that of devices that nobody steers, if that makes it quieter."""
    rest = grid.values.copy()
    for each in known:
        if np.isfinite(each.values).mean() > 0.99:
            rest = rest - each.values
    quieter = _restless(rest) < _restless(grid.values)
    return grid.with_values(rest) if quieter else grid


def _restless(values: Floats) -> float:
    moves = np.abs(np.diff(values))
    known = moves[np.isfinite(moves)]
    return float(np.mean(known)) if known.size else float("inf")
