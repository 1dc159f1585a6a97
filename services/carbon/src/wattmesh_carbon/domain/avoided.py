"""What less consumption has avoided: beside a footprint, never in it."""

from dataclasses import dataclass

import numpy as np

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.series import Series


@dataclass(frozen=True, kw_only=True, slots=True)
class Avoided:
    """Avoided emissions [gCO2e], negative: caused; and for which share of the time."""

    gco2e: float
    covered_ratio: float


def avoided(avoided_wh: Series, marginal_gco2e_per_kwh: Series) -> Avoided:
    """Return avoided energy by the marginal intensity.

    1 kWh less at 700 g/kWh and 1 kWh more at 300 g/kWh avoid 400 g.
    (GHG Protocol, Guidelines for Grid-Connected Electricity Projects.)
    """
    energy, marginal = avoided_wh.values, marginal_gco2e_per_kwh.values
    if len(energy) != len(marginal) or avoided_wh.range != marginal_gco2e_per_kwh.range:
        raise InvalidArgument("UNEQUAL_SERIES", "energy and intensity are of other intervals")
    known = np.isfinite(energy) & np.isfinite(marginal)
    return Avoided(
        gco2e=float(energy[known] / 1000 @ marginal[known]),
        covered_ratio=float(known.mean()) if known.size else 0.0,
    )
