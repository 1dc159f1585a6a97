"""What past hours say of a turbine's: only how errors go together is taken from them."""

import numpy as np

from wattmesh_forecast.domain.hours import Batch, Floats, Ints, Rows
from wattmesh_forecast.domain.lags import DAY, either, trailing_highest, trailing_mean

WIND_PATTERNS = ("day", "week", "four_weeks")
"""Names of the columns of `wind_patterns`."""


def wind_patterns(batch: Batch, rows: Rows) -> Floats:
    """Return the means of the newest day, week and month for each target [W], (assets, n, 3)."""
    means = [
        either(trailing_mean(batch.power_w, rows.issues, days * DAY), 0.0)[:, rows.issue]
        for days in (1, 7, 28)
    ]
    return np.stack(means, axis=-1)


def highest_power(batch: Batch, issues: Ints) -> Floats:
    """Return the highest generation of the newest four weeks [W] per issue; above 0."""
    return np.maximum(either(trailing_highest(batch.power_w, issues, 28 * DAY), 0.0), 1e-3)
