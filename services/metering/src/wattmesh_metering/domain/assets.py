"""What consumes, generates or stores energy at a site. Power into the asset is positive."""

from dataclasses import dataclass
from types import MappingProxyType

from wattmesh_kernel.ids import AssetId
from wattmesh_metering.domain.checks import (
    require,
    require_at_least,
    require_between,
    require_display_name,
    require_finite,
    require_positive,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class GridConnection:
    """The site's connection to the grid: its meter sees the sum of everything behind it."""

    import_limit_w: float | None = None
    export_limit_w: float | None = None

    def __post_init__(self) -> None:
        require_at_least(self.import_limit_w, 0, "import_limit_w")
        require_at_least(self.export_limit_w, 0, "export_limit_w")


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Consumption that nobody steers.

    `derived`: not metered, but what the site's balance leaves over. `informational`: a sub-meter
    of a part of another load, which does not count in the balance.
    """

    derived: bool = False
    informational: bool = False

    def __post_init__(self) -> None:
        require(
            not (self.derived and self.informational),
            "INVALID_LOAD",
            "a load that is derived from the balance cannot stand outside of it",
            "load",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PvArray:
    """Solar generation. Without `inverter_power_w` it is the peak power."""

    peak_power_w: float
    inverter_power_w: float | None = None
    tilt_degrees: float | None = None
    azimuth_degrees: float | None = None
    curtailable: bool = False

    def __post_init__(self) -> None:
        require_positive(self.peak_power_w, "peak_power_w")
        require_positive(self.inverter_power_w, "inverter_power_w")
        require_between(self.tilt_degrees, 0, 90, "tilt_degrees")
        require_between(self.azimuth_degrees, 0, 360, "azimuth_degrees")


@dataclass(frozen=True, kw_only=True, slots=True)
class WindTurbine:
    """Wind generation."""

    rated_power_w: float
    hub_height_m: float | None = None
    curtailable: bool = False

    def __post_init__(self) -> None:
        require_positive(self.rated_power_w, "rated_power_w")
        require_positive(self.hub_height_m, "hub_height_m")


@dataclass(frozen=True, kw_only=True, slots=True)
class Battery:
    """Electric storage; powers are on the AC side. Without `max_soc_ratio` it is 1."""

    capacity_wh: float
    charge_limit_w: float
    discharge_limit_w: float
    charge_efficiency_ratio: float
    discharge_efficiency_ratio: float
    min_soc_ratio: float = 0.0
    max_soc_ratio: float | None = None
    wear_cost_per_kwh: float | None = None

    def __post_init__(self) -> None:
        require_positive(self.capacity_wh, "capacity_wh")
        require_at_least(self.charge_limit_w, 0, "charge_limit_w")
        require_at_least(self.discharge_limit_w, 0, "discharge_limit_w")
        for field in ("charge_efficiency_ratio", "discharge_efficiency_ratio"):
            require_positive(getattr(self, field), field)
            require_between(getattr(self, field), 0, 1, field)
        highest = 1.0 if self.max_soc_ratio is None else self.max_soc_ratio
        require_between(highest, 0, 1, "max_soc_ratio")
        require_between(self.min_soc_ratio, 0, highest, "min_soc_ratio")
        require_at_least(self.wear_cost_per_kwh, 0, "wear_cost_per_kwh")


@dataclass(frozen=True, kw_only=True, slots=True)
class EvCharger:
    """A charging point for electric vehicles. Without `voltage_v` it is 230."""

    min_current_a: float
    max_current_a: float
    phases: int
    voltage_v: float | None = None
    bidirectional: bool = False

    def __post_init__(self) -> None:
        require_positive(self.max_current_a, "max_current_a")
        require_between(self.min_current_a, 0, self.max_current_a, "min_current_a")
        require(self.phases in (1, 3), "INVALID_VALUE", "phases must be 1 or 3", "phases")
        require_positive(self.voltage_v, "voltage_v")


@dataclass(frozen=True, kw_only=True, slots=True)
class HvacZone:
    """A heated or cooled zone, as a first- or second-order resistance-capacitance model."""

    capacitance_wh_per_k: float
    resistance_k_per_w: float
    power_limit_w: float
    cop_ratio: float
    comfort_min_celsius: float
    comfort_max_celsius: float
    mass_capacitance_wh_per_k: float | None = None
    mass_resistance_k_per_w: float | None = None

    def __post_init__(self) -> None:
        require_positive(self.capacitance_wh_per_k, "capacitance_wh_per_k")
        require_positive(self.resistance_k_per_w, "resistance_k_per_w")
        require_at_least(self.power_limit_w, 0, "power_limit_w")
        require_positive(self.cop_ratio, "cop_ratio")
        require_finite(self.comfort_min_celsius, "comfort_min_celsius")
        require_at_least(self.comfort_max_celsius, self.comfort_min_celsius, "comfort_max_celsius")
        require_positive(self.mass_capacitance_wh_per_k, "mass_capacitance_wh_per_k")
        require_positive(self.mass_resistance_k_per_w, "mass_resistance_k_per_w")
        require(
            (self.mass_capacitance_wh_per_k is None) == (self.mass_resistance_k_per_w is None),
            "INVALID_VALUE",
            "capacitance and resistance of the heavy mass go together",
            "mass_resistance_k_per_w",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ThermalTank:
    """Heat kept in a tank, such as hot water."""

    capacity_wh: float
    power_limit_w: float
    cop_ratio: float
    loss_ratio_per_hour: float = 0.0

    def __post_init__(self) -> None:
        require_positive(self.capacity_wh, "capacity_wh")
        require_at_least(self.power_limit_w, 0, "power_limit_w")
        require_positive(self.cop_ratio, "cop_ratio")
        require_between(self.loss_ratio_per_hour, 0, 1, "loss_ratio_per_hour")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeferrableLoad:
    """Work that can be done later."""

    power_w: float
    interruptible: bool = False

    def __post_init__(self) -> None:
        require_positive(self.power_w, "power_w")


@dataclass(frozen=True, kw_only=True, slots=True)
class Generator:
    """A generator set; costs are in the site's currency."""

    rated_output_w: float
    min_output_w: float = 0.0
    start_cost: float = 0.0
    fuel_cost_per_kwh: float = 0.0
    fuel_gco2e_per_kwh: float = 0.0

    def __post_init__(self) -> None:
        require_positive(self.rated_output_w, "rated_output_w")
        require_between(self.min_output_w, 0, self.rated_output_w, "min_output_w")
        require_at_least(self.start_cost, 0, "start_cost")
        require_at_least(self.fuel_cost_per_kwh, 0, "fuel_cost_per_kwh")
        require_at_least(self.fuel_gco2e_per_kwh, 0, "fuel_gco2e_per_kwh")


AssetKind = (
    GridConnection
    | Load
    | PvArray
    | WindTurbine
    | Battery
    | EvCharger
    | HvacZone
    | ThermalTank
    | DeferrableLoad
    | Generator
)

KINDS: MappingProxyType[str, type[AssetKind]] = MappingProxyType(
    {
        "grid_connection": GridConnection,
        "load": Load,
        "pv_array": PvArray,
        "wind_turbine": WindTurbine,
        "battery": Battery,
        "ev_charger": EvCharger,
        "hvac_zone": HvacZone,
        "thermal_tank": ThermalTank,
        "deferrable_load": DeferrableLoad,
        "generator": Generator,
    }
)
"""Every kind of asset by the name that the wire and the database give it."""

KIND_NAMES: MappingProxyType[type[AssetKind], str] = MappingProxyType(
    {kind: name for name, kind in KINDS.items()}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """Something at a site with the parameters that planning needs."""

    id: AssetId
    kind: AssetKind
    display_name: str = ""

    def __post_init__(self) -> None:
        require_display_name(self.display_name)

    @property
    def name(self) -> str:
        """The resource name."""
        return self.id.name
