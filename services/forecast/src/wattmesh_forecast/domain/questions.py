"""Questions about assets, and how they are put together so that they are answered at once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_forecast.domain.assumed import assumed_quantiles
from wattmesh_forecast.domain.features import Float32s, ModelInput, model_input
from wattmesh_forecast.domain.forecast import ASSUMED, SEASONAL
from wattmesh_forecast.domain.hours import HOUR, AssetHours, Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_forecast.domain.quantiles import (
    DEFAULT_RATIOS,
    at_ratios,
    magnitude_ratios,
    signed,
)
from wattmesh_forecast.domain.seasonal import seasonal_quantiles
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.time import ceil_time, floor_time

SHORTEST_PAST = timedelta(days=1)
"""With less than this there is no day to learn from."""
MOST_TOGETHER = 32
"""Assets whose arrays are worked on at once: as many as stay in the processor's cache."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Question:
    """An asset with its past; `last` is the position of the newest hour known before the first."""

    subject: Subject
    hours: AssetHours
    last: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reply:
    """Quantiles of power (hours, ratios) over the hours from `first` on [W], and what gave them."""

    subject: Subject
    first: datetime
    power_w: Floats
    source: str
    last_measured: datetime
    """End of the newest hour that went into it."""


def question(subject: Subject, hours: AssetHours, wanted: Wanted) -> Question | Reply | NotForecast:
    """Return what is asked of an asset; of a short past the reply, or why there is none."""
    last = hours.last_known()
    if last is None:
        return _no_history(subject)
    # The interval that is running may begin in an hour that is complete.
    asked = Question(subject=subject, hours=hours, last=min(last, _targets(hours, wanted)[0] - 1))
    if int(np.isfinite(hours.power_w).sum()) * HOUR >= SHORTEST_PAST:
        return asked
    return _assumed(asked, wanted)


def groups(questions: Sequence[Question]) -> Iterator[list[Question]]:
    """Give questions that share kind, newest hour and, for loads, clock: some dozens at a time."""
    alike: defaultdict[tuple[Kind, int, ZoneInfo | None], list[Question]] = defaultdict(list)
    for each in questions:
        zone = each.subject.zone if each.subject.kind is Kind.LOAD else None
        alike[each.subject.kind, each.last, zone].append(each)
    for same in alike.values():
        for first in range(0, len(same), MOST_TOGETHER):
            yield same[first : first + MOST_TOGETHER]


def model_inputs(kind: Kind, group: Sequence[Question], wanted: Wanted) -> ModelInput:
    """Return what the model is asked about a group, question by question."""
    return model_input(kind, *_batch(group, wanted))


def model_replies(
    kind: Kind,
    questions: Sequence[Question],
    asked: ModelInput,
    said: Float32s,
    source: str,
    wanted: Wanted,
) -> list[Reply]:
    """Return the replies that a model's quantiles over the scale make, (questions * hours, 3)."""
    magnitudes = at_ratios(
        DEFAULT_RATIOS, said * asked.scale_w[:, None], magnitude_ratios(kind, wanted.ratios)
    )
    magnitudes[asked.reach[:, 0] <= 0] = 0.0
    power_w = signed(kind, magnitudes).reshape(len(questions), -1, len(wanted.ratios))
    return _replies(questions, power_w, source, wanted)


def seasonal_replies(kind: Kind, group: Sequence[Question], wanted: Wanted) -> list[Reply]:
    """Return the seasonal forecasts of a group."""
    ratios = magnitude_ratios(kind, wanted.ratios)
    magnitudes = seasonal_quantiles(kind, *_batch(group, wanted), ratios)
    return _replies(group, signed(kind, magnitudes), SEASONAL, wanted)


def _replies(
    questions: Sequence[Question], power_w: Floats, source: str, wanted: Wanted
) -> list[Reply]:
    return [
        Reply(
            subject=each.subject,
            first=floor_time(wanted.span.start, HOUR),
            power_w=power,
            source=source,
            last_measured=each.hours.start + (each.last + 1) * HOUR,
        )
        for each, power in zip(questions, power_w, strict=True)
    ]


def _assumed(asked: Question, wanted: Wanted) -> Reply | NotForecast:
    targets, kind = _targets(asked.hours, wanted), asked.subject.kind
    magnitudes = assumed_quantiles(
        kind,
        asked.hours,
        np.arange(targets.start, targets.stop),
        magnitude_ratios(kind, wanted.ratios),
    )
    if magnitudes is None:
        return _no_history(asked.subject)
    return _replies([asked], signed(kind, magnitudes)[None], ASSUMED, wanted)[0]


def _no_history(subject: Subject) -> NotForecast:
    return NotForecast(
        asset=subject.asset,
        reason=Reason.NO_HISTORY,
        message=f"{subject.asset.name} has too few readings to say anything",
    )


def _batch(group: Sequence[Question], wanted: Wanted) -> tuple[Batch, Rows]:
    first = group[0]
    rows = Rows.ahead(first.last, _targets(first.hours, wanted))
    return Batch.of([each.hours for each in group]), rows


def _targets(hours: AssetHours, wanted: Wanted) -> range:
    return range(hours.index(wanted.span.start), hours.index(ceil_time(wanted.span.end, HOUR)))
