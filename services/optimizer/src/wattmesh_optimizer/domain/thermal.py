"""Heated and cooled zones, tanks, and the machines that serve them."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain import checks
from wattmesh_optimizer.domain.checks import Floats

_MOST_AFTER = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatPump:
    """Machine that turns electric power [kW] into heat or cold.

    `cop_points`: (outdoor temperature [degC], heat per electric energy), ordered; the COP is
    linear between them and constant outside.
    """

    max_power_kw: float
    cop_points: tuple[tuple[float, float], ...]
    min_power_kw: float = 0.0

    def __post_init__(self) -> None:
        checks.at_least("max_power_w", self.max_power_kw, 0)
        checks.within("min_power_w", self.min_power_kw, 0, self.max_power_kw)
        if not self.cop_points:
            raise checks.refuse("cop_points", "needs at least one point")
        temperatures = [temperature for temperature, _ in self.cop_points]
        if any(low >= high for low, high in itertools.pairwise(temperatures)):
            raise checks.refuse("cop_points", "must be ordered by temperature")
        for _, cop in self.cop_points:
            checks.positive("cop_points.cop_ratio", cop)

    def cop_ratios(self, outdoor_temperatures_celsius: Floats) -> Floats:
        """Return the COP per interval: 3 at 0 degC and 5 at 10 degC gives 4 at 5 degC."""
        temperatures, cops = zip(*self.cop_points, strict=True)
        return np.asarray(np.interp(outdoor_temperatures_celsius, temperatures, cops))


@dataclass(frozen=True, kw_only=True, slots=True)
class ComfortBand:
    """Temperatures [degC] that please."""

    min_temperature_celsius: float
    max_temperature_celsius: float

    def __post_init__(self) -> None:
        checks.finite("min_temperature_celsius", self.min_temperature_celsius)
        checks.at_least(
            "max_temperature_celsius", self.max_temperature_celsius, self.min_temperature_celsius
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ZoneAfter:
    """The time after the horizon as one zone sees it, in steps of `hours` of its own.

    Series are (m,): prices [currency/kWh], gains [kW], temperatures [degC]; the edges of comfort
    hold at each step's end.
    """

    hours: float
    prices_per_kwh: Floats
    outdoor_temperatures_celsius: Floats
    min_temperatures_celsius: Floats
    max_temperatures_celsius: Floats
    heat_gains_kw: Floats | None = None

    def __post_init__(self) -> None:
        checks.within("after.resolution", self.hours, 0, 24)
        checks.positive("after.resolution", self.hours)
        checks.within("after.prices_per_kwh", len(self.prices_per_kwh), 1, _MOST_AFTER)
        for name in (
            "prices_per_kwh",
            "outdoor_temperatures_celsius",
            "min_temperatures_celsius",
            "max_temperatures_celsius",
            "heat_gains_kw",
        ):
            if (values := getattr(self, name)) is not None:
                series = checks.series(f"after.{name}", values, self.count)
                object.__setattr__(self, name, series)
        if (self.min_temperatures_celsius > self.max_temperatures_celsius).any():
            raise checks.refuse("after.max_temperatures_celsius", "is below the lower edge")

    @property
    def count(self) -> int:
        """Number of steps."""
        return len(self.prices_per_kwh)

    @property
    def gains_kw(self) -> Floats:
        """Heat gains per step [kW], 0 where none were given."""
        return np.zeros(self.count) if self.heat_gains_kw is None else self.heat_gains_kw


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HvacZone:
    """Heated or cooled zone: RC model of first order, or second with `mass_capacity_kwh_per_k`.

    Capacities [kWh/K], resistances [K/kW], gains [kW], temperatures [degC]. `after` and
    `added_prices_per_kwh`, what else a kWh of its machines costs [currency/kWh], weigh in the
    choice of a plan and are no part of its cost.
    """

    air_capacity_kwh_per_k: float
    air_outdoor_resistance_k_per_kw: float
    initial_air_temperature_celsius: float
    outdoor_temperatures_celsius: Floats
    occupied_band: ComfortBand
    mass_capacity_kwh_per_k: float | None = None
    air_mass_resistance_k_per_kw: float | None = None
    initial_mass_temperature_celsius: float | None = None
    heat_gains_kw: Floats | None = None
    heating: HeatPump | None = None
    cooling: HeatPump | None = None
    unoccupied_band: ComfortBand | None = None
    occupancy_ratios: Floats | None = None
    min_temperatures_celsius: Floats | None = None
    max_temperatures_celsius: Floats | None = None
    discomfort_price_per_kelvin_hour: float = 1.0
    after: ZoneAfter | None = None
    added_prices_per_kwh: Floats | None = None

    def __post_init__(self) -> None:
        checks.positive("air_capacity_wh_per_k", self.air_capacity_kwh_per_k)
        checks.positive("air_outdoor_resistance_k_per_w", self.air_outdoor_resistance_k_per_kw)
        checks.finite("initial_air_temperature_celsius", self.initial_air_temperature_celsius)
        if self.initial_mass_temperature_celsius is not None:
            checks.finite("initial_mass_temperature_celsius", self.initial_mass_temperature_celsius)
        if self.mass_capacity_kwh_per_k is not None:
            checks.positive("mass_capacity_wh_per_k", self.mass_capacity_kwh_per_k)
            if self.air_mass_resistance_k_per_kw is None:
                raise checks.refuse("air_mass_resistance_k_per_w", "needed with a mass node")
            checks.positive("air_mass_resistance_k_per_w", self.air_mass_resistance_k_per_kw)
        count = len(self.outdoor_temperatures_celsius)
        for name in ("outdoor_temperatures_celsius", "heat_gains_kw", "occupancy_ratios"):
            if (values := getattr(self, name)) is not None:
                object.__setattr__(self, name, checks.series(name, values, count))
        if self.added_prices_per_kwh is not None:
            added = checks.series("added_prices_per_kwh", self.added_prices_per_kwh, count, low=0)
            object.__setattr__(self, "added_prices_per_kwh", added)
        self._check_edges(count)
        checks.positive("discomfort_price_per_kelvin_hour", self.discomfort_price_per_kelvin_hour)

    def _check_edges(self, count: int) -> None:
        """Keep the edges of every interval, where they are given, as series."""
        low, high = self.min_temperatures_celsius, self.max_temperatures_celsius
        if (low is None) != (high is None):
            raise checks.refuse("max_temperatures_celsius", "both edges go together")
        for name in ("min_temperatures_celsius", "max_temperatures_celsius"):
            if (values := getattr(self, name)) is not None:
                object.__setattr__(self, name, checks.series(name, values, count))
        low, high = self.min_temperatures_celsius, self.max_temperatures_celsius
        if low is not None and high is not None and (low > high).any():
            raise checks.refuse("max_temperatures_celsius", "is below the lower edge")

    @property
    def occupied(self) -> NDArray[np.bool_]:
        """Which intervals count as occupied: probability 0.5 and above."""
        if self.occupancy_ratios is None:
            return np.ones(len(self.outdoor_temperatures_celsius), dtype=np.bool_)
        return self.occupancy_ratios >= 0.5

    @property
    def bands_celsius(self) -> tuple[Floats, Floats]:
        """Lower and upper edge of comfort per interval [degC]."""
        low, high = self.min_temperatures_celsius, self.max_temperatures_celsius
        if low is not None and high is not None:
            return low, high
        away = self.unoccupied_band or self.occupied_band
        here = self.occupied_band
        return (
            np.where(self.occupied, here.min_temperature_celsius, away.min_temperature_celsius),
            np.where(self.occupied, here.max_temperature_celsius, away.max_temperature_celsius),
        )

    @property
    def gains_kw(self) -> Floats:
        """Heat gains per interval [kW], 0 where none were given."""
        if self.heat_gains_kw is None:
            return np.zeros(len(self.outdoor_temperatures_celsius))
        return self.heat_gains_kw


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ThermalTank:
    """Fully mixed tank; capacity [kWh/K], loss [kW/K], draws [kW], temperatures [degC].

    `draw_heats_kw` has one value per interval; without `outdoor_temperatures_celsius` the first COP
    point holds.
    """

    capacity_kwh_per_k: float
    initial_temperature_celsius: float
    min_temperature_celsius: float
    max_temperature_celsius: float
    heater: HeatPump
    draw_heats_kw: Floats
    loss_kw_per_k: float = 0.0
    ambient_temperature_celsius: float = 20.0
    outdoor_temperatures_celsius: Floats | None = None
    shortfall_price_per_kwh: float = 2.0
    terminal_value_per_kwh: float = 0.0

    def __post_init__(self) -> None:
        checks.positive("capacity_wh_per_k", self.capacity_kwh_per_k)
        checks.finite("initial_temperature_celsius", self.initial_temperature_celsius)
        checks.finite("min_temperature_celsius", self.min_temperature_celsius)
        checks.at_least(
            "max_temperature_celsius", self.max_temperature_celsius, self.min_temperature_celsius
        )
        checks.at_least("loss_w_per_k", self.loss_kw_per_k, 0)
        checks.finite("ambient_temperature_celsius", self.ambient_temperature_celsius)
        count = len(self.draw_heats_kw)
        draws = checks.series("draw_heats_w", self.draw_heats_kw, count, low=0)
        object.__setattr__(self, "draw_heats_kw", draws)
        if self.outdoor_temperatures_celsius is not None:
            outdoor = checks.series(
                "outdoor_temperatures_celsius", self.outdoor_temperatures_celsius, count
            )
            object.__setattr__(self, "outdoor_temperatures_celsius", outdoor)
        checks.positive("shortfall_price_per_kwh", self.shortfall_price_per_kwh)
        checks.at_least("terminal_value_per_kwh", self.terminal_value_per_kwh, 0)

    @property
    def cop_ratios(self) -> Floats:
        """COP of the heater per interval."""
        if self.outdoor_temperatures_celsius is None:
            return np.full(len(self.draw_heats_kw), self.heater.cop_points[0][1])
        return self.heater.cop_ratios(self.outdoor_temperatures_celsius)

    def terminal_value_per_kelvin(self, hours: float) -> float:
        """Return what a kelvin above the lower edge is worth at the end [currency/K].

        Never more than missing one costs in an interval of `hours`, or missing it would pay.
        """
        value = min(self.terminal_value_per_kwh, self.shortfall_price_per_kwh * hours)
        return self.capacity_kwh_per_k * value
