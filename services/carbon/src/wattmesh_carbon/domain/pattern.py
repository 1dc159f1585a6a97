"""Forecast of an intensity from its own daily pattern."""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

HISTORY = timedelta(days=14)
"""How much of the past the pattern is made of."""
PERSISTENCE = timedelta(hours=6)
"""How fast the present deviation from the pattern is forgotten."""
OLDEST = timedelta(days=2)
"""A forecast from nothing newer than that is none."""
_DAY = timedelta(days=1)


def forecast_pattern(history: Series, span: TimeRange) -> Series:
    """Return the expected intensity over `span`, in the unit and resolution of `history`.

    The mean of the same time of day over the history, plus the newest deviation from it, fading
    by e every 6 hours: a grid that is 50 g dirtier than usual now is expected 18 g dirtier in six
    hours. `history` shape (n,), NaN where missing. Error: NotFound when all of it is missing.
    """
    known = np.isfinite(history.values)
    if not known.any():
        raise NotFound("NO_INTENSITY", "no intensity was published for the zone lately")
    last = int(np.flatnonzero(known)[-1])
    pattern = _daily_means(history)
    deviation = history.values[last] - pattern[last % len(pattern)]
    offset = (span.start - history.start) // history.resolution
    indices = offset + np.arange(span.count(history.resolution))
    fading = np.exp(-np.maximum(indices - last, 0) * (history.resolution / PERSISTENCE))
    expected = pattern[indices % len(pattern)] + deviation * fading
    return Series(span.start, history.resolution, expected)


def newest_known(history: Series, now: datetime) -> datetime:
    """Return until when a history is known. Error: NotFound when that is too long ago."""
    known = np.flatnonzero(np.isfinite(history.values))
    if not known.size:
        raise NotFound("NO_INTENSITY", "no intensity was published for the zone lately")
    newest = history.start + (int(known[-1]) + 1) * history.resolution
    if now - newest > OLDEST:
        hours = (now - newest) / timedelta(hours=1)
        raise NotFound("NO_INTENSITY", f"the newest intensity of the zone is {hours:.0f} h old")
    return newest


def _daily_means(history: Series) -> NDArray[np.float64]:
    """Return the mean per time of day, shape (slots,); the mean of all where one has none."""
    slots = max(_DAY // history.resolution, 1)
    known = np.isfinite(history.values)
    which = np.arange(len(history)) % slots
    sums = np.bincount(which[known], weights=history.values[known], minlength=slots)
    counts = np.bincount(which[known], minlength=slots)
    overall = float(history.values[known].mean())
    return np.where(counts > 0, sums / np.maximum(counts, 1), overall)
