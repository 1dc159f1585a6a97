"""How far what comes may be off what is expected, by the quantiles of a forecast."""

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_MEDIAN = 0.5


def spread_of(quantiles: Mapping[float, Values]) -> tuple[Values, Values] | None:
    """Return the standard deviation, and that of what is above the median, of each interval.

    `quantiles` are arrays by their ratio; the outer ones count, as if errors were normal on either
    side. None: they say nothing of it. Quantiles 0.1, 0.5 and 0.9 at 1, 2 and 5 kW are 1.6 kW, and
    2.3 kW above.
    """
    low, high = min(quantiles), max(quantiles)
    if not 0 < low < _MEDIAN < high < 1:
        return None
    middle = quantiles[min(quantiles, key=lambda ratio: abs(ratio - _MEDIAN))]
    below, above = -NormalDist().inv_cdf(low), NormalDist().inv_cdf(high)
    whole = np.abs(quantiles[high] - quantiles[low]) / (below + above)
    return whole, np.abs(quantiles[high] - middle) / above
