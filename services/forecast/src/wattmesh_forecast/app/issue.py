"""Issuing forecasts: ask the models, or the seasonal forecast when they cannot be asked.

Every asset gets its own forecast or its own reason: what is wrong with one costs that one.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from wattmesh_forecast.app.ask_models import Believed, ask_model
from wattmesh_forecast.app.failures import failed
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.ports import (
    ForecastStore,
    ModelServer,
    ModelUnavailable,
    Observations,
    VersionLabels,
)
from wattmesh_forecast.domain.conformal import Stretch, stretched
from wattmesh_forecast.domain.doubt import Refusal
from wattmesh_forecast.domain.forecast import Forecast, model_source
from wattmesh_forecast.domain.hours import AssetHours
from wattmesh_forecast.domain.intervals import on_intervals
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.outcome import Issued, NotForecast, Outcome
from wattmesh_forecast.domain.questions import (
    ModelAsked,
    ModelSaid,
    Question,
    Reply,
    groups,
    model_asked,
    model_replies,
    question,
    seasonal_replies,
)
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_forecast.domain.trial_memory import TrialMemory
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId
from wattmesh_runtime.aio.tasks import together

Group = Sequence[Question]
Answered = Sequence[Reply | NotForecast]
T = TypeVar("T")
_Answer = tuple[int, Question, Believed]
"""What is believed of the question at a place."""
_TOKEN_BYTES = 4


class Stretches(Protocol):
    """By how much the bands of a model are to be wider or narrower for an asset."""

    def stretch(self, subject: Subject, version: int) -> Stretch:
        """Return what is known of an asset under a version of its model."""


class IssueForecasts:
    """Issues, stores and returns forecasts."""

    def __init__(
        self,
        *,
        sites: FollowedSites,
        past: Past,
        models: ModelServer,
        stretches: Stretches,
        labels: VersionLabels,
        store: ForecastStore,
        clock: Clock,
        observations: Observations,
    ) -> None:
        self._sites = sites
        self._past = past
        self._models = models
        self._stretches = stretches
        self._labels = labels
        self._store = store
        self._clock = clock
        self._observations = observations
        self._memory = TrialMemory()

    async def __call__(self, wanted: Wanted) -> list[Outcome]:
        """Return what becomes of each asset, in the order asked.

        Errors: InvalidArgument for the range; Unavailable while nothing can be stored, or nothing
        is known of any site.
        """
        now = self._clock.now()
        wanted.check_time(now)
        answers = await self._answers(wanted, now)
        segments = _segments(now, len(wanted.assets))
        outcomes = [
            _outcome(answers[asset], wanted, now, segment)
            for asset, segment in zip(wanted.assets, segments, strict=True)
        ]
        await self._store.add([each.forecast for each in outcomes if isinstance(each, Issued)])
        self._observations.answered(outcomes)
        return outcomes

    async def _answers(self, wanted: Wanted, now: datetime) -> dict[AssetId, Reply | NotForecast]:
        known = [self._sites.subject(asset) for asset in wanted.assets]
        subjects = [each for each in known if isinstance(each, Subject)]
        past = await self._past.until(subjects, now, wanted.span.end)
        asked = [_asked(each, past[each.asset], wanted) for each in subjects]
        questions = [each for each in asked if isinstance(each, Question)]
        answers: list[Reply | NotForecast] = [e for e in known if isinstance(e, NotForecast)]
        answers += [each for each in asked if not isinstance(each, Question)]
        # Beside each other: a model server that is away is waited for once, not once per kind.
        by_kind = await together(
            *(self._of_kind(kind, same, wanted) for kind, same in _by_kind(questions))
        )
        answers += [each for some in by_kind for each in some]
        return {_asset(each): each for each in answers}

    async def _of_kind(self, kind: Kind, questions: Group, wanted: Wanted) -> Answered:
        by_model, others = list[Question](), list[Question]()
        for each in questions:
            (by_model if each.for_model else others).append(each)
        answers = list(await _seasonal(kind, others, wanted)) if others else []
        if by_model and self._models.is_away(kind):
            answers += await _seasonal(kind, by_model, wanted, Refusal.UNAVAILABLE)
        elif by_model:
            answers += await self._by_model(kind, by_model, wanted)
        return answers

    async def _by_model(self, kind: Kind, questions: Group, wanted: Wanted) -> Answered:
        asking = partial(model_asked, kind, memory=self._memory)
        asked, failures = await asyncio.to_thread(_of_groups, asking, questions)
        if not asked:
            return failures
        put = ModelAsked.concatenated([each for _, each in asked])
        order = [each for group, _ in asked for each in group]
        try:
            ratings = [each.subject.most_w for each in order]
            versions = self._versions(kind, order)
            said = await ask_model(self._models, kind, put.asked, ratings, versions)
        except ModelUnavailable:
            return [*await _seasonal(kind, order, wanted, Refusal.UNAVAILABLE), *failures]
        believed, refused = self._sorted_out(order, said)
        answers: list[Reply | NotForecast] = [*failures]
        answers += model_replies(kind, put, believed, wanted)
        for why, some in refused.items():
            answers += await _seasonal(kind, some, wanted, why)
        return answers

    def _versions(self, kind: Kind, order: Group) -> list[int | None] | None:
        labels = self._labels.labels(kind.value)
        if labels is None or not labels.canary:
            return None
        return [labels.version_for(each.subject.asset) for each in order]

    def _sorted_out(
        self, order: Group, said: Sequence[Believed | Refusal]
    ) -> tuple[list[ModelSaid], dict[Refusal, list[Question]]]:
        """Return what is believed, stretched, and what is asked elsewhere, by why."""
        believed, refused = list[_Answer](), defaultdict[Refusal, list[Question]](list)
        for number, (each, answer) in enumerate(zip(order, said, strict=True)):
            if isinstance(answer, Refusal):
                refused[answer].append(each)
            else:
                believed.append((number, each, answer))
        return self._stretched(believed), refused

    def _stretched(self, answers: Sequence[_Answer]) -> list[ModelSaid]:
        if not answers:
            return []
        quantiles = stretched(
            [self._stretches.stretch(each.subject, said.version) for _, each, said in answers],
            np.stack([said.quantiles for _, _, said in answers]),
            np.stack([each.local_hours for _, each, _ in answers]),
            np.stack([each.leads for _, each, _ in answers]),
        )
        return [
            ModelSaid(
                question=each,
                number=number,
                source=model_source(each.subject.kind.value, said.version),
                quantiles=of_asset,
            )
            for (number, each, said), of_asset in zip(answers, quantiles, strict=True)
        ]


async def _seasonal(
    kind: Kind, questions: Group, wanted: Wanted, instead_of: Refusal | None = None
) -> Answered:
    replying = partial(seasonal_replies, kind, wanted=wanted, instead_of=instead_of)
    replies, failures = await asyncio.to_thread(_of_groups, replying, questions)
    return [*(reply for _, some in replies for reply in some), *failures]


def _of_groups(
    work: Callable[[Group], T], questions: Group
) -> tuple[list[tuple[Group, T]], list[NotForecast]]:
    """Do the work group by group; of one that fails, question by question."""
    done: list[tuple[Group, T]] = []
    failures: list[NotForecast] = []
    waiting: list[Group] = list(groups(questions))
    while waiting:
        group = waiting.pop(0)
        try:
            done.append((group, work(group)))
        except Exception:
            waiting += [[each] for each in group] if len(group) > 1 else []
            failures += [failed(each.subject.asset) for each in group] if len(group) == 1 else []
    return done, failures


def _asked(
    subject: Subject, hours: AssetHours | NotForecast, wanted: Wanted
) -> Question | Reply | NotForecast:
    return hours if isinstance(hours, NotForecast) else question(subject, hours, wanted)


def _by_kind(questions: Group) -> list[tuple[Kind, list[Question]]]:
    """Return questions by kind, and by their hours: a model is asked as many of each."""
    alike: defaultdict[tuple[Kind, int], list[Question]] = defaultdict(list)
    for each in questions:
        alike[each.subject.kind, each.targets.start].append(each)
    return [(kind, alike[kind, start]) for kind, start in sorted(alike)]


def _asset(answer: Reply | NotForecast) -> AssetId:
    return answer.asset if isinstance(answer, NotForecast) else answer.subject.asset


def _segments(now: datetime, count: int) -> list[str]:
    """Return so many last segments of names."""
    size, moment = 2 * _TOKEN_BYTES, f"{now:%Y%m%dt%H%M%Sz}"
    digits = secrets.token_hex(_TOKEN_BYTES * count)
    return [f"{moment}-{digits[at : at + size]}" for at in range(0, len(digits), size)]


def _outcome(answer: Reply | NotForecast, wanted: Wanted, now: datetime, segment: str) -> Outcome:
    if isinstance(answer, NotForecast):
        return answer
    asset = answer.subject.asset
    power_w = on_intervals(answer.power_w, answer.first, wanted.span, wanted.resolution)
    forecast = Forecast(
        name=f"{asset.name}/forecasts/{segment}",
        asset=asset,
        kind=answer.subject.kind,
        issue_time=now,
        source=answer.source,
        start=wanted.span.start,
        resolution=wanted.resolution,
        ratios=wanted.ratios,
        power_w=power_w.T,
        last_measured=answer.last_measured,
        findings=answer.findings,
        refusal=answer.instead_of,
    )
    return Issued(forecast=forecast)
