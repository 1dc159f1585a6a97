"""What imported energy amounts to, location-based."""

from dataclasses import dataclass

import numpy as np

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.series import Series


@dataclass(frozen=True, kw_only=True, slots=True)
class LocationBased:
    """A location-based result [gCO2e], per interval too, and for how much of the energy it speaks.

    `gco2e` has NaN where energy or intensity is not known.
    """

    gco2e: Series
    import_wh: float
    covered_energy_ratio: float

    @property
    def total_gco2e(self) -> float:
        """All intervals together."""
        return float(np.nansum(self.gco2e.values))


def location_based(import_energy_wh: Series, average_gco2e_per_kwh: Series) -> LocationBased:
    """Return imported energy times the grid's average intensity (GHG Protocol Scope 2 Guidance).

    Both series on one raster, shapes (n,). 2 kWh at 150 g/kWh and 1 kWh at 300 g/kWh are 600 g.
    Energy of intervals without intensity is left out and lowers `covered_energy_ratio`; so does an
    interval that was not metered, which is taken for the mean of the others. With 3 of 4 intervals
    metered and intensities for all of them it is 0.75.
    Error: InvalidArgument for negative energy or other intervals.
    """
    energy, intensity = import_energy_wh.values, average_gco2e_per_kwh.values
    same_length = len(energy) == len(intensity)
    if import_energy_wh.range != average_gco2e_per_kwh.range or not same_length:
        raise InvalidArgument("UNEQUAL_SERIES", "energy and intensity are of other intervals")
    check_energy(import_energy_wh, "values")
    return LocationBased(
        gco2e=import_energy_wh.with_values(energy / 1000 * intensity),
        import_wh=float(np.nansum(energy)),
        covered_energy_ratio=_covered_energy_ratio(energy, np.isfinite(intensity)),
    )


def check_energy(energy_wh: Series, field: str) -> None:
    """Raise InvalidArgument when an energy is negative or endless."""
    if (energy_wh.values < 0).any() or np.isinf(energy_wh.values).any():
        raise InvalidArgument("NEGATIVE_ENERGY", "an energy is not negative", field=field)


def _covered_energy_ratio(energy: np.ndarray, known: np.ndarray) -> float:
    metered = np.isfinite(energy)
    if not metered.any():
        return 0.0 if energy.size else 1.0
    total = float(energy[metered].sum())
    spoken_for = float(energy[metered & known].sum()) / total if total else 1.0
    return spoken_for * float(metered.mean())
