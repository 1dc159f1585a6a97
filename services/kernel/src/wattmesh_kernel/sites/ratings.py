"""What electric assets are able to do.

Power into an asset is positive; `max_…` and `min_…` are magnitudes at the AC side. Costs are in the
currency of the site. Constructors refuse what no asset can be (InvalidArgument with the field).
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from wattmesh_kernel.checks import (
    require,
    require_at_least,
    require_between,
    require_efficiency,
    require_positive,
)
from wattmesh_kernel.time import TimeRange

DEFAULT_VOLTAGE_V = 230.0
"""Voltage to neutral where a charge point does not say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GridConnectionRating:
    """The connection to the electricity grid; limits in W, None: no limit."""

    max_import_power_w: float | None = None
    max_export_power_w: float | None = None
    max_phase_import_power_w: float | None = None
    max_phase_export_power_w: float | None = None

    def __post_init__(self) -> None:
        for field in self.__slots__:
            require_at_least(getattr(self, field), 0, field)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadRating:
    """Consumption that nobody steers.

    `derived`: not metered, but what the site's balance leaves over. `informational`: a part of
    another load, which does not count in the balance. `critical_ratio` is the share that must be
    supplied in islanded operation.
    """

    derived: bool = False
    informational: bool = False
    critical_ratio: float = 1.0

    def __post_init__(self) -> None:
        require(
            not (self.derived and self.informational),
            "INVALID_VALUE",
            "a load that is derived from the balance cannot stand outside of it",
            "informational",
        )
        require_between(self.critical_ratio, 0, 1, "critical_ratio")


@dataclass(frozen=True, kw_only=True, slots=True)
class PvRating:
    """Solar generation; `max_output_power_w` is the inverter's."""

    peak_power_w: float
    max_output_power_w: float | None = None
    max_apparent_power_va: float | None = None
    tilt_degrees: float | None = None
    azimuth_degrees: float | None = None
    curtailable: bool = False

    def __post_init__(self) -> None:
        require_positive(self.peak_power_w, "peak_power_w")
        require_positive(self.max_output_power_w, "max_output_power_w")
        require_at_least(self.max_apparent_power_va, self.output_power_w, "max_apparent_power_va")
        require_between(self.tilt_degrees, 0, 90, "tilt_degrees")
        require_between(self.azimuth_degrees, 0, 360, "azimuth_degrees")

    @property
    def output_power_w(self) -> float:
        """Most AC power [W]: the inverter's, or that of the modules."""
        return self.peak_power_w if self.max_output_power_w is None else self.max_output_power_w


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerCurvePoint:
    """Power that a wind turbine gives out [W] at a wind speed at hub height [m/s]."""

    wind_speed_m_per_s: float
    output_power_w: float

    def __post_init__(self) -> None:
        require_at_least(self.wind_speed_m_per_s, 0, "power_curve.wind_speed_m_per_s")
        require_at_least(self.output_power_w, 0, "power_curve.output_power_w")


@dataclass(frozen=True, kw_only=True, slots=True)
class WindRating:
    """Wind generation; an empty power curve is not known."""

    max_output_power_w: float
    hub_height_m: float | None = None
    rotor_diameter_m: float | None = None
    power_curve: tuple[PowerCurvePoint, ...] = ()
    curtailable: bool = False

    def __post_init__(self) -> None:
        require_positive(self.max_output_power_w, "max_output_power_w")
        require_positive(self.hub_height_m, "hub_height_m")
        require_positive(self.rotor_diameter_m, "rotor_diameter_m")
        require_rising([point.wind_speed_m_per_s for point in self.power_curve], "power_curve")


@dataclass(frozen=True, kw_only=True, slots=True)
class SocPowerLimit:
    """Largest powers [W] at one state of charge."""

    soc_ratio: float
    max_charge_power_w: float
    max_discharge_power_w: float

    def __post_init__(self) -> None:
        require_between(self.soc_ratio, 0, 1, "soc_power_limits.soc_ratio")
        require_at_least(self.max_charge_power_w, 0, "soc_power_limits.max_charge_power_w")
        require_at_least(self.max_discharge_power_w, 0, "soc_power_limits.max_discharge_power_w")


@dataclass(frozen=True, kw_only=True, slots=True)
class BatteryRating:
    """Electric storage: energy [Wh], powers [W], efficiencies and window of the state of charge.

    `soc_power_limits` rise by state of charge; linear between, constant outside; empty: none.
    """

    capacity_wh: float
    max_charge_power_w: float
    max_discharge_power_w: float
    charge_efficiency_ratio: float = 1.0
    discharge_efficiency_ratio: float = 1.0
    min_soc_ratio: float = 0.0
    max_soc_ratio: float = 1.0
    self_discharge_ratio_per_hour: float = 0.0
    wear_cost_per_kwh: float = 0.0
    min_charge_power_w: float = 0.0
    min_discharge_power_w: float = 0.0
    soc_power_limits: tuple[SocPowerLimit, ...] = ()
    max_apparent_power_va: float | None = None

    def __post_init__(self) -> None:
        require_positive(self.capacity_wh, "capacity_wh")
        require_at_least(self.max_charge_power_w, 0, "max_charge_power_w")
        require_at_least(self.max_discharge_power_w, 0, "max_discharge_power_w")
        require_efficiency(self.charge_efficiency_ratio, "charge_efficiency_ratio")
        require_efficiency(self.discharge_efficiency_ratio, "discharge_efficiency_ratio")
        require_between(self.max_soc_ratio, 0, 1, "max_soc_ratio")
        require_between(self.min_soc_ratio, 0, self.max_soc_ratio, "min_soc_ratio")
        self._check_particulars()

    def _check_particulars(self) -> None:
        loss, field = self.self_discharge_ratio_per_hour, "self_discharge_ratio_per_hour"
        require(0 <= loss < 1, "INVALID_VALUE", "a loss is 0 to below 1", field)
        require_at_least(self.wear_cost_per_kwh, 0, "wear_cost_per_kwh")
        require_between(self.min_charge_power_w, 0, self.max_charge_power_w, "min_charge_power_w")
        require_between(
            self.min_discharge_power_w, 0, self.max_discharge_power_w, "min_discharge_power_w"
        )
        require_rising([point.soc_ratio for point in self.soc_power_limits], "soc_power_limits")
        most = max(self.max_charge_power_w, self.max_discharge_power_w)
        require_at_least(self.max_apparent_power_va, most, "max_apparent_power_va")


@dataclass(frozen=True, kw_only=True, slots=True)
class EvChargerRating:
    """A charge point; its power is current × voltage × number of phases."""

    max_current_a: float
    min_current_a: float = 0.0
    voltage_v: float = DEFAULT_VOLTAGE_V
    max_discharge_power_w: float = 0.0
    charge_efficiency_ratio: float = 1.0
    discharge_efficiency_ratio: float = 1.0

    def __post_init__(self) -> None:
        require_positive(self.max_current_a, "max_current_a")
        require_between(self.min_current_a, 0, self.max_current_a, "min_current_a")
        require_positive(self.voltage_v, "voltage_v")
        require_at_least(self.max_discharge_power_w, 0, "max_discharge_power_w")
        require_efficiency(self.charge_efficiency_ratio, "charge_efficiency_ratio")
        require_efficiency(self.discharge_efficiency_ratio, "discharge_efficiency_ratio")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeferrableRating:
    """Work that can be done later; powers while running [W]."""

    max_power_w: float
    min_power_w: float = 0.0
    interruptible: bool = False
    min_on_duration: timedelta = timedelta(0)
    min_off_duration: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        require_positive(self.max_power_w, "max_power_w")
        require_between(self.min_power_w, 0, self.max_power_w, "min_power_w")
        require_duration(self.min_on_duration, "min_on_duration")
        require_duration(self.min_off_duration, "min_off_duration")


_MOST_MAINTENANCE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratorRating:
    """A generator set: powers out [W], costs and emissions of energy given out."""

    max_output_power_w: float
    min_output_power_w: float = 0.0
    start_cost: float = 0.0
    fuel_cost_per_kwh: float = 0.0
    running_cost_per_hour: float = 0.0
    min_up_duration: timedelta = timedelta(0)
    min_down_duration: timedelta = timedelta(0)
    emission_gco2e_per_kwh: float = 0.0
    maintenance_ranges: tuple[TimeRange, ...] = ()
    """When it is maintained: nobody plans on it then."""

    def __post_init__(self) -> None:
        few = len(self.maintenance_ranges) <= _MOST_MAINTENANCE
        require(few, "TOO_MANY_ITEMS", "more maintenance than 100 ranges", "maintenance_ranges")
        require_positive(self.max_output_power_w, "max_output_power_w")
        require_between(self.min_output_power_w, 0, self.max_output_power_w, "min_output_power_w")
        for field in (
            "start_cost",
            "fuel_cost_per_kwh",
            "running_cost_per_hour",
            "emission_gco2e_per_kwh",
        ):
            require_at_least(getattr(self, field), 0, field)
        require_duration(self.min_up_duration, "min_up_duration")
        require_duration(self.min_down_duration, "min_down_duration")


def require_rising(values: list[float], field: str) -> None:
    """Raise InvalidArgument unless every value is above the one before."""
    rising = all(low < high for low, high in pairwise(values))
    require(rising, "NOT_RISING", f"the points of {field} must rise", field)


def require_duration(duration: timedelta, field: str) -> None:
    """Raise InvalidArgument when a duration is negative."""
    require(duration >= timedelta(0), "INVALID_DURATION", f"{field} must not be negative", field)
