"""How good forecasts were: against what was measured, and against the naive forecast."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.hours import Floats
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time

NAIVE_DAYS = 14
"""How many days back the naive forecast looks for a value at the same local time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Sums over pairs of forecast and measured interval; scores add up.

    Errors and `measured_w` are sums of absolute values [W] over intervals of one length. `banded`
    counts the `compared` whose outer quantiles differ: at night a plant's are both 0, and nothing
    is said by a 0 between them. `covered` are those of them that lay between.
    """

    error_w: float = 0.0
    naive_error_w: float = 0.0
    measured_w: float = 0.0
    covered: int = 0
    compared: int = 0
    banded: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            error_w=self.error_w + other.error_w,
            naive_error_w=self.naive_error_w + other.naive_error_w,
            measured_w=self.measured_w + other.measured_w,
            covered=self.covered + other.covered,
            compared=self.compared + other.compared,
            banded=self.banded + other.banded,
        )

    @property
    def wape_ratio(self) -> float | None:
        """Weighted absolute percentage error: errors over measured; None without anything."""
        return self.error_w / self.measured_w if self.measured_w > 0 else None

    @property
    def naive_wape_ratio(self) -> float | None:
        """The same of the naive forecast."""
        return self.naive_error_w / self.measured_w if self.measured_w > 0 else None

    @property
    def coverage_ratio(self) -> float | None:
        """Share of measured values within the bands that are any; None without any."""
        return self.covered / self.banded if self.banded else None


def score(forecast: Forecast, measured: Series, zone: ZoneInfo) -> Score:
    """Compare a forecast with the measured power of its asset, on the same resolution.

    Only intervals that were measured, and for which the naive forecast knew a value, count.
    """
    came = measured.window(forecast.range).values
    naive = naive_forecast(forecast, measured, zone)
    both = np.isfinite(came) & np.isfinite(naive)
    low, high = forecast.power_w[0], forecast.power_w[-1]
    banded = both & ((low < high) | (len(forecast.ratios) < 2))
    return Score(
        error_w=float(np.abs(came - forecast.median_w)[both].sum()),
        naive_error_w=float(np.abs(came - naive)[both].sum()),
        measured_w=float(np.abs(came)[both].sum()),
        covered=int(((low <= came) & (came <= high))[banded].sum()),
        compared=int(both.sum()),
        banded=int(banded.sum()),
    )


def naive_forecast(forecast: Forecast, measured: Series, zone: ZoneInfo) -> Floats:
    """Return the last value measured before issue at the same local time, NaN without any [W]."""
    end = floor_time(forecast.issue_time, forecast.resolution)
    known = measured.window(TimeRange(min(measured.start, end), end))
    starts = forecast.range.starts(forecast.resolution)
    return np.array([_newest_like(start, known, zone) for start in starts])


def _newest_like(start: datetime, known: Series, zone: ZoneInfo) -> float:
    wall = start.astimezone(zone).replace(tzinfo=None)
    for days in range(1, NAIVE_DAYS + 1):
        value = known.at((wall - timedelta(days=days)).replace(tzinfo=zone))
        if np.isfinite(value):
            return value
    return np.nan
