"""Issuing forecasts: ask the models, or the seasonal forecast when they cannot be asked."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.app.past import Past, read_sites
from wattmesh_forecast.app.ports import (
    Answer,
    ForecastStore,
    ModelServer,
    ModelUnavailable,
    Observations,
    SiteDirectory,
)
from wattmesh_forecast.domain.features import ModelInput, concatenated, model_input
from wattmesh_forecast.domain.forecast import SEASONAL, Forecast, model_source
from wattmesh_forecast.domain.hours import HOUR, AssetHours, Floats, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.quantiles import (
    DEFAULT_RATIOS,
    at_ratios,
    magnitude_ratios,
    signed,
)
from wattmesh_forecast.domain.seasonal import seasonal_quantiles
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, ceil_time
from wattmesh_runtime.aio.tasks import together

SHORTEST_PAST = timedelta(days=1)
"""Less than this is nothing to learn from."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Question:
    """An asset with what is known of it, and the hours it is asked about."""

    asset: AssetId
    kind: Kind
    hours: AssetHours
    rows: Rows


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Reply:
    """Quantiles of power (n, ratios) over the hours asked about, and who gave them."""

    power_w: Floats
    source: str


class IssueForecasts:
    """Issues, stores and returns forecasts."""

    def __init__(
        self,
        *,
        sites: SiteDirectory,
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

    async def __call__(self, wanted: Wanted) -> list[Forecast]:
        """Return one forecast per asset, in the order asked.

        Errors: InvalidArgument, NotFound for an asset, FailedPrecondition for one without a past.
        """
        now = self._clock.now()
        wanted.check_time(now)
        questions = await self._questions(wanted, now)
        replies: dict[AssetId, _Reply] = {}
        # Beside each other: a model server that is away is waited for once, not once per kind.
        for some in await together(
            *(self._replies(kind, same, wanted.ratios) for kind, same in _by_kind(questions))
        ):
            replies |= some
        forecasts = [_forecast(q, replies[q.asset], wanted, now) for q in questions]
        await self._store.add(forecasts)
        self._observations.issued(forecasts)
        return forecasts

    async def _questions(self, wanted: Wanted, now: datetime) -> list[_Question]:
        sites = await read_sites(self._sites, wanted.assets)
        kinds = {asset: sites[asset.site].kind_of(asset) for asset in wanted.assets}
        past = await self._past.until(wanted.assets, sites, now, wanted.span.end)
        return [_question(a, kinds[a], past[a], wanted.span) for a in wanted.assets]

    async def _replies(
        self, kind: Kind, questions: Sequence[_Question], ratios: Sequence[float]
    ) -> Mapping[AssetId, _Reply]:
        asked = await asyncio.to_thread(_model_inputs, questions)
        try:
            answer = await self._models.predict(kind.value, concatenated(asked))
        except ModelUnavailable:
            return await asyncio.to_thread(_seasonal_replies, questions, ratios)
        return _model_replies(questions, asked, answer, ratios)


def _question(asset: AssetId, kind: Kind, hours: AssetHours, span: TimeRange) -> _Question:
    last = hours.last_known()
    if last is None or int(np.isfinite(hours.power_w).sum()) * HOUR < SHORTEST_PAST:
        raise FailedPrecondition(
            "NO_HISTORY", f"{asset.name} has less than {SHORTEST_PAST} of readings to learn from"
        )
    first, end = hours.index(span.start), hours.index(ceil_time(span.end, HOUR))
    # The interval that is running may begin in an hour that is complete.
    rows = Rows.ahead(min(last, first - 1), range(first, end))
    return _Question(asset=asset, kind=kind, hours=hours, rows=rows)


def _by_kind(questions: Sequence[_Question]) -> list[tuple[Kind, list[_Question]]]:
    kinds = sorted({question.kind for question in questions})
    return [(kind, [q for q in questions if q.kind is kind]) for kind in kinds]


def _model_inputs(questions: Sequence[_Question]) -> list[ModelInput]:
    return [model_input(q.kind, q.hours, q.rows) for q in questions]


def _model_replies(
    questions: Sequence[_Question],
    asked: Sequence[ModelInput],
    answer: Answer,
    ratios: Sequence[float],
) -> dict[AssetId, _Reply]:
    ends = np.cumsum([len(part) for part in asked])[:-1]
    source = model_source(questions[0].kind.value, answer.version)
    replies: dict[AssetId, _Reply] = {}
    for question, part, said in zip(
        questions, asked, np.split(answer.quantiles, ends), strict=True
    ):
        wanted = magnitude_ratios(question.kind, ratios)
        magnitudes = at_ratios(DEFAULT_RATIOS, said * part.scale_w[:, None], wanted)
        magnitudes[part.reach[:, 0] <= 0] = 0.0
        power = signed(question.kind, magnitudes)
        replies[question.asset] = _Reply(power_w=power, source=source)
    return replies


def _seasonal_replies(
    questions: Sequence[_Question], ratios: Sequence[float]
) -> dict[AssetId, _Reply]:
    replies: dict[AssetId, _Reply] = {}
    for q in questions:
        magnitudes = seasonal_quantiles(q.kind, q.hours, q.rows, magnitude_ratios(q.kind, ratios))
        replies[q.asset] = _Reply(power_w=signed(q.kind, magnitudes), source=SEASONAL)
    return replies


def _forecast(question: _Question, reply: _Reply, wanted: Wanted, now: datetime) -> Forecast:
    first = question.hours.start + int(question.rows.target[0]) * HOUR
    per_ratio = [
        Series(first, HOUR, values).to_resolution(wanted.resolution).window(wanted.span).values
        for values in reply.power_w.T
    ]
    return Forecast(
        name=f"{question.asset.name}/forecasts/{now:%Y%m%dt%H%M%Sz}-{secrets.token_hex(4)}",
        asset=question.asset,
        kind=question.kind,
        issue_time=now,
        source=reply.source,
        start=wanted.span.start,
        resolution=wanted.resolution,
        ratios=wanted.ratios,
        power_w=np.array(per_ratio),
    )
