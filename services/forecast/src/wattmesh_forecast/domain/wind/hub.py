"""The wind at a turbine's hub, out of that at the heights for which it is told.

Sources: between two heights the speed goes with the logarithm of the height (the profile of a
neutral atmosphere, Burton et al., Wind Energy Handbook, 2.6); beyond them by Hellmann's power law,
with the exponent that two heights show, or 0.2, the normal wind profile of IEC 61400-1.
Density follows from pressure and temperature (ideal gas, barometric formula).
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from wattmesh_forecast.domain.hours import Floats
from wattmesh_forecast.domain.lags import either
from wattmesh_forecast.domain.wind.turbine import STANDARD_DENSITY_KG_PER_M3

_SHEAR = 0.2
_SHEARS = (0.0, 0.6)
_GAS_CONSTANT_J_PER_KG_K = 287.05
_GRAVITY_M_PER_S2 = 9.81
_KELVIN = 273.15
_USUAL_CELSIUS = 12.0


def hub_speed(winds_m_per_s: Mapping[float, Floats], hub_height_m: float) -> Floats | None:
    """Return the wind at the hub [m/s], (n,), from speeds by height [m]; None without any.

    5 m/s at 10 m alone are 6.2 at 30 m; with 8 m/s at 80 m they are 6.6. Where one height is not
    known the others tell.
    """
    if not winds_m_per_s:
        return None
    heights = sorted(winds_m_per_s, key=lambda height: abs(np.log(height / hub_height_m)))
    found = np.full_like(winds_m_per_s[heights[0]], np.nan)
    for below, above in pairwise(sorted(winds_m_per_s)):
        if below <= hub_height_m <= above:
            found = _between(winds_m_per_s, below, above, hub_height_m)
    for height in heights:
        others = [each for each in heights if each != height]
        shear = _shear(winds_m_per_s, height, others[0]) if others else _SHEAR
        found = either(found, winds_m_per_s[height] * (hub_height_m / height) ** shear)
    return found


def at_standard_density(
    speed_m_per_s: Floats, pressure_pa: Floats, celsius: Floats, hub_height_m: float
) -> Floats:
    """Return the speed that would have as much power in standard air [m/s].

    `pressure_pa` is that at the ground; where it is not known the air is taken for standard. At
    90,000 Pa and 15 °C the air has 1.09 kg/m³ and 10 m/s count as 9.6.
    """
    kelvin = either(celsius, _USUAL_CELSIUS) + _KELVIN
    aloft = np.exp(-_GRAVITY_M_PER_S2 * hub_height_m / (_GAS_CONSTANT_J_PER_KG_K * kelvin))
    density = pressure_pa * aloft / (_GAS_CONSTANT_J_PER_KG_K * kelvin)
    ratio = either(density / STANDARD_DENSITY_KG_PER_M3, 1.0)
    return np.asarray(speed_m_per_s * np.cbrt(ratio))


def _between(winds: Mapping[float, Floats], below: float, above: float, height: float) -> Floats:
    share = np.log(height / below) / np.log(above / below)
    return np.asarray(winds[below] + share * (winds[above] - winds[below]))


def _shear(winds: Mapping[float, Floats], near: float, far: float) -> Floats:
    """Return the exponent that two heights show; the usual one where it is calm or not known."""
    slow = 0.5
    known = (winds[near] > slow) & (winds[far] > slow)
    times = np.where(known, winds[far], 1.0) / np.where(known, winds[near], 1.0)
    shown = np.log(times) / np.log(far / near)
    return np.where(known, np.clip(shown, *_SHEARS), _SHEAR)
