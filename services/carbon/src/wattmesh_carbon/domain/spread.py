"""How far forecasts of an intensity are off: by what came of those of the past week.

Those by the daily pattern are made again for it; those of publishers were kept as they were issued.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_carbon.domain.pattern import forecast_pattern
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

RATIOS = (0.1, 0.5, 0.9)
LEAD = timedelta(days=2)
"""What is forecast each time; what lies further ahead is taken for as uncertain as its end."""
_EVERY = timedelta(hours=6)
_WARM_UP = timedelta(days=7)
"""So much of the past each forecast has at least."""
_TOGETHER = timedelta(hours=3)
"""Errors of leads so close are pooled."""
_DAY = timedelta(days=1)
_LEAST_ORIGINS = 8

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How forecasts came out beside the naive ones [gCO2e/kWh], and how often the band held.

    `pattern_mean_absolute_error` is that of the daily pattern at the same times; None: they are it.
    """

    mean_absolute_error: float
    naive_mean_absolute_error: float
    coverage_ratio: float
    compared: int
    pattern_mean_absolute_error: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Spread:
    """Quantiles of a forecast per interval, rising by ratio, and the score of those behind it."""

    quantiles: Mapping[float, Floats]
    score: Score


def spread(history: Series, expected: Series) -> Spread | None:
    """Return how far a forecast may be off, by those that would have been made in the last week.

    `history` is what `forecast_pattern` made `expected` from. Every six hours of its second half a
    forecast of two days is made from what was known then; its errors, pooled over three hours of
    lead, are added to what is expected. None: fewer than eight of them can be held against
    anything.
    """
    made = [_errors(history, origin) for origin in _origins(history)]
    return _judged(made, _leads(history, expected), history, expected)


def spread_of_issued(
    history: Series, issued: Sequence[Series], expected: Series, issue_time: datetime
) -> Spread | None:
    """Return how far a publisher's forecast may be off, by what came of those before it.

    `issued` are forecasts of two days each from the interval of their issue on, `expected` is what
    was issued at `issue_time`; all are on the raster of `history`. None: fewer than eight can be
    held against anything.
    """
    made, by_pattern = list[tuple[Floats, Floats]](), list[Floats]()
    for each in issued:
        origin = (each.start - history.start) // history.resolution
        if 0 < origin < len(history):
            own, naive = _errors(history, origin)
            actual = history.window(each.range).values
            made.append((actual - each.values, naive))
            by_pattern.append(own)
    ahead = _ahead(history, expected, (issue_time - history.start) // history.resolution)
    found = _judged(made, ahead, history, expected)
    if found is None:
        return None
    both = np.isfinite([errors for errors, _ in made]) & np.isfinite(by_pattern)
    beside = float(np.abs(np.array(by_pattern)[both]).mean()) if both.any() else None
    return replace(found, score=replace(found.score, pattern_mean_absolute_error=beside))


def _judged(
    made: Sequence[tuple[Floats, Floats]],
    ahead: NDArray[np.int64],
    history: Series,
    expected: Series,
) -> Spread | None:
    """Return quantiles and score from errors and naive errors by lead; None: too few."""
    known = [errors for errors in made if np.isfinite(errors[0]).any()]
    if len(known) < _LEAST_ORIGINS:
        return None
    errors = np.array([each[0] for each in known])
    naive = np.array([each[1] for each in known])
    both = np.isfinite(errors) & np.isfinite(naive)
    if not both.any():
        return None
    pool = max(_TOGETHER // history.resolution, 1)
    drawn = {ratio: _pooled(errors, ratio, pool) for ratio in RATIOS}
    stacked = np.sort([expected.values + drawn[ratio][ahead] for ratio in RATIOS], axis=0)
    return Spread(
        quantiles=dict(zip(RATIOS, stacked, strict=True)),
        score=Score(
            mean_absolute_error=float(np.abs(errors[both]).mean()),
            naive_mean_absolute_error=float(np.abs(naive[both]).mean()),
            coverage_ratio=_coverage(errors, pool),
            compared=int(both.sum()),
        ),
    )


def _origins(history: Series) -> range:
    """Return the indices from which on forecasts of the past are made."""
    step = max(_EVERY // history.resolution, 1)
    return range(_WARM_UP // history.resolution, len(history) - step, step)


def _errors(history: Series, origin: int) -> tuple[Floats, Floats]:
    """Return what was published less what was forecast, and less the naive; NaN: not known."""
    leads = LEAD // history.resolution
    nothing = np.full(leads, np.nan)
    before = Series(history.start, history.resolution, history.values[:origin])
    slots = max(_DAY // history.resolution, 1)
    if not np.isfinite(before.values[-slots:]).any():
        return nothing, nothing
    at = history.start + origin * history.resolution
    forecast = forecast_pattern(before, TimeRange.of(at, leads * history.resolution))
    actual = np.full(leads, np.nan)
    there = history.values[origin : origin + leads]
    actual[: len(there)] = there
    return actual - forecast.values, actual - np.resize(before.values[-slots:], leads)


def _pooled(errors: Floats, ratio: float, pool: int) -> Floats:
    """Return a quantile of the errors by lead; neighbours have one together."""
    leads = errors.shape[1]
    found, last = np.zeros(leads), 0.0
    for first in range(0, leads, pool):
        these = errors[:, first : first + pool]
        these = these[np.isfinite(these)]
        last = float(np.quantile(these, ratio)) if these.size else last
        found[first : first + pool] = last
    return found


def _coverage(errors: Floats, pool: int) -> float:
    """Return how often one half of the forecasts lies within the band of the other, both ways."""
    inside, all_known = 0, 0
    for one, other in ((errors[::2], errors[1::2]), (errors[1::2], errors[::2])):
        low, high = _pooled(one, RATIOS[0], pool), _pooled(one, RATIOS[-1], pool)
        known = np.isfinite(other)
        inside += int(((other >= low) & (other <= high))[known].sum())
        all_known += int(known.sum())
    return inside / all_known if all_known else 0.0


def _leads(history: Series, expected: Series) -> NDArray[np.int64]:
    """Return for each interval how far ahead of the newest known one it is, at most two days."""
    last = int(np.flatnonzero(np.isfinite(history.values))[-1])
    return _ahead(history, expected, last + 1)


def _ahead(history: Series, expected: Series, first: int) -> NDArray[np.int64]:
    """Return for each interval how far it is behind the `first` of `history`, at most two days."""
    offset = (expected.start - history.start) // history.resolution - first
    most = LEAD // history.resolution - 1
    return np.clip(offset + np.arange(len(expected)), 0, most)
