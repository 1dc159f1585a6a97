"""A zone's model from its record, or why the record cannot tell."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from wattmesh_forecast.domain.thermal.fit import Fit, fit
from wattmesh_forecast.domain.thermal.influences import Influence, Plant
from wattmesh_forecast.domain.thermal.record import Floats, ZoneRecord
from wattmesh_forecast.domain.thermal.tracking import free_run
from wattmesh_forecast.domain.thermal.windows import Windows, windows_of

HALF_LIFE_DAYS = 7.0
"""A day counts half as much as one a week later."""
MOST_DAYS = 21
"""What is older belongs to another season."""
LEAST_DAYS = 5
"""Fewer days say nothing of weather that comes and goes."""
_JUDGED_DAYS = 3
_MOST_HEAT_STD = 0.3
"""How unsure the answer to a kilowatt may be, relative, before a plan must not rely on it."""
_MOST_DAY_ERROR_K = 1.0
_BETTER_BY = 6.0
"""By how much a second node must fit better to be believed: about its count of parameters."""
_LEAST_SWITCHED_HOURS = 6.0
_UPPER_FACTOR = {1: 4.42, 2: 2.37, 3: 1.92}
"""By how much the error may be larger than on so many days, with a certainty of 95 %.

sqrt(n / q), where q is the 5 % quantile of chi squared of n = 2 each day: within a day errors go
together, a morning's and an evening's hardly. Source: the interval of a variance, e.g. Montgomery,
Runger, "Applied Statistics and Probability for Engineers", section 8-3.
"""


class Verdict(StrEnum):
    """What the record says."""

    IDENTIFIED = "identified"
    TOO_SHORT = "too_short"
    """Fewer than five usable days."""
    NOT_EXCITED = "not_excited"
    """The plant hardly ran, or never changed: what a kilowatt does cannot be told."""
    UNCERTAIN = "uncertain"
    """A model was found, and its answer to a kilowatt is too unsure to plan with."""
    NOT_PREDICTIVE = "not_predictive"
    """What it says a day ahead is no better than that the zone stays as it is."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Identification:
    """What is known of a zone. `fit` is there unless nothing could be fitted.

    `day_ahead_rmse_k` is the error a day ahead on the newest days, which the fit that was judged by
    it had not seen [K], `day_ahead_upper_k` what it stays below with a certainty of 95 %, as few
    days as those are; `heat_std_ratio` how unsure the answer to a kilowatt is, relative.
    """

    verdict: Verdict
    reason: str
    days: int
    fit: Fit | None = None
    day_ahead_rmse_k: float | None = None
    day_ahead_upper_k: float | None = None
    heat_std_ratio: float | None = None

    @property
    def usable(self) -> bool:
        """Whether a plan may rely on it."""
        return self.verdict is Verdict.IDENTIFIED


def identify(record: ZoneRecord, plant: Plant, before: Fit | None = None) -> Identification:
    """Identify a zone; `before`, an earlier fit, spares the search."""
    record = record.part(max(0, record.count - MOST_DAYS * record.per_day), record.count)
    windows = windows_of(record, plant, HALF_LIFE_DAYS)
    if windows.days < LEAST_DAYS:
        reason = f"{windows.days} usable days, {LEAST_DAYS} are needed"
        return Identification(verdict=Verdict.TOO_SHORT, reason=reason, days=windows.days)
    hours = _running_hours(windows)
    if hours < _LEAST_SWITCHED_HOURS:
        reason = f"the plant ran for {hours:.1f} h in {windows.days} days"
        return Identification(verdict=Verdict.NOT_EXCITED, reason=reason, days=windows.days)
    found = _chosen(windows, before)
    error_k, still_k, judged = _judged(record, plant, found)
    std = heat_std_ratio(found)
    upper_k = error_k * _UPPER_FACTOR.get(judged, math.inf)
    verdict, reason = _verdict(found, std, (error_k, upper_k), still_k)
    return Identification(
        verdict=verdict,
        reason=reason,
        days=windows.days,
        fit=found,
        day_ahead_rmse_k=error_k if math.isfinite(error_k) else None,
        day_ahead_upper_k=upper_k if math.isfinite(upper_k) else None,
        heat_std_ratio=std,
    )


def _chosen(windows: Windows, before: Fit | None) -> Fit:
    """Return the model of second order where it fits clearly better than that of first."""
    known = None if before is None else before.rates
    first = fit(windows, 1, known if known is not None and known.order == 1 else None)
    second = fit(windows, 2, known if known is not None and known.order == 2 else None)
    return second if second.badness + _BETTER_BY < first.badness else first


def _judged(record: ZoneRecord, plant: Plant, found: Fit) -> tuple[float, float, int]:
    """Return the error a day ahead on the newest days [K], that of "it stays as it is", and on how
    many days.

    The rates are kept; all else is fitted again without those days.
    """
    per_day = record.per_day
    days = min(_JUDGED_DAYS, record.count // per_day - LEAST_DAYS + 1)
    if days < 1:
        return float("inf"), 0.0, 0
    seen = record.part(0, record.count - days * per_day)
    windows = windows_of(seen, plant, HALF_LIFE_DAYS)
    if windows.days < 2:
        return float("inf"), 0.0, 0
    fitted = fit(windows, found.rates.order, found.rates)
    errors: list[Floats] = []
    stays: list[Floats] = []
    for day in range(days):
        now = record.count - (days - day) * per_day
        known, ahead = record.part(0, now), record.part(now, now + per_day)
        if not ahead.usable.all() or not known.usable[-per_day:].all():
            continue
        errors.append(free_run(fitted, plant, known, ahead) - ahead.temperature_celsius)
        stays.append(known.temperature_celsius[-per_day:] - ahead.temperature_celsius)
    return _rms(errors), _rms(stays), len(errors)


def heat_std_ratio(found: Fit) -> float:
    """Return how unsure the answer to a kilowatt is, relative; 1 where it has the wrong sign."""
    worst = 0.0
    for name in (Influence.HEATING, Influence.COOLING):
        if name in found.factors:
            factor = found.factors[name]
            worst = max(worst, 1.0 if factor <= 0 else found.factor_std[name] / factor)
    return worst


def _verdict(
    found: Fit, std: float, error: tuple[float, float], still_k: float
) -> tuple[Verdict, str]:
    error_k, upper_k = error
    if std > _MOST_HEAT_STD:
        return Verdict.UNCERTAIN, f"what a kilowatt does is known to {std:.0%} only"
    if error_k > _MOST_DAY_ERROR_K and error_k > still_k:
        said = f"a day ahead it errs by {error_k:.2f} K, yesterday's course by {still_k:.2f} K"
        return Verdict.NOT_PREDICTIVE, said
    order = found.rates.order
    said = f"a day ahead it errs by {error_k:.2f} K, {upper_k:.2f} K at most; order {order}"
    return Verdict.IDENTIFIED, said


def _running_hours(windows: Windows) -> float:
    """Return for how long the plant ran otherwise than it mostly does [h]."""
    names = (Influence.HEATING, Influence.COOLING)
    inputs = [windows.inputs[name] for name in names if name in windows.inputs]
    if not inputs:
        return 0.0
    total = sum(np.abs(each) for each in inputs)
    top = float(np.max(total))
    if top <= 0:
        return 0.0
    differs = np.abs(total - np.median(total)) > 0.1 * top
    return float(differs.sum() * windows.hours)


def _rms(errors: list[Floats]) -> float:
    values = np.concatenate(errors) if errors else np.array([np.nan])
    values = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("inf")
