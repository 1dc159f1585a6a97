"""Who will be there: days of the same kind that began as today did.

Past days weigh by how long ago they are, by whether they are workdays or not, public holidays as
Sundays, and, in the next hours, by whether as many were there as now.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_forecast.domain.hours import Floats, Ints

DAYS = 28
"""How far it is looked back."""
_HALF_LIFE_DAYS = 14.0
_OTHER_KIND = 0.02
_ALIKE_RATIO = 0.3
_FADES_HOURS = 6.0
_DAY = timedelta(days=1)
_FRIDAY = 4


def expected_shares(
    values: Floats,
    start: datetime,
    step: timedelta,
    zone: ZoneInfo,
    count: int,
    holidays: Collection[date] = frozenset(),
) -> tuple[Floats, Floats]:
    """Return past shares (count, days) that may come again next, and their weights.

    `values` (n,) begin at `start`; NaN where nobody knows. Weights add up to 1, or to 0 where
    nothing is known of that time of day.
    """
    last, per_day = len(values) - 1, round(_DAY / step)
    local = [(start + index * step).astimezone(zone) for index in range(len(values) + count)]
    kinds = np.array([_kind(each, holidays) for each in local])
    offsets = np.array([_offset(each) / step for each in local])
    target = np.arange(last + 1, last + 1 + count)
    back = 1 + np.arange(DAYS) + ((target - last - 1) // per_day)[:, None]
    then = target[:, None] - per_day * back
    shift = np.rint(offsets[target][:, None] - offsets[np.maximum(then, 0)])
    then = then + shift.astype(np.int64)
    samples = _at(values, then)
    weights = 0.5 ** (back / _HALF_LIFE_DAYS)
    same = kinds[np.clip(then, 0, last)] == kinds[target][:, None]
    weights = weights * np.where(same, 1.0, _OTHER_KIND)
    now = values[last] if last >= 0 else np.nan
    if np.isfinite(now):
        ahead = (target - last) * (step / timedelta(hours=1))
        apart = np.nan_to_num((_at(values, last - per_day * back) - now) / _ALIKE_RATIO)
        fades = np.exp(-ahead / _FADES_HOURS)[:, None]
        weights = weights * np.exp(-0.5 * np.minimum(apart**2, 12.0) * fades)
    weights = np.where(np.isfinite(samples), weights, 0.0)
    total = weights.sum(axis=1, keepdims=True)
    return np.nan_to_num(samples), weights / np.where(total > 0, total, 1.0)


def mean_share(samples: Floats, weights: Floats) -> Floats:
    """Return the share expected, (n,): of who comes or not the probability; NaN: nobody knows."""
    known = weights.sum(axis=1) > 0
    return np.where(known, (samples * weights).sum(axis=1), np.nan)


def share_quantiles(samples: Floats, weights: Floats, ratios: Sequence[float]) -> Floats:
    """Return quantiles of the share (n, ratios), rising; NaN where nobody knows."""
    order = np.argsort(samples, axis=1)
    values = np.take_along_axis(samples, order, axis=1)
    ranks = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    known = ranks[:, -1] > 0
    columns = []
    for ratio in ratios:
        place = np.argmax(ranks >= ratio * ranks[:, -1:] - 1e-12, axis=1)
        columns.append(np.where(known, values[np.arange(len(values)), place], np.nan))
    return np.stack(columns, axis=1)


def _at(values: Floats, positions: Ints) -> Floats:
    inside = (positions >= 0) & (positions < len(values))
    if not len(values):
        return np.full(positions.shape, np.nan)
    return np.where(inside, values[np.clip(positions, 0, len(values) - 1)], np.nan)


def _kind(local: datetime, holidays: Collection[date]) -> int:
    """0 for a working day, 1 for a Saturday, 2 for a Sunday or a public holiday."""
    return 2 if local.date() in holidays else max(local.weekday() - _FRIDAY, 0)


def _offset(local: datetime) -> timedelta:
    offset = local.utcoffset()
    assert offset is not None  # of an aware time
    return offset
