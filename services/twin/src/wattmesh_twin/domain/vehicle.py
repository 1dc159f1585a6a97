"""A vehicle at a charger: what it draws or gives, by its state of charge and what it is offered.

Its on-board charger draws what it is offered up to its own most, on its own phases, as long as the
battery is not nearly full: from `taper_soc_ratio` on the power falls in a straight line to nothing
at full, or it stops before, where its owner wants it. Between two changes of the offered current
that has an exact solution, so there is no tick: constant power first, then an exponential approach
to full. Source: the two-stage battery of ACN-Sim
(Lee, Sharma, Low, "Research Tools for Smart Electric Vehicle Charging", 2021, section III). Offered
a current below 6 A no vehicle charges (IEC 61851-1); what is offered as a power has no least.

Power into the vehicle is positive. Offered a negative one, a vehicle that can give gives as much,
up to its own most, until its battery is at `least_soc_ratio`: a straight line, which is exact too.
"""

import math
from dataclasses import dataclass

from wattmesh_kernel.checks import require, require_at_least, require_between, require_positive

VOLTAGE_V = 230.0
LEAST_CURRENT_A = 6.0
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleSpec:
    """A vehicle: battery [Wh], on-board charger [A per phase, phases, efficiency], taper.

    `limit_soc_ratio` is where its owner has it stop. `max_discharge_power_w` is what it gives at
    most [W, AC], 0: nothing; it does down to `least_soc_ratio`, with the same efficiency.
    """

    capacity_wh: float
    max_current_a: float = 16.0
    phases: int = 3
    efficiency_ratio: float = 0.9
    taper_soc_ratio: float = 0.8
    limit_soc_ratio: float = 1.0
    max_discharge_power_w: float = 0.0
    least_soc_ratio: float = 0.0

    def __post_init__(self) -> None:
        require_positive(self.capacity_wh, "capacity_wh")
        require_positive(self.max_current_a, "max_current_a")
        require(self.phases in (1, 2, 3), "INVALID_VALUE", "phases are 1 to 3", "phases")
        require(
            0 < self.efficiency_ratio <= 1,
            "INVALID_VALUE",
            "above 0, at most 1",
            "efficiency_ratio",
        )
        require_between(self.taper_soc_ratio, 0, 0.999, "taper_soc_ratio")
        require_between(self.limit_soc_ratio, 0, 1, "limit_soc_ratio")
        require_at_least(self.max_discharge_power_w, 0, "max_discharge_power_w")
        require_between(self.least_soc_ratio, 0, 1, "least_soc_ratio")

    @property
    def full_power_w(self) -> float:
        """Most power that it draws [W, AC]: 11,040 for 16 A on three phases."""
        return self.max_current_a * VOLTAGE_V * self.phases

    def current_a(self, offered_a: float) -> float:
        """Return the current per phase that it would draw of what is offered, far from full [A]."""
        return 0.0 if offered_a < LEAST_CURRENT_A else min(offered_a, self.max_current_a)

    def offered_w(self, offered_a: float) -> float:
        """Return the power that an offered current per phase is to it [W, AC]."""
        return self.current_a(offered_a) * VOLTAGE_V * self.phases

    def power_w(self, soc_ratio: float, offered_w: float) -> float:
        """Return the power that it draws [W, AC] at a state of charge; negative: it gives.

        11,040 W at 0.5 and 11,040 W; 5,520 W at 0.9, half of the way from taper to full; -3,000 W
        at 0.5 and -3,000 W, if it can.
        """
        if offered_w < 0:
            return -self._given_w(offered_w) if soc_ratio > self.least_soc_ratio else 0.0
        if soc_ratio >= self.limit_soc_ratio:
            return 0.0
        tapered = self.full_power_w * (1.0 - soc_ratio) / (1.0 - self.taper_soc_ratio)
        return max(min(offered_w, self.full_power_w, tapered), 0.0)

    def soc_after(self, soc_ratio: float, offered_w: float, seconds: float) -> float:
        """Return the state of charge after a time at one offered power."""
        if seconds <= 0:
            return soc_ratio
        if offered_w < 0:
            return self._discharged(soc_ratio, offered_w, seconds)
        return self._charged(soc_ratio, min(offered_w, self.full_power_w), seconds)

    def drawn_wh(self, before: float, after: float) -> float:
        """Return the energy drawn between two states of charge [Wh, AC], 0 where it fell."""
        return max(after - before, 0.0) * self.capacity_wh / self.efficiency_ratio

    def given_wh(self, before: float, after: float) -> float:
        """Return the energy given between two states of charge [Wh, AC], 0 where it rose."""
        return max(before - after, 0.0) * self.capacity_wh * self.efficiency_ratio

    def _given_w(self, offered_w: float) -> float:
        return min(-offered_w, self.max_discharge_power_w)

    def _charged(self, soc_ratio: float, offered_w: float, seconds: float) -> float:
        if offered_w <= 0 or soc_ratio >= self.limit_soc_ratio:
            return soc_ratio
        knee = 1.0 - (1.0 - self.taper_soc_ratio) * offered_w / self.full_power_w
        rate = offered_w * self.efficiency_ratio / self.capacity_wh / SECONDS_PER_HOUR
        room = max(knee - soc_ratio, 0.0)
        first = seconds if rate * seconds <= room else room / rate
        at_knee = soc_ratio + rate * first
        decay = self.full_power_w * self.efficiency_ratio / self.capacity_wh / SECONDS_PER_HOUR
        decay /= 1.0 - self.taper_soc_ratio
        charged = 1.0 - (1.0 - at_knee) * math.exp(-decay * (seconds - first))
        return min(max(charged, at_knee), self.limit_soc_ratio)  # rounding takes nothing out

    def _discharged(self, soc_ratio: float, offered_w: float, seconds: float) -> float:
        stored_w = self._given_w(offered_w) / self.efficiency_ratio
        fallen = soc_ratio - stored_w * seconds / SECONDS_PER_HOUR / self.capacity_wh
        return max(fallen, min(self.least_soc_ratio, soc_ratio))
