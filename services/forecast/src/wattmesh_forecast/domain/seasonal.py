"""The seasonal forecast: a blend of the past's patterns, weighed by how well they lately did.

It needs no training, beats every one of its patterns taken alone over a year of homes, answers when
the model cannot be asked, and is what the model starts from.
"""

import numpy as np

from wattmesh_forecast.domain.hours import Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import PATTERNS, Kind
from wattmesh_forecast.domain.lags import either, known, quantiles, same_hour
from wattmesh_forecast.domain.nowcast import Nowcast, nowcast
from wattmesh_forecast.domain.trial import (
    NOWCAST_HOURS,
    SHORT_TRIAL_DAYS,
    TRIAL_DAYS,
    Asked,
    Trial,
    ask_patterns,
    blend_weights,
)

LONGEST_LEAD = 24
"""How far ahead the errors it has made tell of those it will make [h]."""


def seasonal_quantiles(kind: Kind, batch: Batch, rows: Rows, ratios: tuple[float, ...]) -> Floats:
    """Return quantiles of each target's magnitude [W], shape (assets, n, ratios), rising.

    All rows must have one issue. The median is the blend, in the first hours with what the newest
    one tells; the others add the errors the blend made at that time of day over the last two weeks,
    less what the newest hour takes away of them.
    """
    patterns_w, trial = ask_patterns(kind, batch, rows, NOWCAST_HOURS)
    weights = blend_weights(trial, rows.issues)
    now = nowcast(kind, batch, rows, trial, _blended(patterns_w, weights, rows))
    middle, left = now.middle_w, np.sqrt(now.left_ratio)
    errors = quantiles(_errors_near(batch, rows, trial, weights[:, 0, :, None]), ratios)
    columns = [
        middle + left * _at_least(either(error, 0.0), ratio)
        for error, ratio in zip(errors, ratios, strict=True)
    ]
    ceiling = PATTERNS[kind].scale_w(batch, rows.issues) if kind is Kind.PV else np.inf
    highest = np.maximum(middle, ceiling)[..., None]
    found = np.clip(np.stack(columns, axis=-1), 0.0, highest)
    if batch.sun is not None:
        found[batch.sun.clear_sky_w_m2[:, rows.target] <= 0] = 0.0
    return np.maximum.accumulate(found, axis=-1)


def seasonal_middles(kind: Kind, batch: Batch, rows: Rows, asked: Asked | None = None) -> Nowcast:
    """Return the medians of the seasonal forecast, of one issue or many.

    `asked` is what patterns said, where they were asked already. Of a load a week's trial is
    enough; it costs half of what two weeks do.
    """
    patterns_w, trial = asked or ask_patterns(kind, batch, rows, NOWCAST_HOURS, trial_days(kind))
    weights = blend_weights(trial, rows.issues)
    return nowcast(kind, batch, rows, trial, _blended(patterns_w, weights, rows))


def trial_days(kind: Kind) -> int:
    """Return over how many days patterns are tried where a model says most of it."""
    return SHORT_TRIAL_DAYS if kind is Kind.LOAD else TRIAL_DAYS


def _blended(patterns_w: Floats, weights: Floats, rows: Rows) -> Floats:
    """Return patterns (assets, n, patterns) by the weights of each issue, (assets, n)."""
    return np.asarray((patterns_w * weights[:, rows.issue]).sum(axis=-1))


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
