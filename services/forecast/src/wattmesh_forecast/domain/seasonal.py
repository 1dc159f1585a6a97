"""The seasonal forecast: a blend of the past's patterns, weighed by how well they lately did.

It needs no training, beats every one of its patterns taken alone over a year of homes, answers when
the model cannot be asked, and is what the model starts from.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.domain.hours import AssetHours, Floats, Ints, Rows
from wattmesh_forecast.domain.kinds import PATTERNS, Kind
from wattmesh_forecast.domain.lags import DAY, either, known, quantile, same_hour

TRIAL_DAYS = 14
"""Over how many days the patterns are tried."""
TRIAL_LEAD = 18
"""How far ahead they are tried [h]: within the day ahead."""
_SHARPNESS = 4
"""Power of the inverse error: 4 prefers a clearly better pattern and blends equals."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trial:
    """What the patterns said of the past, and what came.

    Arrays over the hours from `first` on: `said` (n, patterns) and `came` (n,) [W], NaN missing.
    """

    first: int
    said: Floats
    came: Floats


def try_patterns(kind: Kind, asset: AssetHours, issues: Ints) -> Trial:
    """Ask the patterns about the hours up to the last issue, each a day or so before."""
    first = max(int(issues.min()) - TRIAL_DAYS * DAY + 1, 0)
    hours = np.arange(first, int(issues.max()) + 1, dtype=np.int64)
    said = PATTERNS[kind].values(asset, Rows(target=hours, last=hours - TRIAL_LEAD))
    return Trial(first=first, said=said, came=asset.power_w[hours])


def blend_weights(trial: Trial, issues: Ints) -> Floats:
    """Return the weight of each pattern at each issue, shape (issues, patterns); rows add up to 1.

    Weights go with the inverse fourth power of the mean absolute error over the newest two weeks.
    With errors of 1 and 2 they are 16/17 and 1/17.
    """
    errors = np.abs(trial.said - trial.came[:, None])
    total = np.cumsum(np.vstack([np.zeros(errors.shape[1]), np.nan_to_num(errors)]), axis=0)
    end = np.clip(issues + 1 - trial.first, 0, len(errors))
    begin = np.clip(end - TRIAL_DAYS * DAY, 0, None)
    recent = total[end] - total[begin]
    least = np.maximum(recent.min(axis=1, keepdims=True), 1e-9)
    weights = (least / np.maximum(recent, least)) ** _SHARPNESS
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def seasonal_quantiles(
    kind: Kind, asset: AssetHours, rows: Rows, ratios: tuple[float, ...]
) -> Floats:
    """Return quantiles of each target's magnitude [W], shape (n, ratios), rising along the last.

    All rows must have one issue. The median is the blend; the others add the errors the blend
    made at that time of day over the last two weeks.
    """
    trial = try_patterns(kind, asset, rows.issues)
    weights = blend_weights(trial, rows.issues)[0]
    middle = PATTERNS[kind].values(asset, rows) @ weights
    errors = _errors_near(asset, rows, trial, weights)
    columns = [middle + _at_least(either(quantile(errors, r), 0.0), r) for r in ratios]
    ceiling = PATTERNS[kind].scale_w(asset, rows.issues)[0] if kind is Kind.PV else np.inf
    quantiles = np.clip(np.column_stack(columns), 0.0, np.maximum(middle, ceiling)[:, None])
    if asset.sun is not None:
        quantiles[asset.sun.clear_sky_w_m2[rows.target] <= 0] = 0.0
    return np.maximum.accumulate(quantiles, axis=1)


def _at_least(errors: Floats, ratio: float) -> Floats:
    """Keep a lower quantile at or below the middle and an upper one at or above it."""
    if ratio == 0.5:
        return np.zeros_like(errors)
    return np.minimum(errors, 0.0) if ratio < 0.5 else np.maximum(errors, 0.0)


def _errors_near(asset: AssetHours, rows: Rows, trial: Trial, weights: Floats) -> Floats:
    """Return the blend's errors at the target's hour and its neighbours, shape (n, 3 * days)."""
    errors = np.full(len(asset.power_w), np.nan)
    errors[trial.first : trial.first + len(trial.came)] = trial.came - trial.said @ weights
    offset = None if asset.sun is not None else asset.clock.offset_hours
    hours = same_hour(rows, TRIAL_DAYS, offset)
    near = np.concatenate([hours - 1, hours, hours + 1], axis=1)
    return known(errors, near, rows.last[:, None])
