"""What thermal assets are able to do: zones that are heated or cooled, and tanks of heat."""

from dataclasses import dataclass

from wattmesh_kernel.checks import (
    require,
    require_at_least,
    require_between,
    require_finite,
    require_positive,
)
from wattmesh_kernel.sites.ratings import require_rising

DEFAULT_AMBIENT_CELSIUS = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CopPoint:
    """Heat (or cold) delivered per electric energy at one outdoor temperature [°C]."""

    outdoor_temperature_celsius: float
    cop_ratio: float

    def __post_init__(self) -> None:
        require_finite(self.outdoor_temperature_celsius, "cop_points.outdoor_temperature_celsius")
        require_positive(self.cop_ratio, "cop_points.cop_ratio")


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatPumpRating:
    """A machine that turns electric power [W] into heat or cold.

    `cop_points` rise by temperature; linear between, constant outside; a single one of 1 is direct
    electric heating.
    """

    max_power_w: float
    cop_points: tuple[CopPoint, ...]
    min_power_w: float = 0.0

    def __post_init__(self) -> None:
        require_at_least(self.max_power_w, 0, "max_power_w")
        require_between(self.min_power_w, 0, self.max_power_w, "min_power_w")
        require(bool(self.cop_points), "MISSING_FIELD", "a COP is required", "cop_points")
        temperatures = [point.outdoor_temperature_celsius for point in self.cop_points]
        require_rising(temperatures, "cop_points")


@dataclass(frozen=True, kw_only=True, slots=True)
class ComfortBand:
    """A band of temperature [°C]."""

    min_temperature_celsius: float
    max_temperature_celsius: float

    def __post_init__(self) -> None:
        require_finite(self.min_temperature_celsius, "min_temperature_celsius")
        require_at_least(
            self.max_temperature_celsius, self.min_temperature_celsius, "max_temperature_celsius"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneThermalModel:
    """Resistances [K/W] and capacities [Wh/K] of a zone; with a mass node it is of second order."""

    air_capacity_wh_per_k: float
    air_outdoor_resistance_k_per_w: float
    mass_capacity_wh_per_k: float | None = None
    air_mass_resistance_k_per_w: float | None = None

    def __post_init__(self) -> None:
        for field in self.__slots__:
            require_positive(getattr(self, field), field)
        require(
            (self.mass_capacity_wh_per_k is None) == (self.air_mass_resistance_k_per_w is None),
            "INVALID_VALUE",
            "capacity and resistance of the mass node go together",
            "air_mass_resistance_k_per_w",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class HvacZoneRating:
    """A heated or cooled zone; without a thermal model nobody can plan it yet."""

    occupied_band: ComfortBand
    unoccupied_band: ComfortBand | None = None
    thermal_model: ZoneThermalModel | None = None
    heating: HeatPumpRating | None = None
    cooling: HeatPumpRating | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TankRating:
    """A fully mixed tank of heat: capacity [Wh/K], edges [°C], standing loss [W/K]."""

    capacity_wh_per_k: float
    min_temperature_celsius: float
    max_temperature_celsius: float
    heater: HeatPumpRating
    loss_w_per_k: float = 0.0
    ambient_temperature_celsius: float = DEFAULT_AMBIENT_CELSIUS

    def __post_init__(self) -> None:
        require_positive(self.capacity_wh_per_k, "capacity_wh_per_k")
        require_finite(self.min_temperature_celsius, "min_temperature_celsius")
        require_at_least(
            self.max_temperature_celsius, self.min_temperature_celsius, "max_temperature_celsius"
        )
        require_at_least(self.loss_w_per_k, 0, "loss_w_per_k")
        require_finite(self.ambient_temperature_celsius, "ambient_temperature_celsius")
