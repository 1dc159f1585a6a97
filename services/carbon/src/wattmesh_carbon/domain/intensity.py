"""Grid carbon intensity: average and marginal, as types that are never mixed."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import numpy as np

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series

MOST_GCO2E_PER_KWH = 10_000
"""Six times what the worst plant emits (oil shale, about 1,500): beyond it a unit is wrong."""


class Basis(Enum):
    """What an intensity is about."""

    AVERAGE = "average"
    """Emissions of all generation over its energy: belongs into a footprint."""
    MARGINAL = "marginal"
    """What one more kWh of consumption causes: may be negative."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Intensity:
    """An intensity over time [gCO2e/kWh], NaN where not known.

    `issue_time` is None for what was measured, and the time of issue for a forecast; `newest_time`
    is until when a forecast by the daily pattern knew, None for others. `pattern_ratio` is the
    share of a publisher's forecast that is by the pattern, since it does not reach so far.
    """

    zone: ZoneId
    basis: Basis
    gco2e_per_kwh: Series
    source: str
    issue_time: datetime | None = None
    newest_time: datetime | None = None
    pattern_ratio: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no grid has."""
        values = self.gco2e_per_kwh.values
        if (np.abs(values) > MOST_GCO2E_PER_KWH).any():
            raise InvalidArgument(
                "INVALID_INTENSITY",
                f"an intensity beyond {MOST_GCO2E_PER_KWH:,} gCO2e/kWh is no grid's",
                field="values",
            )
        if self.basis is Basis.AVERAGE and (values < 0).any():
            raise InvalidArgument(
                "INVALID_INTENSITY", "an average intensity is not negative", field="values"
            )
        if not self.source:
            raise InvalidArgument("MISSING_FIELD", "say where it comes from", field="source")
