"""Battery physics: energy stored behind two efficiencies, between two limits.

Powers and energies are those at the AC terminals; power into the battery is positive (charging).
"""

import math
from dataclasses import dataclass, replace
from typing import Self

from wattmesh_kernel.errors import InvalidArgument

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class BatterySpec:
    """What a battery can do.

    `capacity_wh` is the energy between a state of charge of 0 and 1 [Wh], the limits are AC powers
    [W]. Efficiencies are one-way: stored per AC energy when charging, AC energy per stored when
    discharging. Error: InvalidArgument for values no battery has.
    """

    capacity_wh: float
    max_charge_power_w: float
    max_discharge_power_w: float
    charge_efficiency_ratio: float
    discharge_efficiency_ratio: float
    min_soc_ratio: float = 0.0
    max_soc_ratio: float = 1.0
    initial_soc_ratio: float = 0.0

    def __post_init__(self) -> None:
        _check(self.capacity_wh > 0, "capacity_wh must be positive")
        _check(self.max_charge_power_w >= 0, "max_charge_power_w must not be negative")
        _check(self.max_discharge_power_w >= 0, "max_discharge_power_w must not be negative")
        for efficiency in (self.charge_efficiency_ratio, self.discharge_efficiency_ratio):
            _check(0 < efficiency <= 1, "an efficiency lies above 0 and up to 1")
        _check(0 <= self.min_soc_ratio < self.max_soc_ratio <= 1, "0 <= min < max <= 1")
        _check(
            self.min_soc_ratio <= self.initial_soc_ratio <= self.max_soc_ratio,
            "the initial state of charge lies between its limits",
        )

    @classmethod
    def symmetric(
        cls,
        *,
        capacity_wh: float,
        power_w: float,
        round_trip_efficiency_ratio: float,
        initial_soc_ratio: float = 0.0,
    ) -> Self:
        """Return a battery with one power limit and its losses split evenly over both ways.

        Each way has the square root of the round trip: 0.9 gives 0.9487 into and out of storage.
        """
        one_way = math.sqrt(round_trip_efficiency_ratio)
        return cls(
            capacity_wh=capacity_wh,
            max_charge_power_w=power_w,
            max_discharge_power_w=power_w,
            charge_efficiency_ratio=one_way,
            discharge_efficiency_ratio=one_way,
            initial_soc_ratio=initial_soc_ratio,
        )

    @property
    def min_wh(self) -> float:
        """Stored energy at which discharging stops [Wh]."""
        return self.capacity_wh * self.min_soc_ratio

    @property
    def max_wh(self) -> float:
        """Stored energy at which charging stops [Wh]."""
        return self.capacity_wh * self.max_soc_ratio

    def initial(self) -> "BatteryState":
        """Return the state of a new battery."""
        return BatteryState(stored_wh=self.capacity_wh * self.initial_soc_ratio)


@dataclass(frozen=True, kw_only=True, slots=True)
class BatteryState:
    """How much is stored [Wh] and what has passed the AC terminals so far [Wh]."""

    stored_wh: float
    charge_wh: float = 0.0
    discharge_wh: float = 0.0

    def soc_ratio(self, spec: BatterySpec) -> float:
        """Return the state of charge, 0 to 1."""
        return self.stored_wh / spec.capacity_wh

    def power_w(self, spec: BatterySpec, setpoint_w: float) -> float:
        """Return the AC power [W] the battery really takes or gives when asked for `setpoint_w`."""
        power_w = min(max(setpoint_w, -spec.max_discharge_power_w), spec.max_charge_power_w)
        full = power_w > 0 and self.stored_wh >= spec.max_wh
        empty = power_w < 0 and self.stored_wh <= spec.min_wh
        return 0.0 if full or empty else power_w

    def seconds_to_limit(self, spec: BatterySpec, power_w: float) -> float:
        """Return after how long at `power_w` [W] the battery is full or empty; inf for never."""
        if power_w > 0:
            room_wh = (spec.max_wh - self.stored_wh) / spec.charge_efficiency_ratio
            return room_wh / power_w * SECONDS_PER_HOUR
        if power_w < 0:
            left_wh = (self.stored_wh - spec.min_wh) * spec.discharge_efficiency_ratio
            return left_wh / -power_w * SECONDS_PER_HOUR
        return math.inf

    def after(self, spec: BatterySpec, power_w: float, seconds: float) -> "BatteryState":
        """Return the state after `seconds` at `power_w` [W], landing exactly on a limit if reached.

        Charging 1000 W for 1 h at an efficiency of 0.95 stores 950 Wh. `power_w` must be what
        `power_w()` allows; energy beyond a limit is neither stored nor counted.
        """
        if power_w == 0:
            return self
        if seconds >= self.seconds_to_limit(spec, power_w):
            return self._at_limit(spec, power_w)
        energy_wh = power_w * seconds / SECONDS_PER_HOUR
        if power_w > 0:
            stored_wh = self.stored_wh + energy_wh * spec.charge_efficiency_ratio
            return self._charged(energy_wh, min(stored_wh, spec.max_wh))
        stored_wh = self.stored_wh + energy_wh / spec.discharge_efficiency_ratio
        return self._discharged(-energy_wh, max(stored_wh, spec.min_wh))

    def _at_limit(self, spec: BatterySpec, power_w: float) -> "BatteryState":
        if power_w > 0:
            room_wh = max(spec.max_wh - self.stored_wh, 0.0)
            return self._charged(room_wh / spec.charge_efficiency_ratio, spec.max_wh)
        left_wh = max(self.stored_wh - spec.min_wh, 0.0)
        return self._discharged(left_wh * spec.discharge_efficiency_ratio, spec.min_wh)

    def _charged(self, energy_wh: float, stored_wh: float) -> "BatteryState":
        return replace(self, stored_wh=stored_wh, charge_wh=self.charge_wh + energy_wh)

    def _discharged(self, energy_wh: float, stored_wh: float) -> "BatteryState":
        return replace(self, stored_wh=stored_wh, discharge_wh=self.discharge_wh + energy_wh)


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise InvalidArgument("INVALID_BATTERY", message, field="battery")
