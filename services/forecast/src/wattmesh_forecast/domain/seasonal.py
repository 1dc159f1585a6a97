"""The seasonal forecast: a blend of the past's patterns, weighed by how well they lately did.

It needs no training, beats every one of its patterns taken alone over a year of homes, answers when
the model cannot be asked, and is what the model starts from.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.domain.hours import Batch, Floats, Ints, Rows
from wattmesh_forecast.domain.kinds import PATTERNS, Kind
from wattmesh_forecast.domain.lags import DAY, at, either, known, quantiles, running, same_hour

TRIAL_DAYS = 14
"""Over how many days the patterns are tried."""
TRIAL_LEAD = 18
"""How far ahead they are tried [h]: within the day ahead."""
LONGEST_LEAD = 24
"""How far ahead the errors it has made tell of those it will make [h]."""
_SHARPNESS = 4
"""Power of the inverse error: 4 prefers a clearly better pattern and blends equals."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trial:
    """What the patterns said of the past, and what came.

    Arrays over the hours from `first` on: `said` (assets, n, patterns) and `came` (assets, n) [W],
    NaN missing.
    """

    first: int
    said: Floats
    came: Floats


def ask_patterns(kind: Kind, batch: Batch, rows: Rows) -> tuple[Floats, Trial]:
    """Ask the patterns about `rows`, and try them over the two weeks before the issues.

    Returns what they say of the rows [W], shape (assets, n, patterns), and the trial, in which they
    are asked about each hour up to the last issue as a day or so before it.
    """
    issues = rows.issues
    first = max(int(issues.min()) - TRIAL_DAYS * DAY + 1, 0)
    hours = np.arange(first, int(issues.max()) + 1, dtype=np.int64)
    asked = Rows(
        target=np.concatenate([hours, rows.target]),
        last=np.concatenate([hours - TRIAL_LEAD, rows.last]),
    )
    said = PATTERNS[kind].values(batch, asked)
    tried, ahead = np.split(said, [len(hours)], axis=1)
    return ahead, Trial(first=first, said=tried, came=batch.power_w[:, hours])


def blend_weights(trial: Trial, issues: Ints) -> Floats:
    """Return the weight of each pattern at each issue, shape (assets, issues, patterns).

    Those of an issue add up to 1. They go with the inverse fourth power of the mean absolute error
    over the newest two weeks. With errors of 1 and 2 they are 16/17 and 1/17.
    """
    errors = np.nan_to_num(np.abs(trial.said - trial.came[..., None])).swapaxes(1, 2)
    (sums,) = running(errors, (TRIAL_DAYS * DAY,), np.add)
    recent = at(sums, issues - trial.first).swapaxes(1, 2)
    least = np.maximum(recent.min(axis=-1, keepdims=True), 1e-9)
    weights = (least / np.maximum(recent, least)) ** _SHARPNESS
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def seasonal_quantiles(kind: Kind, batch: Batch, rows: Rows, ratios: tuple[float, ...]) -> Floats:
    """Return quantiles of each target's magnitude [W], shape (assets, n, ratios), rising.

    All rows must have one issue. The median is the blend; the others add the errors the blend
    made at that time of day over the last two weeks.
    """
    patterns_w, trial = ask_patterns(kind, batch, rows)
    weights = blend_weights(trial, rows.issues)[:, 0, :, None]
    middle = (patterns_w @ weights)[..., 0]
    errors = quantiles(_errors_near(batch, rows, trial, weights), ratios)
    columns = [
        middle + _at_least(either(error, 0.0), ratio)
        for error, ratio in zip(errors, ratios, strict=True)
    ]
    ceiling = PATTERNS[kind].scale_w(batch, rows.issues) if kind is Kind.PV else np.inf
    highest = np.maximum(middle, ceiling)[..., None]
    found = np.clip(np.stack(columns, axis=-1), 0.0, highest)
    if batch.sun is not None:
        found[batch.sun.clear_sky_w_m2[:, rows.target] <= 0] = 0.0
    return np.maximum.accumulate(found, axis=-1)


def _at_least(errors: Floats, ratio: float) -> Floats:
    """Keep a lower quantile at or below the middle and an upper one at or above it."""
    if ratio == 0.5:
        return np.zeros_like(errors)
    return np.minimum(errors, 0.0) if ratio < 0.5 else np.maximum(errors, 0.0)


def _errors_near(batch: Batch, rows: Rows, trial: Trial, weights: Floats) -> Floats:
    """Return the blend's errors at the target's hour and its neighbours, (assets, n, 3 * days)."""
    errors = np.full_like(batch.power_w, np.nan)
    tried = slice(trial.first, trial.first + trial.came.shape[1])
    errors[:, tried] = trial.came - (trial.said @ weights)[..., 0]
    offset = None if batch.sun is not None else batch.clock.offset_hours
    hours = same_hour(rows, TRIAL_DAYS, offset)
    near = np.concatenate([hours - 1, hours, hours + 1], axis=1)
    return known(errors, near, rows.last[:, None])
