"""Widths that come true: quantiles stretched by how far off the asset's own forecasts were.

And moved by what the day is expected to be off by, where the days before tell (`day_errors.py`).

A model that serves everybody has bands that are right on average, and too wide for one and too
narrow for another. The outer quantiles' distance from the middle is multiplied by what would have
covered the right share over the last six weeks (split conformal prediction, Vovk et al. 2005; the
score that is scaled by the model's own width is that of Romano et al., NeurIPS 2019). Nights are
known better than evenings, and of a plant noon better than mornings: so each quarter of the local
day has its own, held by that of the whole day.
"""

from dataclasses import dataclass, replace

import numpy as np

from wattmesh_forecast.domain.day_errors import left_ratio
from wattmesh_forecast.domain.hours import Floats, Ints
from wattmesh_forecast.domain.lags import DAY

CALIBRATION_DAYS = 42
"""How many days back forecasts are held against what came."""
_OUTER_RATIO = 0.9
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
        low, middle, high = (quantiles + self._moved(hour, lead)[:, None]).T
        of_parts = np.array([(each.below, each.above) for each in self.parts or (self,) * _PARTS])
        below, above = of_parts[_part(hour)].T
        found = (middle - below * (middle - low), middle, middle + above * (high - middle))
        return np.asarray(np.maximum(np.column_stack(found), 0.0))

    def _moved(self, hour: Floats, lead: Floats) -> Floats:
        if not self.shift:
            return np.zeros_like(lead)
        of_hour = np.array(self.shift)[hour.astype(np.int64) % DAY]
        return np.asarray(of_hour * left_ratio(hour, lead))


AS_GIVEN = Stretch()


def stretch_of(said: Floats, came: Floats, hour: Floats) -> Stretch:
    """Return the stretch that would have been right for forecasts (n, 3) of what came (n,).

    `hour` (n,) is the local hour of the day. Hours that were not measured do not count. Without any
    it is AS_GIVEN; with few it lies close.
    """
    there = np.isfinite(came)
    if not there.any():
        return AS_GIVEN
    whole = _of(said[there], came[there], AS_GIVEN, _DOUBT_DAYS)
    part = _part(hour)
    parts = (there & (part == number) for number in range(_PARTS))
    return replace(
        whole,
        # A quarter of a day is a quarter of a day's hours.
        parts=tuple(
            _of(said[some], came[some], whole, _PART_DOUBT_DAYS / _PARTS) for some in parts
        ),
    )


def _of(said: Floats, came: Floats, held: Stretch, doubt_days: float) -> Stretch:
    low, middle, high = said.T
    away = came - middle
    return Stretch(
        below=_stretch(-away, middle - low, held.below, doubt_days),
        above=_stretch(away, high - middle, held.above, doubt_days),
    )


def _stretch(away: Floats, width: Floats, held: float, doubt_days: float) -> float:
    if not len(away):
        return held
    right = float(np.quantile(away / np.maximum(width, _SMALLEST_WIDTH), _OUTER_RATIO))
    days = len(away) / 24
    believed = (days * right + doubt_days * held) / (days + doubt_days)
    return float(np.clip(believed, *_BOUNDS))


def _part(hour: Floats) -> Ints:
    return (hour // _PART_HOURS).astype(np.int64) % _PARTS
