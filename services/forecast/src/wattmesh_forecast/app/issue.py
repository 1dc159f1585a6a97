"""Issuing forecasts: ask the models, or the seasonal forecast when they cannot be asked.

Every asset gets its own forecast or its own reason: what is wrong with one costs that one.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.ports import ForecastStore, ModelServer, ModelUnavailable, Observations
from wattmesh_forecast.domain.features import concatenated
from wattmesh_forecast.domain.forecast import Forecast, model_source
from wattmesh_forecast.domain.hours import AssetHours
from wattmesh_forecast.domain.intervals import on_intervals
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.outcome import Issued, NotForecast, Outcome, Reason
from wattmesh_forecast.domain.questions import (
    Question,
    Reply,
    groups,
    model_inputs,
    model_replies,
    question,
    seasonal_replies,
)
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId
from wattmesh_runtime.aio.tasks import together

log = logging.getLogger(__name__)

Group = Sequence[Question]
Answered = Sequence[Reply | NotForecast]
T = TypeVar("T")


class IssueForecasts:
    """Issues, stores and returns forecasts."""

    def __init__(
        self,
        *,
        sites: FollowedSites,
        past: Past,
        models: ModelServer,
        store: ForecastStore,
        clock: Clock,
        observations: Observations,
    ) -> None:
        self._sites = sites
        self._past = past
        self._models = models
        self._store = store
        self._clock = clock
        self._observations = observations

    async def __call__(self, wanted: Wanted) -> list[Outcome]:
        """Return what becomes of each asset, in the order asked.

        Errors: InvalidArgument for the range; Unavailable while nothing can be stored, or nothing
        is known of any site.
        """
        now = self._clock.now()
        wanted.check_time(now)
        answers = await self._answers(wanted, now)
        outcomes = [_outcome(answers[asset], wanted, now) for asset in wanted.assets]
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
            suits = each.subject.suits_model and not self._models.is_away(kind)
            (by_model if suits else others).append(each)
        answers = await self._by_model(kind, by_model, wanted) if by_model else []
        return [*answers, *(await _seasonal(kind, others, wanted) if others else [])]

    async def _by_model(self, kind: Kind, questions: Group, wanted: Wanted) -> Answered:
        asking = partial(model_inputs, kind, wanted=wanted)
        asked, failed = await asyncio.to_thread(_of_groups, asking, questions)
        if not asked:
            return failed
        inputs = concatenated([each for _, each in asked])
        try:
            said = await self._models.predict(kind.value, inputs)
        except ModelUnavailable:
            return await _seasonal(kind, questions, wanted)
        order = [each for group, _ in asked for each in group]
        source = model_source(kind.value, said.version)
        return [*model_replies(kind, order, inputs, said.quantiles, source, wanted), *failed]


async def _seasonal(kind: Kind, questions: Group, wanted: Wanted) -> Answered:
    replying = partial(seasonal_replies, kind, wanted=wanted)
    replies, failed = await asyncio.to_thread(_of_groups, replying, questions)
    return [*(reply for _, some in replies for reply in some), *failed]


def _of_groups(
    work: Callable[[Group], T], questions: Group
) -> tuple[list[tuple[Group, T]], list[NotForecast]]:
    """Do the work group by group; of one that fails, question by question."""
    done: list[tuple[Group, T]] = []
    failed: list[NotForecast] = []
    waiting: list[Group] = list(groups(questions))
    while waiting:
        group = waiting.pop(0)
        try:
            done.append((group, work(group)))
        except Exception:
            waiting += [[each] for each in group] if len(group) > 1 else []
            failed += [_failed(each) for each in group] if len(group) == 1 else []
    return done, failed


def _failed(asked: Question) -> NotForecast:
    """Log the exception that is being handled, and say that the asset has no forecast."""
    asset = asked.subject.asset
    log.exception("%s cannot be forecast", asset.name)
    return NotForecast(
        asset=asset, reason=Reason.INTERNAL, message=f"the forecast of {asset.name} failed"
    )


def _asked(
    subject: Subject, hours: AssetHours | NotForecast, wanted: Wanted
) -> Question | Reply | NotForecast:
    return hours if isinstance(hours, NotForecast) else question(subject, hours, wanted)


def _by_kind(questions: Group) -> list[tuple[Kind, list[Question]]]:
    kinds = sorted({each.subject.kind for each in questions})
    return [(kind, [q for q in questions if q.subject.kind is kind]) for kind in kinds]


def _asset(answer: Reply | NotForecast) -> AssetId:
    return answer.asset if isinstance(answer, NotForecast) else answer.subject.asset


def _outcome(answer: Reply | NotForecast, wanted: Wanted, now: datetime) -> Outcome:
    if isinstance(answer, NotForecast):
        return answer
    asset = answer.subject.asset
    power_w = on_intervals(answer.power_w, answer.first, wanted.span, wanted.resolution)
    forecast = Forecast(
        name=f"{asset.name}/forecasts/{now:%Y%m%dt%H%M%Sz}-{secrets.token_hex(4)}",
        asset=asset,
        kind=answer.subject.kind,
        issue_time=now,
        source=answer.source,
        start=wanted.span.start,
        resolution=wanted.resolution,
        ratios=wanted.ratios,
        power_w=power_w.T,
        last_measured=answer.last_measured,
    )
    return Issued(forecast=forecast)
