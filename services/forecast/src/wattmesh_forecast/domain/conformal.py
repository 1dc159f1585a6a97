"""Widths that come true: quantiles stretched by how far off the asset's own forecasts were.

A model that serves everybody has bands that are right on average, and too wide for one and too
narrow for another. The outer quantiles' distance from the middle is multiplied by what would have
covered the right share over the last six weeks (split conformal prediction, Vovk et al. 2005; the
score that is scaled by the model's own width is that of Romano et al., NeurIPS 2019).
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.domain.hours import Floats

CALIBRATION_DAYS = 42
"""How many days back forecasts are held against what came."""
_OUTER_RATIO = 0.9
_DOUBT_DAYS = 2.0
"""As many days count for the model's own width."""
_BOUNDS = (0.4, 4.0)
_SMALLEST_WIDTH = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """What the distances of the lower and the upper quantile from the middle are multiplied by."""

    below: float = 1.0
    above: float = 1.0

    def apply(self, quantiles: Floats) -> Floats:
        """Return quantiles (n, 3) with the outer two moved: 5, 10, 20 by 2 and ½ are 0, 10, 15."""
        low, middle, high = quantiles.T
        found = (
            middle - self.below * (middle - low),
            middle,
            middle + self.above * (high - middle),
        )
        return np.asarray(np.maximum(np.column_stack(found), 0.0))


AS_GIVEN = Stretch()


def stretch_of(said: Floats, came: Floats) -> Stretch:
    """Return the stretch that would have been right for forecasts (n, 3) of what came (n,).

    Hours that were not measured do not count. Without any it is AS_GIVEN; with few it lies close.
    """
    there = np.isfinite(came)
    low, middle, high = said[there].T
    away = came[there] - middle
    return Stretch(
        below=_stretch(-away, middle - low),
        above=_stretch(away, high - middle),
    )


def _stretch(away: Floats, width: Floats) -> float:
    if not len(away):
        return 1.0
    right = float(np.quantile(away / np.maximum(width, _SMALLEST_WIDTH), _OUTER_RATIO))
    days = len(away) / 24
    believed = (days * right + _DOUBT_DAYS) / (days + _DOUBT_DAYS)
    return float(np.clip(believed, *_BOUNDS))
