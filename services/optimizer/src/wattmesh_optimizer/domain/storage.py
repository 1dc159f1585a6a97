"""Batteries and vehicles."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wattmesh_optimizer.domain import checks

SOC_WINDOW_PRICE = 20.0
"""Price of each kWh outside the state-of-charge window, per hour [currency/kWh per hour]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SocPowerLimit:
    """Largest powers [kW] at one state of charge."""

    soc_ratio: float
    max_charge_power_kw: float
    max_discharge_power_kw: float

    def __post_init__(self) -> None:
        checks.within("soc_power_limits.soc_ratio", self.soc_ratio, 0, 1)
        checks.at_least("soc_power_limits.max_charge_power_w", self.max_charge_power_kw, 0)
        checks.at_least("soc_power_limits.max_discharge_power_w", self.max_discharge_power_kw, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Battery:
    """Stationary battery; powers are at its node side [kW], energies stored [kWh].

    An `initial_soc_ratio` of None is unknown: the window's lower edge is assumed.
    """

    capacity_kwh: float
    max_charge_power_kw: float
    max_discharge_power_kw: float
    initial_soc_ratio: float | None = None
    min_soc_ratio: float = 0.0
    max_soc_ratio: float = 1.0
    charge_efficiency_ratio: float = 1.0
    discharge_efficiency_ratio: float = 1.0
    self_discharge_ratio_per_hour: float = 0.0
    terminal_value_per_kwh: float = 0.0
    final_soc_ratio: float | None = None
    final_soc_price_per_kwh: float = 10.0
    wear_cost_per_kwh: float = 0.0
    min_charge_power_kw: float = 0.0
    min_discharge_power_kw: float = 0.0
    soc_power_limits: tuple[SocPowerLimit, ...] = ()

    def __post_init__(self) -> None:
        checks.positive("capacity_wh", self.capacity_kwh)
        checks.within("min_soc_ratio", self.min_soc_ratio, 0, 1)
        checks.within("max_soc_ratio", self.max_soc_ratio, self.min_soc_ratio, 1)
        for name in ("initial_soc_ratio", "final_soc_ratio"):
            if (ratio := getattr(self, name)) is not None:
                checks.within(name, ratio, 0, 1)
        checks.efficiency("charge_efficiency_ratio", self.charge_efficiency_ratio)
        checks.efficiency("discharge_efficiency_ratio", self.discharge_efficiency_ratio)
        checks.within("self_discharge_ratio_per_hour", self.self_discharge_ratio_per_hour, 0, 0.999)
        checks.finite("terminal_value_per_kwh", self.terminal_value_per_kwh)
        checks.at_least("final_soc_price_per_kwh", self.final_soc_price_per_kwh, 0)
        checks.at_least("wear_cost_per_kwh", self.wear_cost_per_kwh, 0)
        checks.at_least("max_charge_power_w", self.max_charge_power_kw, 0)
        checks.at_least("max_discharge_power_w", self.max_discharge_power_kw, 0)
        checks.within("min_charge_power_w", self.min_charge_power_kw, 0, self.max_charge_power_kw)
        checks.within(
            "min_discharge_power_w", self.min_discharge_power_kw, 0, self.max_discharge_power_kw
        )
        ratios = [point.soc_ratio for point in self.soc_power_limits]
        if any(low >= high for low, high in itertools.pairwise(ratios)):
            raise checks.refuse("soc_power_limits", "must be ordered by soc_ratio")

    @property
    def initial_energy_kwh(self) -> float:
        """Energy stored at the horizon's start [kWh], assumed if unknown."""
        if self.initial_soc_ratio is None:
            return self.min_soc_ratio * self.capacity_kwh
        return self.initial_soc_ratio * self.capacity_kwh

    @property
    def min_energy_kwh(self) -> float:
        """Lower edge of the window [kWh]."""
        return self.min_soc_ratio * self.capacity_kwh

    @property
    def max_energy_kwh(self) -> float:
        """Upper edge of the window [kWh]."""
        return self.max_soc_ratio * self.capacity_kwh

    @property
    def soft_window(self) -> tuple[bool, bool]:
        """Whether physics may break the lower and the upper edge of the window.

        It may when the state of charge starts outside, or self-discharge can carry it there.
        """
        start = self.initial_energy_kwh
        loses = self.self_discharge_ratio_per_hour > 0 and self.min_energy_kwh > 0
        return start < self.min_energy_kwh or loses, start > self.max_energy_kwh

    @property
    def usable_edges_kwh(self) -> tuple[float, float]:
        """Edges reserves may go to [kWh]: the window's, or physics' where the window is soft."""
        soft_low, soft_high = self.soft_window
        return (
            0.0 if soft_low else self.min_energy_kwh,
            self.capacity_kwh if soft_high else self.max_energy_kwh,
        )

    def retention(self, hours: float) -> float:
        """Return which part of the stored energy is left after `hours`: 0.99 per h, 2 h → 0.98."""
        return float((1.0 - self.self_discharge_ratio_per_hour) ** hours)


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlyDeparture:
    """The probability that a vehicle has left by `time`, 0 to 1."""

    time: datetime
    ratio: float

    def __post_init__(self) -> None:
        checks.within("sessions.early_departures.ratio", self.ratio, 0, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class EvSession:
    """One stay of one vehicle, with what its driver requires by departure.

    Exactly one of `target_energy_kwh` (to be added) and `target_soc_ratio`, or neither. An
    `initial_soc_ratio` of None is unknown: `assumed_soc_ratio` is taken. `early_departures` say
    how it may leave before `departure`, linear between them, 0 before the first; what is missed by
    them has a price of its own, None: that of missing.
    """

    id: str
    arrival: datetime
    departure: datetime
    capacity_kwh: float
    initial_soc_ratio: float | None = None
    assumed_soc_ratio: float = 0.2
    target_energy_kwh: float | None = None
    target_soc_ratio: float | None = None
    shortfall_price_per_kwh: float = 10.0
    min_soc_ratio: float = 0.0
    wear_cost_per_kwh: float = 0.0
    terminal_value_per_kwh: float = 0.0
    early_departures: tuple[EarlyDeparture, ...] = ()
    early_departure_price_per_kwh: float | None = None

    def __post_init__(self) -> None:
        if not self.id:
            raise checks.refuse("sessions.id", "must not be empty")
        if self.departure <= self.arrival:
            raise checks.refuse("sessions.departure_time", f"{self.id}: not after arrival")
        checks.positive("sessions.capacity_wh", self.capacity_kwh)
        checks.within("sessions.assumed_soc_ratio", self.assumed_soc_ratio, 0, 1)
        if self.initial_soc_ratio is not None:
            checks.within("sessions.initial_soc_ratio", self.initial_soc_ratio, 0, 1)
        if self.target_energy_kwh is not None and self.target_soc_ratio is not None:
            raise checks.refuse("sessions.target", "has an energy and a state of charge")
        if self.target_energy_kwh is not None:
            checks.at_least("sessions.target_energy_wh", self.target_energy_kwh, 0)
        if self.target_soc_ratio is not None:
            checks.within("sessions.target_soc_ratio", self.target_soc_ratio, 0, 1)
        checks.positive("sessions.shortfall_price_per_kwh", self.shortfall_price_per_kwh)
        checks.within("sessions.min_soc_ratio", self.min_soc_ratio, 0, 1)
        checks.at_least("sessions.wear_cost_per_kwh", self.wear_cost_per_kwh, 0)
        checks.at_least("sessions.terminal_value_per_kwh", self.terminal_value_per_kwh, 0)
        if self.early_departure_price_per_kwh is not None:
            price = self.early_departure_price_per_kwh
            checks.at_least("sessions.early_departure_price_per_kwh", price, 0)
        for earlier, later in itertools.pairwise(self.early_departures):
            if earlier.time >= later.time or earlier.ratio > later.ratio:
                raise checks.refuse("sessions.early_departures", f"{self.id}: must rise")

    @property
    def initial_energy_kwh(self) -> float:
        """Energy in the vehicle at arrival [kWh], assumed if unknown."""
        known = self.initial_soc_ratio
        return (self.assumed_soc_ratio if known is None else known) * self.capacity_kwh

    @property
    def risk_price_per_kwh(self) -> float:
        """Price of energy that is expected to be missed by early departures [currency/kWh]."""
        price = self.early_departure_price_per_kwh
        return self.shortfall_price_per_kwh if price is None else price

    @property
    def room_kwh(self) -> float:
        """Energy that still fits in [kWh]."""
        return self.capacity_kwh - self.initial_energy_kwh

    @property
    def required_kwh(self) -> float:
        """Energy to be added by departure [kWh]; may be more than fits in."""
        if self.target_energy_kwh is not None:
            return self.target_energy_kwh
        if self.target_soc_ratio is not None:
            return max(0.0, self.target_soc_ratio * self.capacity_kwh - self.initial_energy_kwh)
        return 0.0

    @property
    def spare_kwh(self) -> float:
        """Energy it may leave without, of what it came with [kWh]: down to a target that is said.

        60 kWh that come with 0.8 and need 0.5 have 18 kWh to spare; without a target, none.
        """
        if self.target_soc_ratio is None:
            return 0.0
        return max(0.0, self.initial_energy_kwh - self.target_soc_ratio * self.capacity_kwh)


@dataclass(frozen=True, kw_only=True, slots=True)
class EvCharger:
    """Charge point with the stays of its vehicles.

    Currents are per phase [A]; the power limits follow from voltage and number of phases.
    """

    max_current_a: float
    min_current_a: float = 0.0
    voltage_v: float = 230.0
    max_discharge_power_kw: float = 0.0
    charge_efficiency_ratio: float = 1.0
    discharge_efficiency_ratio: float = 1.0
    sessions: tuple[EvSession, ...] = ()

    def __post_init__(self) -> None:
        checks.positive("max_current_a", self.max_current_a)
        checks.within("min_current_a", self.min_current_a, 0, self.max_current_a)
        checks.positive("voltage_v", self.voltage_v)
        checks.at_least("max_discharge_power_w", self.max_discharge_power_kw, 0)
        checks.efficiency("charge_efficiency_ratio", self.charge_efficiency_ratio)
        checks.efficiency("discharge_efficiency_ratio", self.discharge_efficiency_ratio)
        checks.unique("sessions.id", (session.id for session in self.sessions))
        _refuse_overlap(self.sessions)

    def power_kw(self, current_a: float, phase_count: int) -> float:
        """Return the power at a current per phase: 16 A, 230 V, 3 phases → 11.04 kW."""
        return current_a * self.voltage_v * phase_count / 1000.0


def _refuse_overlap(sessions: Sequence[EvSession]) -> None:
    ordered = sorted(sessions, key=lambda session: session.arrival)
    for first, second in itertools.pairwise(ordered):
        if second.arrival < first.departure:
            raise checks.refuse("sessions", f"{first.id} and {second.id} overlap")
