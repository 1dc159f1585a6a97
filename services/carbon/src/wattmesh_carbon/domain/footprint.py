"""What imported energy amounts to."""

from dataclasses import dataclass

import numpy as np

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.series import Series


@dataclass(frozen=True, kw_only=True, slots=True)
class Footprint:
    """A location-based footprint [gCO2e], and for how much of the energy it speaks."""

    location_based_gco2e: float
    covered_energy_ratio: float


def location_based_footprint(import_energy_wh: Series, average_gco2e_per_kwh: Series) -> Footprint:
    """Return imported energy times the grid's average intensity (GHG Protocol Scope 2 Guidance).

    Both series on one raster, shapes (n,). 2 kWh at 150 g/kWh and 1 kWh at 300 g/kWh are 600 g.
    Energy of intervals without intensity is left out and lowers `covered_energy_ratio`.
    Error: InvalidArgument for negative energy or other intervals.
    """
    energy, intensity = import_energy_wh.values, average_gco2e_per_kwh.values
    if import_energy_wh.range != average_gco2e_per_kwh.range or len(energy) != len(intensity):
        raise InvalidArgument("UNEQUAL_SERIES", "energy and intensity are of other intervals")
    if (energy < 0).any():
        raise InvalidArgument("NEGATIVE_ENERGY", "imported energy is not negative", field="values")
    metered = np.isfinite(energy)
    covered = metered & np.isfinite(intensity)
    total = float(energy[metered].sum())
    known = float(energy[covered].sum())
    return Footprint(
        location_based_gco2e=float((energy[covered] / 1000 * intensity[covered]).sum()),
        covered_energy_ratio=known / total if total else 1.0,
    )
