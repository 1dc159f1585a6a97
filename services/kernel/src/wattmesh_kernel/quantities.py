"""What a point can measure: the quantity with its unit is the point's id."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Kind(Enum):
    """How values of a quantity are read."""

    GAUGE = "gauge"
    """A state or a mean over the interval that ends at the measure time."""

    REGISTER = "register"
    """A cumulative count that only grows; differences are what happened between two times."""


class Quality(Enum):
    """Where a value comes from."""

    MEASURED = "measured"
    """Read from a meter."""

    ESTIMATED = "estimated"
    """Computed, since no reading was there."""

    SUBSTITUTED = "substituted"
    """Put in the place of a reading that was refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A measured quantity: its id ends with its unit.

    Powers are positive into the component. `minimum` and `maximum` (in `unit`) are what physics
    allows; None means no bound.
    """

    id: str
    unit: str
    kind: Kind
    minimum: float | None = None
    maximum: float | None = None

    def accepts(self, value: float) -> bool:
        """Return whether `value` is finite and within the physical bounds."""
        return (
            math.isfinite(value)
            and (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
        )


# Far beyond anything that is built, so that what lies outside is no measurement: more than all
# plants of the world together, the highest lines' voltage, the hottest furnaces, the worst storms.
_MOST_ENERGY = 1e15
_MOST_POWER = 1e12


def _register(quantity: str, unit: str) -> Quantity:
    return Quantity(id=quantity, unit=unit, kind=Kind.REGISTER, minimum=0.0, maximum=_MOST_ENERGY)


def _gauge(
    quantity: str, unit: str, minimum: float | None = None, maximum: float | None = None
) -> Quantity:
    return Quantity(id=quantity, unit=unit, kind=Kind.GAUGE, minimum=minimum, maximum=maximum)


_ALL = (
    _register("import_energy_wh", "Wh"),
    _register("export_energy_wh", "Wh"),
    _register("import_reactive_energy_varh", "varh"),
    _register("export_reactive_energy_varh", "varh"),
    _gauge("active_power_w", "W", -_MOST_POWER, _MOST_POWER),
    _gauge("active_power_l1_w", "W", -_MOST_POWER, _MOST_POWER),
    _gauge("active_power_l2_w", "W", -_MOST_POWER, _MOST_POWER),
    _gauge("active_power_l3_w", "W", -_MOST_POWER, _MOST_POWER),
    _gauge("reactive_power_var", "var", -_MOST_POWER, _MOST_POWER),
    _gauge("apparent_power_va", "VA", 0.0, _MOST_POWER),
    _gauge("voltage_v", "V", -3e6, 3e6),
    _gauge("current_a", "A", -1e6, 1e6),
    _gauge("frequency_hz", "Hz", 0.0, 1e5),
    _gauge("power_factor_ratio", "1", -1.0, 1.0),
    _gauge("soc_ratio", "1", 0.0, 1.0),
    _gauge("plugged_in_ratio", "1", 0.0, 1.0),
    _gauge("grid_connected_ratio", "1", 0.0, 1.0),
    _gauge("session_energy_wh", "Wh", 0.0, _MOST_ENERGY),
    _gauge("temperature_celsius", "°C", -273.15, 5000.0),
    _gauge("outdoor_temperature_celsius", "°C", -273.15, 100.0),
    _gauge("humidity_ratio", "1", 0.0, 1.0),
    _gauge("irradiance_w_per_m2", "W/m²", 0.0, 1e4),
    _gauge("wind_speed_m_per_s", "m/s", 0.0, 200.0),
    _gauge("occupancy_ratio", "1", 0.0, 1.0),
    _gauge("occupant_count", "1", 0.0, 1e6),
    _gauge("co2_ppm", "ppm", 0.0, 1e5),
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType({each.id: each for each in _ALL})
"""Every known quantity by its id; energies are at the component's terminals (AC side)."""
