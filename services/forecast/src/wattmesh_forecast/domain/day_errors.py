"""What a day's forecast will be off by, from what those of the days before were off by.

When people come back to a building, or stay away, forecasts made at midnight are wrong in the same
hours for days, until the weeks that they look back on have passed. How much of that goes on is
different for every asset: a campus keeps a third of it, a home next to nothing. So two memories,
of the newest days and of a fortnight, are carried on by as much as would have been right over the
last six weeks of this very asset, held by what is usual.
"""

import numpy as np

from wattmesh_forecast.domain.hours import Floats
from wattmesh_forecast.domain.lags import DAY

REMEMBERED_DAYS = 42
"""Over how many days the memories are tried."""
_KEPT_RATIO = 0.3
"""What a day counts beside the one after it."""
_LONG_DAYS = 14
_USUAL_WEIGHTS = np.array([0.2, 0.1])
_DOUBT_DAYS = 14
"""As many days count for the usual weights."""
_MOST_TIMES = 3.0
_FIRST_DAYS = 4
_NEAR_HOURS = 4.0
_AROUND = (0.1, 0.2, 0.4, 0.2, 0.1)
"""How much the hours around count: what comes an hour later today belongs to the same error."""


def expected_errors(away: Floats) -> Floats:
    """Return what was to be expected of each day's errors by those of the days before.

    `away` (days, 24) is what came less what was said, by hour from midnight on, NaN where nothing
    was measured. Returns (days + 1, 24), of which the last row is of the day to come; 0 in the
    first days. Nothing of a day or of a later one goes into its row.
    """
    size = _mean_before(np.abs(np.nan_to_num(away)).mean(axis=1), REMEMBERED_DAYS)[:-1]
    size[0] = np.inf
    most = _MOST_TIMES * size[:, None]
    errors = np.clip(np.nan_to_num(away), -most, most)
    memories = np.stack([_newest(errors), _mean_before(errors, _LONG_DAYS)], axis=-1)
    memories = _with_hours_around(memories)
    return np.asarray((memories * _weights(memories, errors)[:, None, :]).sum(axis=-1))


def left_ratio(hour: Floats, lead: Floats) -> Floats:
    """Return how much of what is expected of a local hour goes into a forecast of it, (n,).

    `lead` is how many hours it lies after the newest known one. In the first hours that one tells
    more; with every local midnight in between half is left: 0.25 one hour ahead, 1 from four hours
    ahead on, 0.5 tomorrow.
    """
    since_issue = lead - 1
    midnights = ((hour - since_issue) % DAY + since_issue) // DAY
    return np.asarray(np.minimum(lead / _NEAR_HOURS, 1.0) * 0.5**midnights)


def _newest(errors: Floats) -> Floats:
    """Return a mean of the days before each, the newest of which count most, (days + 1, 24)."""
    found, total, count = np.zeros((len(errors) + 1, errors.shape[1])), np.zeros(DAY), 0.0
    for day, of_day in enumerate(errors):
        total, count = _KEPT_RATIO * total + of_day, _KEPT_RATIO * count + 1.0
        found[day + 1] = total / count
    return found


def _mean_before(values: Floats, days: int) -> Floats:
    """Return the mean over so many days before each and before the one to come; 0 at first."""
    sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    end = np.arange(len(sums))
    begin = np.maximum(end - days, 0)
    count = np.maximum(end - begin, 1).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((sums[end] - sums[begin]) / count)


def _with_hours_around(memories: Floats) -> Floats:
    middle = len(_AROUND) // 2
    shifted = (np.roll(memories, at - middle, axis=1) * share for at, share in enumerate(_AROUND))
    return np.asarray(sum(shifted))


def _weights(memories: Floats, errors: Floats) -> Floats:
    """Return by how much each memory is carried on into each day, (days + 1, 2), 0 to 1."""
    told = memories[:-1]
    together = _over(np.einsum("dhk,dhl->dkl", told, told))
    with_came = _over(np.einsum("dhk,dh->dk", told, errors))
    days = np.clip(np.arange(len(memories)), 1, REMEMBERED_DAYS)[:, None]
    held = np.einsum("dkk->dk", together) * _DOUBT_DAYS / days
    known = together + (held + 1e-12)[:, :, None] * np.eye(memories.shape[-1])
    weights = np.linalg.solve(known, (with_came + held * _USUAL_WEIGHTS)[..., None])[..., 0]
    weights[:_FIRST_DAYS] = 0.0
    return np.clip(weights, 0.0, 1.0)


def _over(values: Floats) -> Floats:
    """Return sums over the days that the weights are tried on, before each day."""
    sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    end = np.arange(len(sums))
    return np.asarray(sums[end] - sums[np.maximum(end - REMEMBERED_DAYS, 0)])
