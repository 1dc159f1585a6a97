"""An issued forecast."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.domain.doubt import Refusal
from wattmesh_forecast.domain.hours import Floats
from wattmesh_forecast.domain.input_faults import Finding
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange

SEASONAL = "seasonal"
"""The source of a forecast that no model was asked for."""
WEATHER = "weather"
"""The source of a plant's forecast by the irradiance that is forecast for its place."""
ASSUMED = "assumed"
"""The source of a forecast from less than a day of readings."""


def model_source(model: str, version: int) -> str:
    """Return the source of a forecast that a model version made."""
    return f"model:{model}/{version}"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Forecast:
    """A forecast as it was issued: what was known then stays known.

    `power_w` has shape (ratios, n): mean power per interval at each quantile [W], positive into the
    component, rising with the ratio; of occupancy the share of the usual occupants, 0 to 1.
    """

    name: str
    """`sites/{site}/assets/{asset}/forecasts/{forecast}`."""
    asset: AssetId
    kind: Kind
    issue_time: datetime
    source: str
    start: datetime
    resolution: timedelta
    ratios: tuple[float, ...]
    power_w: Floats
    last_measured: datetime | None = None
    """End of the newest measured hour that went into it; None when that was not noted."""
    findings: tuple[Finding, ...] = ()
    """Why measured hours were taken for missing."""
    refusal: Refusal | None = None
    """Why no model made it, where one was to be asked."""

    @property
    def range(self) -> TimeRange:
        """From the start of the first to the end of the last interval."""
        return TimeRange.of(self.start, self.power_w.shape[1] * self.resolution)

    @property
    def input_age(self) -> timedelta | None:
        """How old the newest measured hour was at issue; None when nothing measured is in it."""
        if self.last_measured is None:
            return None
        return max(self.issue_time - self.last_measured, timedelta(0))

    @property
    def median_w(self) -> Floats:
        """The middle quantile [W], shape (n,); between its neighbours when it was not asked for."""
        return np.array([np.interp(0.5, self.ratios, column) for column in self.power_w.T])
