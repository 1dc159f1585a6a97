"""What is due besides energy: fixed, demand and coincident-peak charges, and power limits."""

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from wattmesh_kernel.tariff.checks import require_finite, require_tariff
from wattmesh_kernel.tariff.windows import ALWAYS, Season, Window
from wattmesh_kernel.time import TimeRange

HOUR = timedelta(hours=1)


class EnergyDirection(Enum):
    """A direction at the grid connection."""

    IMPORT = "import"
    """From the grid into the site."""

    EXPORT = "export"
    """From the site into the grid."""


class ChargeInterval(Enum):
    """What a charge is due for."""

    DAY = "day"
    """Each local calendar day, however long."""

    BILLING_PERIOD = "billing_period"
    """Each billing period."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BillingCycle:
    """When billing periods start: at local midnight of `start_day`, every `months` from January.

    In a month that is too short they start on its last day: those of the 31st on February 29 of a
    leap year. Error: InvalidArgument unless start_day is 1..31 and months divides 12.
    """

    start_day: int = 1
    months: int = 1

    def __post_init__(self) -> None:
        require_tariff(
            1 <= self.start_day <= 31, "start_day must be 1..31", "billing_cycle.start_day"
        )
        require_tariff(
            self.months >= 1 and 12 % self.months == 0,
            "months must divide 12",
            "billing_cycle.months",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedCharge:
    """An amount [currency] that is due whatever is consumed; negative is a credit.

    It accrues evenly over its day or billing period, so that parts of it add up: a day of 23 hours
    costs the same as one of 25.
    """

    name: str
    amount: float
    interval: ChargeInterval = ChargeInterval.DAY

    def __post_init__(self) -> None:
        require_tariff(bool(self.name), "a fixed charge needs a name", "fixed_charges.display_name")
        require_finite("fixed_charges.amount", self.amount)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratchet:
    """At least `share_ratio` of the highest peak of the `lookback` earlier periods is billed.

    With a season only periods that start within it are looked at. Error: InvalidArgument unless
    the share is 0..1 and lookback at least 1.
    """

    share_ratio: float
    lookback: int
    season: Season | None = None

    def __post_init__(self) -> None:
        require_tariff(0 <= self.share_ratio <= 1, "the share must be 0..1", "ratchet.share_ratio")
        require_tariff(self.lookback >= 1, "the ratchet must look back", "ratchet.lookback")


@dataclass(frozen=True, kw_only=True, slots=True)
class DemandCharge:
    """A price [currency/kW] of the highest clocked average of imported power within a window.

    Averages of length `averaging` start on the local wall clock's multiples of it; those that start
    in the window count. Windows make time-of-use and seasonal charges, `ALWAYS` an any-time or
    facilities-related one. Billed is the highest average of each interval, at least `minimum_kw`
    and what the ratchet leaves; an interval without any time in the window costs nothing.

    Error: InvalidArgument unless price and minimum are not negative and averaging divides an hour.
    """

    id: str
    price_per_kw: float
    name: str = ""
    window: Window = ALWAYS
    averaging: timedelta = timedelta(minutes=15)
    interval: ChargeInterval = ChargeInterval.BILLING_PERIOD
    minimum_kw: float = 0.0
    ratchet: Ratchet | None = None

    def __post_init__(self) -> None:
        require_tariff(bool(self.id), "a demand charge needs an id", "demand_charges.id")
        require_finite("demand_charges", self.price_per_kw, self.minimum_kw)
        require_tariff(
            self.price_per_kw >= 0 and self.minimum_kw >= 0,
            f"demand charge {self.id} must not be negative",
            "demand_charges.price_per_kw",
        )
        require_tariff(
            timedelta(0) < self.averaging <= HOUR and not HOUR % self.averaging,
            f"the averages of demand charge {self.id} must divide an hour",
            "demand_charges.averaging",
        )
        require_tariff(
            self.averaging.microseconds == 0,
            f"the averages of demand charge {self.id} must be whole seconds",
            "demand_charges.averaging",
        )
        object.__setattr__(self, "name", self.name or self.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class CoincidentPeakCharge:
    """A price [currency/kW] of the mean imported power over each announced event.

    To charge the average over four events, give a quarter of the price. It is linear in energy:
    10 currency/kW over an event of half an hour is 20 currency/kWh within it.
    """

    name: str
    price_per_kw: float
    events: tuple[TimeRange, ...] = ()

    def __post_init__(self) -> None:
        require_tariff(
            bool(self.name), "a charge needs a name", "coincident_peak_charges.display_name"
        )
        require_finite("coincident_peak_charges.price_per_kw", self.price_per_kw)
        require_tariff(
            not any(event.empty for event in self.events),
            "an event must not be empty",
            "coincident_peak_charges.event_ranges",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerLimit:
    """A limit [W], a magnitude, of power in one direction; it is respected, not billed."""

    direction: EnergyDirection
    max_power_w: float
    window: Window = ALWAYS

    def __post_init__(self) -> None:
        require_tariff(
            math.isfinite(self.max_power_w) and self.max_power_w >= 0,
            "a limit must not be negative",
            "power_limits.max_power_w",
        )
