"""Widths that come true: quantiles stretched by how far off the asset's own forecasts were.

And moved by what the day is expected to be off by, where the days before tell (`day_errors.py`).

A model that serves everybody has bands that are right on average, and too wide for one and too
narrow for another. The outer quantiles' distance from the middle is multiplied by what would have
covered the right share over the last six weeks (split conformal prediction, Vovk et al. 2005; the
score that is scaled by the model's own width is that of Romano et al., NeurIPS 2019). Nights are
known better than evenings, and of a plant noon better than mornings: so each quarter of the local
day has its own, held by that of the whole day.

The hours of a day are off together: a week tells little more than seven numbers do, and a quantile
of so few leaves more outside than it should. The correction for few (n + 1 over n in split
conformal prediction) is therefore by days, not by hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wattmesh_forecast.domain.day_errors import left_ratio
from wattmesh_forecast.domain.hours import Floats, Ints
from wattmesh_forecast.domain.lags import DAY

CALIBRATION_DAYS = 42
"""How many days back forecasts are held against what came."""
_OUTSIDE_RATIO = 0.1
_FEW_DAYS = 2.0
"""With as many days half of what is to lie outside is allowed to: of a week 7.8 %, of six 9.5 %."""
_DOUBT_DAYS = 2.0
"""As many days count for the model's own width."""
_PART_DOUBT_DAYS = 7.0
"""As many days count for the whole day's stretch in that of a part."""
_PARTS, _PART_HOURS = 4, 6
_BOUNDS = (0.4, 4.0)
_SMALLEST_WIDTH = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """What the distances of the lower and the upper quantile from the middle are multiplied by.

    `parts` are those of the quarters of the local day, where they are known; `shift` is what the
    middle is moved by at each local hour of the day to come, in the quantiles' unit.
    """

    below: float = 1.0
    above: float = 1.0
    parts: tuple["Stretch", ...] = ()
    shift: tuple[float, ...] = ()

    def apply(self, quantiles: Floats, hour: Floats, lead: Floats) -> Floats:
        """Return quantiles (n, 3) with the outer two moved: 5, 10, 20 by 2 and ½ are 0, 10, 15.

        `hour` (n,) is the local hour of the day, `lead` how many hours each lies after the newest
        known one, which says how much of the shift is left (`day_errors.left_ratio`).
        """
        return np.asarray(stretched([self], quantiles[None], hour[None], lead[None])[0])

    @property
    def of_parts(self) -> tuple[tuple[float, float], ...]:
        """What holds in each quarter of the day, below and above."""
        return tuple((each.below, each.above) for each in self.parts or (self,) * _PARTS)


AS_GIVEN = Stretch()


def stretched(
    stretches: Sequence[Stretch], quantiles: Floats, hour: Floats, lead: Floats
) -> Floats:
    """Return quantiles (assets, n, 3), each asset's by its own stretch (`Stretch.apply`).

    `hour` and `lead` have shape (assets, n).
    """
    nothing = (0.0,) * DAY
    shifts = np.array([each.shift or nothing for each in stretches])
    shift = np.take_along_axis(shifts, hour.astype(np.int64) % DAY, axis=1)
    low, middle, high = np.moveaxis(quantiles + (shift * left_ratio(hour, lead))[..., None], -1, 0)
    bounds = np.array([each.of_parts for each in stretches])
    below, above = np.moveaxis(np.take_along_axis(bounds, _part(hour)[..., None], axis=1), -1, 0)
    found = (middle - below * (middle - low), middle, middle + above * (high - middle))
    return np.asarray(np.maximum(np.stack(found, axis=-1), 0.0))


def stretch_of(said: Floats, came: Floats, hour: Floats) -> Stretch:
    """Return the stretch that would have been right for forecasts (n, 3) of what came (n,).

    `hour` (n,) is the local hour of the day. Hours that were not measured do not count. Without any
    it is AS_GIVEN; with few it lies close.
    """
    there = np.isfinite(came)
    if not there.any():
        return AS_GIVEN
    whole = _of(_Past(said[there], came[there], DAY), AS_GIVEN, _DOUBT_DAYS)
    part = _part(hour)
    parts = (there & (part == number) for number in range(_PARTS))
    return replace(
        whole,
        parts=tuple(
            _of(_Past(said[some], came[some], _PART_HOURS), whole, _PART_DOUBT_DAYS)
            for some in parts
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """Forecasts (n, 3) of what came (n,), so many hours of each day."""

    said: Floats
    came: Floats
    hours_a_day: int

    @property
    def days(self) -> float:
        return len(self.came) / self.hours_a_day


def _of(past: _Past, held: Stretch, doubt_days: float) -> Stretch:
    if not len(past.came):
        return Stretch(below=held.below, above=held.above)
    low, middle, high = past.said.T
    away, believed = past.came - middle, past.days / (past.days + doubt_days)
    below = _right(-away, middle - low, past.days)
    above = _right(away, high - middle, past.days)
    return Stretch(
        below=_bounded(believed * below + (1 - believed) * held.below),
        above=_bounded(believed * above + (1 - believed) * held.above),
    )


def _right(away: Floats, width: Floats, days: float) -> float:
    """Return how many widths hold the share of `away` (n,) that is to be held."""
    outside = _OUTSIDE_RATIO * days / (days + _FEW_DAYS)
    return float(np.quantile(away / np.maximum(width, _SMALLEST_WIDTH), 1.0 - outside))


def _bounded(stretch: float) -> float:
    return float(np.clip(stretch, *_BOUNDS))


def _part(hour: Floats) -> Ints:
    return (hour // _PART_HOURS).astype(np.int64) % _PARTS
