"""Forecasts of publishers: how old one may be, and what becomes of where it does not reach."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from wattmesh_carbon.domain.intensity import Basis
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

FRESH = timedelta(hours=6)
"""A forecast that was issued longer ago is not gone by: publishers issue every hour or oftener."""
AHEAD = timedelta(minutes=10)
"""So much later than now a publisher's clock may say that a forecast was issued."""
KEPT = timedelta(days=92)
"""How long forecasts are kept."""
EVERY = timedelta(hours=6)
"""Of so much time one forecast is held against what came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastForecasts:
    """Which forecasts of a publisher are held against what came.

    Their intervals are on the raster of `issue_range.start`, each from that of its issue on for
    `lead`; only what was known when the range ended counts.
    """

    zone: ZoneId
    basis: Basis
    source: str
    issue_range: TimeRange
    resolution: timedelta
    lead: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """A publisher's forecast [gCO2e/kWh], on a raster that was asked for; NaN: it has nothing."""

    source: str
    issue_time: datetime
    gco2e_per_kwh: Series

    def is_fresh(self, now: datetime) -> bool:
        """Whether plans may go by it."""
        return now - self.issue_time <= FRESH

    @property
    def reaches(self) -> bool:
        """Whether it has all of the intervals."""
        return bool(np.isfinite(self.gco2e_per_kwh.values).all())

    @property
    def missing_ratio(self) -> float:
        """The share of the intervals that it has not."""
        return float(np.isnan(self.gco2e_per_kwh.values).mean())

    def filled_by(self, pattern: Series) -> Series:
        """Return it with what the daily pattern says where it has nothing."""
        own = self.gco2e_per_kwh.values
        return self.gco2e_per_kwh.with_values(np.where(np.isnan(own), pattern.values, own))
