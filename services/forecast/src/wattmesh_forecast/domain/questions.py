"""Questions about assets, and how they are put together so that they are answered at once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_forecast.domain.assumed import assumed_quantiles
from wattmesh_forecast.domain.doubt import Refusal
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.forecast import ASSUMED, SEASONAL, WEATHER
from wattmesh_forecast.domain.hours import HOUR, AssetHours, Batch, Begun, Floats, Rows
from wattmesh_forecast.domain.input_faults import Finding
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.load_input import LONGEST_LEAD as MODEL_LEAD
from wattmesh_forecast.domain.mixture import Beside, mixed
from wattmesh_forecast.domain.model_input import ModelInput, concatenated
from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_forecast.domain.pv_weather import knows_weather
from wattmesh_forecast.domain.quantiles import (
    DEFAULT_RATIOS,
    at_ratios,
    magnitude_ratios,
    median_of,
    signed,
    widened,
)
from wattmesh_forecast.domain.seasonal import LONGEST_LEAD as SEASONAL_LEAD
from wattmesh_forecast.domain.seasonal import seasonal_middles, seasonal_quantiles
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_forecast.domain.trial_memory import TrialMemory
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_forecast.domain.wind.reply import turbine_magnitudes
from wattmesh_kernel.time import ceil_time, floor_time

SHORTEST_PAST = timedelta(days=1)
"""With less than this there is no day to learn from."""
MOST_TOGETHER = 32
"""Assets whose arrays are worked on at once: as many as stay in the processor's cache."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Question:
    """An asset with its past, and the hours it is asked about; `last` is the newest one known.

    `by_weather` is whether the sun that is forecast tells what a plant will generate.
    """

    subject: Subject
    hours: AssetHours
    last: int
    targets: range
    by_weather: bool = False

    @property
    def begun(self) -> Begun | None:
        """The running hour, where it is the newest one known."""
        begun = self.hours.begun
        return begun if begun is not None and begun.position == self.last else None

    @property
    def leads(self) -> Floats:
        """How many hours each target lies after the newest known hour [h]."""
        first, end = self.targets.start - self.last, self.targets.stop - self.last
        return np.arange(first, end, dtype=np.float64)

    @property
    def local_hours(self) -> Floats:
        """The local hour of the day at which each target begins [h]."""
        return self.hours.clock.hour[self.targets.start : self.targets.stop]

    @property
    def for_model(self) -> bool:
        """Whether a model is to be asked."""
        return self.subject.suits_model and not self.by_weather


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reply:
    """Quantiles of power (hours, ratios) over the hours from `first` on [W], and what gave them."""

    subject: Subject
    first: datetime
    power_w: Floats
    source: str
    last_measured: datetime | None
    """End of the newest hour that went into it; None: nothing measured did."""
    findings: tuple[Finding, ...]
    instead_of: Refusal | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ModelAsked:
    """What a model is asked about some questions, and what is said without it, row by row."""

    asked: ModelInput
    beside: Beside

    @classmethod
    def concatenated(cls, parts: "Sequence[ModelAsked]") -> "ModelAsked":
        """Return the rows of several as one."""
        return cls(
            asked=concatenated([part.asked for part in parts]),
            beside=Beside.concatenated([part.beside for part in parts]),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ModelSaid:
    """What a model said about the question at place `number`: (hours, 3) over the scale."""

    question: Question
    number: int
    source: str
    quantiles: Floats


def question(subject: Subject, hours: AssetHours, wanted: Wanted) -> Question | Reply | NotForecast:
    """Return what is asked of an asset; of a short past the reply, or why there is none."""
    last, targets = hours.last_known(), _targets(hours, wanted)
    if last is None and subject.kind is not Kind.WIND:
        return _no_history(subject)
    if last is None:
        last = targets[0] - 1
    if hours.begun is not None and hours.begun.position == last and last in targets[:-1]:
        targets = targets[1:]  # the rest of the running hour is known as well as it can be
    # The interval that is running may begin in an hour that is complete.
    asked = Question(
        subject=subject,
        hours=hours,
        last=min(last, targets[0] - 1),
        targets=targets,
        by_weather=knows_weather(hours.irradiance_w_m2, targets),
    )
    enough = int(np.isfinite(hours.power_w).sum()) * HOUR >= SHORTEST_PAST
    if enough or subject.kind is Kind.WIND:  # power curves tell more than a day does
        return asked
    return _assumed(asked, wanted)


def groups(questions: Sequence[Question]) -> Iterator[list[Question]]:
    """Give questions that share kind, hours and, for loads, clock: some dozens at a time."""
    alike: defaultdict[tuple[Kind, int, range, ZoneInfo | None], list[Question]]
    alike = defaultdict(list)
    for each in questions:
        zone = each.subject.zone if each.subject.kind is Kind.LOAD else None
        alike[each.subject.kind, each.last, each.targets, zone].append(each)
    for same in alike.values():
        for first in range(0, len(same), MOST_TOGETHER):
            yield same[first : first + MOST_TOGETHER]


def model_asked(kind: Kind, group: Sequence[Question], memory: TrialMemory) -> ModelAsked:
    """Return what the model is asked about a group, question by question."""
    batch, rows = _batch(group)
    asked = memory.ask(kind, [each.subject for each in group], batch, rows)
    return ModelAsked(
        asked=model_input(kind, batch, rows, asked),
        beside=Beside.of(kind, batch, rows, seasonal_middles(kind, batch, rows, asked)),
    )


def model_replies(
    kind: Kind, question: ModelAsked, said: Sequence[ModelSaid], wanted: Wanted
) -> list[Reply]:
    """Return the replies that a model's quantiles over the scale make."""
    if not said:
        return []
    asked = question.asked
    hours = len(said[0].quantiles)
    rows = np.concatenate([each.number * hours + np.arange(hours) for each in said])
    given = np.concatenate([each.quantiles for each in said]) * asked.scale_w[rows, None]
    given = mixed(kind, given, question.beside.where(rows))
    wanted_ratios = magnitude_ratios(kind, wanted.ratios)
    magnitudes = at_ratios(DEFAULT_RATIOS, given, wanted_ratios)
    magnitudes[~asked.open[rows]] = 0.0
    ahead = np.concatenate([each.question.leads for each in said])
    magnitudes = widened(magnitudes, wanted_ratios, ahead, MODEL_LEAD)
    power_w = signed(kind, magnitudes).reshape(len(said), hours, len(wanted.ratios))
    return [
        _reply(each.question, power, each.source, wanted)
        for each, power in zip(said, power_w, strict=True)
    ]


def seasonal_replies(
    kind: Kind, group: Sequence[Question], wanted: Wanted, instead_of: Refusal | None = None
) -> list[Reply]:
    """Return the seasonal forecasts of a group; `instead_of` is why they are not a model's."""
    if kind is Kind.WIND:
        return [_of_turbine(each, wanted) for each in group]
    ratios = magnitude_ratios(kind, wanted.ratios)
    magnitudes = seasonal_quantiles(kind, *_batch(group), ratios)
    magnitudes = widened(magnitudes, ratios, group[0].leads, SEASONAL_LEAD)
    return [
        replace(
            _reply(each, power, WEATHER if each.by_weather else SEASONAL, wanted),
            instead_of=instead_of,
        )
        for each, power in zip(group, signed(kind, magnitudes), strict=True)
    ]


def _of_turbine(asked: Question, wanted: Wanted) -> Reply:
    ratios = magnitude_ratios(Kind.WIND, wanted.ratios)
    magnitudes, source = turbine_magnitudes(
        asked.subject, asked.hours, asked.last, asked.targets, ratios
    )
    return _reply(asked, signed(Kind.WIND, magnitudes), source, wanted)


def _reply(asked: Question, power_w: Floats, source: str, wanted: Wanted) -> Reply:
    most_w, begun = asked.subject.most_w, asked.begun
    first = floor_time(wanted.span.start, HOUR)
    if begun is not None and len(power_w) < len(_targets(asked.hours, wanted)):
        kind = asked.subject.kind
        power_w = np.concatenate([_rest(kind, begun.rest_w, power_w[0], wanted.ratios), power_w])
    return Reply(
        subject=asked.subject,
        first=first,
        power_w=power_w if most_w is None else np.clip(power_w, -most_w, most_w),
        source=source,
        last_measured=_measured_until(asked),
        findings=asked.hours.findings,
    )


def _measured_until(asked: Question) -> datetime | None:
    if asked.begun is not None:
        return asked.begun.until
    if asked.hours.last_known() is None:
        return None
    return asked.hours.start + (asked.last + 1) * HOUR


def _rest(kind: Kind, rest_w: float, next_w: Floats, ratios: Sequence[float]) -> Floats:
    """Return quantiles of the rest of the running hour (1, ratios), as sure as the next hour's.

    A plant that gives a tenth of what the next hour will bring errs by a tenth of that hour's.
    """
    middle = median_of(next_w, ratios)
    size = abs(float(middle))
    times = min(1.0, rest_w / size) if kind is Kind.PV and size > 0 else 1.0
    magnitudes = kind.sign * (kind.sign * rest_w + times * (next_w - middle))
    return kind.sign * np.maximum(magnitudes, 0.0)[None] + 0.0


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
    return _reply(asked, signed(kind, magnitudes), ASSUMED, wanted)


def _no_history(subject: Subject) -> NotForecast:
    return NotForecast(
        asset=subject.asset,
        reason=Reason.NO_HISTORY,
        message=f"{subject.asset.name} has too few readings to say anything",
    )


def _batch(group: Sequence[Question]) -> tuple[Batch, Rows]:
    first = group[0]
    return Batch.of([each.hours for each in group]), Rows.ahead(first.last, first.targets)


def _targets(hours: AssetHours, wanted: Wanted) -> range:
    return range(hours.index(wanted.span.start), hours.index(ceil_time(wanted.span.end, HOUR)))
