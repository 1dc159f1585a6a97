"""Gather what meters saw around commands."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.effect_case import Case, Window, window_around
from wattmesh_control.app.effect_ports import (
    EffectArchive,
    MoveArchive,
    PowerMeter,
    PowerQuestion,
)
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.effects.asked import Asked, Reactive, Warmth, asked_of
from wattmesh_control.domain.effects.edges import edges_around, held_of
from wattmesh_control.domain.effects.evidence import Evidence, Question
from wattmesh_control.domain.effects.sources import (
    PowerPoints,
    Sources,
    reactive_sources_of,
    sources_of,
    warmth_sources_of,
)
from wattmesh_control.domain.effects.steps import Edge
from wattmesh_control.domain.effects.verdict import EffectReason, EffectRule, Standing
from wattmesh_control.domain.effects.windows import Floats
from wattmesh_control.domain.moves import Moves
from wattmesh_kernel.ids import CommandId, DeviceId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Asset, BatteryRating
from wattmesh_kernel.time import TimeRange, floor_time

_LEAST_TOLERANCE_W = 20.0
_POWERS = (
    SetpointKind.ACTIVE_POWER_W,
    SetpointKind.GENERATION_LIMIT_W,
    SetpointKind.CONSUMPTION_LIMIT_W,
    SetpointKind.REACTIVE_POWER_VAR,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What is asked, and what speaks to it; how full a store is, is asked for when it matters."""

    question: Question
    evidence: Evidence
    sources: Sources


@dataclass(frozen=True, kw_only=True, slots=True)
class _Site:
    """What is known of the sites of some commands."""

    commands: Mapping[SiteId, Sequence[Command]]
    standings: Mapping[DeviceId, Standing]


class GatherEvidence:
    """Asks metering for the series of the meters around commands, for all commands at once."""

    def __init__(
        self,
        *,
        devices: Devices,
        meter: PowerMeter,
        archive: EffectArchive,
        moves: MoveArchive,
        rule: EffectRule,
    ) -> None:
        self._devices = devices
        self._meter = meter
        self._archive = archive
        self._moves = moves
        self._rule = rule

    async def __call__(
        self, commands: Sequence[Command], now: datetime
    ) -> dict[CommandId, Gathered | EffectReason]:
        """Return the evidence of each, or why there is none. Error: Unavailable."""
        overruled = await self._archive.overruled([each.command for each in commands])
        moves = await self._moves.moves(overruled)
        islands = await self._archive.islanded(self._microgrids(commands, now))
        found: dict[CommandId, Gathered | EffectReason] = {}
        cases = list[Case]()
        for command in commands:
            known = moves.get(command.command)
            lost = known is None and command.command in overruled
            case = EffectReason.OVERRULED if lost else self._case(command, now, known)
            if isinstance(case, Case) and case.hidden(islands):
                case = EffectReason.ISLANDED
            if isinstance(case, Case):
                cases.append(case)
            else:
                found[command.command] = case
        return found | await self._evidence(cases, now)

    async def with_stores(
        self, gathered: Mapping[CommandId, Gathered]
    ) -> dict[CommandId, Evidence]:
        """Return the evidence, of batteries with how full they were at the end."""
        asked = {name: _store_question(each) for name, each in gathered.items()}
        answers = await self._ask(each for each in asked.values() if each is not None)
        evidence = dict[CommandId, Evidence]()
        for name, each in gathered.items():
            question = asked[name]
            series = None if question is None else answers.get(question)
            known = series is not None and bool(np.isfinite(series.values[-1]))
            soc_ratio = float(series.values[-1]) if series is not None and known else None
            evidence[name] = replace(each.evidence, soc_ratio=soc_ratio)
        return evidence

    def _microgrids(self, commands: Sequence[Command], now: datetime) -> dict[SiteId, TimeRange]:
        """Return since when there are commands of the sites that may be islands."""
        found = dict[SiteId, TimeRange]()
        for each in commands:
            site = self._devices.model.sites.get(each.device.site)
            if site is None or site.microgrid is None:
                continue
            sent = held_of(each, now).sent
            before = found.get(site.id)
            start = sent if before is None else min(sent, before.start)
            found[site.id] = TimeRange(start, max(now, start))
        return found

    def _case(self, command: Command, now: datetime, moves: Moves | None) -> Case | EffectReason:
        model, target = self._devices.model, command.target
        asset = None if target is None else model.assets.get(target.asset)
        if asset is None:
            return EffectReason.NO_METER
        question = self._question(command, asset, now)
        if question is None:
            return EffectReason.KIND_NOT_METERED
        if moves is not None and isinstance(question.asked, Warmth | Reactive):
            return EffectReason.OVERRULED
        longest = self._rule.longest_grid_interval
        at = question.held.acknowledged
        if isinstance(question.asked, Warmth):
            sources = warmth_sources_of(model, command.device, asset.id, at)
        elif isinstance(question.asked, Reactive):
            sources = reactive_sources_of(model, command.device, asset.id, at)
        else:
            sources = sources_of(model, command.device, asset.id, at, longest)
        if sources.own is None and sources.other is None and sources.grid is None:
            return EffectReason.NO_METER
        return Case(
            command=command,
            question=question,
            moves=moves,
            sources=sources,
            own=window_around(question, [sources.own, sources.other, sources.plant], now),
            grid=window_around(question, [sources.grid, sources.own], now),
        )

    def _question(self, command: Command, asset: Asset, now: datetime) -> Question | None:
        asked = asked_of(command.kind, command.value, asset.rating, asset.phase.count)
        if asked is None:
            return None
        own_w = command.tolerance if command.kind in _POWERS else 0.0
        asked_w = _size(asked)
        ratio_w = self._rule.tolerance_ratio * abs(asked_w)
        return Question(
            held=held_of(command, now),
            asked=asked,
            tolerance_w=max(own_w, ratio_w, _LEAST_TOLERANCE_W),
            rating=asset.rating,
        )

    async def _evidence(
        self, cases: Sequence[Case], now: datetime
    ) -> dict[CommandId, Gathered | EffectReason]:
        """Ask the asset's meters, and the site's where no other meter measures the asset."""
        alone = [each for each in cases if each.sources.other is None]
        answers = await self._ask(
            question
            for group, about in ((cases, Case.about_asset), (alone, Case.about_site))
            for each in group
            for question in about(each)
        )
        silent = [
            each
            for each in cases
            if (other := each.sources.other) is not None and answers.get(each.own.of(other)) is None
        ]
        answers |= await self._ask(x for each in silent for x in each.about_site())
        site = await self._site([each for each in (*alone, *silent) if any(each.about_site())], now)
        return {
            each.command.command: Gathered(
                question=each.question,
                evidence=self._evidence_of(each, answers, site),
                sources=each.sources,
            )
            for each in cases
        }

    async def _ask(self, questions: Iterable[PowerQuestion]) -> dict[PowerQuestion, Series | None]:
        asked = dict.fromkeys(questions)
        return await self._meter.powers_w(asked) if asked else {}

    async def _site(self, cases: Sequence[Case], now: datetime) -> _Site:
        spans = defaultdict[SiteId, list[TimeRange]](list)
        for each in cases:
            spans[each.command.device.site].append(each.grid.span)
        commands = await self._archive.around(
            {
                site: TimeRange(min(x.start for x in found), max(x.end for x in found))
                for site, found in spans.items()
            }
        )
        devices = {each.command.device for each in cases}
        since = now - self._rule.vouching
        standings = await self._archive.standings(devices, since)
        return _Site(commands=commands, standings=standings)

    def _evidence_of(
        self, case: Case, answers: Mapping[PowerQuestion, Series | None], site: _Site
    ) -> Evidence:
        sources, held = case.sources, case.question.held

        def answer(points: PowerPoints | None, window: Window) -> Series | None:
            return None if points is None else answers.get(window.of(points))

        begin = Edge(device=case.command.device, begin=held.sent, end=held.acknowledged)
        own, other = answer(sources.own, case.own), answer(sources.other, case.own)
        plant = answer(sources.plant, case.own)
        evidence = Evidence(own=own, other=other, plant=plant, begin=begin, moves=case.moves)
        grid = answer(sources.grid, case.grid)
        if grid is None or other is not None:
            return evidence
        meters = [each for each in (sources.own, *sources.known) if each is not None]
        series = {each.device: answer(each, case.grid) for each in meters}
        return self._with_grid(evidence, case, grid, _known(series), site)

    def _with_grid(
        self,
        evidence: Evidence,
        case: Case,
        grid: Series,
        series: Mapping[DeviceId, Series],
        site: _Site,
    ) -> Evidence:
        command, span = case.command, case.grid.span
        around = [
            each
            for each in site.commands.get(command.device.site, ())
            if each.span.start < span.end and each.span.end > span.start
        ]
        edges = edges_around(command, around, self._rule.settling)
        steered = {each.device for each in edges.every}
        return replace(
            evidence,
            grid=_less(grid, [each for device, each in series.items() if device not in steered]),
            begin=edges.begin,
            finish=edges.finish,
            edges=edges.every,
            claims={device: each for device, each in series.items() if device in steered},
            told_w=edges.told_w,
            standing=site.standings.get(command.device, Standing.UNTRIED),
        )


def _size(asked: Asked | Warmth | Reactive) -> float:
    """Return how much is asked for [W], or [var]; a temperature has a band of its own."""
    match asked:
        case Warmth():
            return 0.0
        case Reactive(power_var):
            return power_var
        case _:
            return asked.power_w


def _known(series: Mapping[DeviceId, Series | None]) -> dict[DeviceId, Series]:
    return {device: each for device, each in series.items() if each is not None}


def _store_question(gathered: Gathered) -> PowerQuestion | None:
    """Return what is asked about the charge of a battery at a command's end."""
    sources, question = gathered.sources, gathered.question
    own = sources.own
    if sources.stored is None or own is None or not isinstance(question.rating, BatteryRating):
        return None
    end = floor_time(question.held.end, own.interval)
    return PowerQuestion(
        points=PowerPoints(device=own.device, interval=own.interval, power=sources.stored),
        span=TimeRange(end - own.interval, end),
        resolution=own.interval,
    )


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
