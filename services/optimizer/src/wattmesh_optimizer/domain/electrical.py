"""Loads, renewable sources and generators."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

import numpy as np

from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.domain import checks
from wattmesh_optimizer.domain.checks import Floats

RUNNING_KW = 1e-6
"""Power above which a machine counts as running."""

NON_CRITICAL_SHARE = 0.1
"""Price of shedding load that is not critical, as a share of the critical load's price."""


class RenewableKind(Enum):
    """What drives a renewable source; for words only."""

    UNSPECIFIED = "generation"
    PV = "PV"
    WIND = "wind"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FixedLoad:
    """Demand that cannot be moved.

    `powers_kw` [kW] per interval; `critical_powers_kw` its part that must be supplied through an
    outage (None: all). `shed_price_per_kwh` prices critical load not supplied when islanded; the
    rest may be shed at a tenth of it.
    """

    powers_kw: Floats
    critical_powers_kw: Floats | None = None
    shed_price_per_kwh: float = 100.0

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "powers_kw", checks.series("powers_w", self.powers_kw, len(self.powers_kw))
        )
        if self.critical_powers_kw is not None:
            critical = checks.series(
                "critical_powers_w", self.critical_powers_kw, len(self.powers_kw), low=0
            )
            object.__setattr__(self, "critical_powers_kw", critical)
        checks.positive("shed_price_per_kwh", self.shed_price_per_kwh)

    @property
    def critical_kw(self) -> Floats:
        """Critical demand per interval [kW], never negative."""
        if self.critical_powers_kw is None:
            return np.maximum(self.powers_kw, 0.0)
        return self.critical_powers_kw


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RenewableSource:
    """PV or wind: `powers_kw` [kW] uncurtailed per interval, generation negative.

    A positive value is stand-by consumption: it is taken as it is.
    """

    powers_kw: Floats
    kind: RenewableKind = RenewableKind.UNSPECIFIED
    curtailable: bool = True
    curtailment_price_per_kwh: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "powers_kw", checks.series("powers_w", self.powers_kw, len(self.powers_kw))
        )
        checks.at_least("curtailment_price_per_kwh", self.curtailment_price_per_kwh, 0)

    @property
    def available_kw(self) -> Floats:
        """What could be delivered per interval [kW], >= 0."""
        return np.maximum(-self.powers_kw, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class OnOffState:
    """On or off, and for how long so far."""

    on: bool
    duration: timedelta

    def remaining(self, minimum: timedelta) -> timedelta:
        """Return how much longer it must stay so, given a minimum time in this state."""
        return max(minimum - self.duration, timedelta(0))


LONG_OFF = OnOffState(on=False, duration=timedelta(days=3650))
"""Off for so long that no minimum time is left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Generator:
    """Dispatchable generator: powers are magnitudes out of it [kW]."""

    max_output_power_kw: float
    min_output_power_kw: float = 0.0
    start_cost: float = 0.0
    fuel_cost_per_kwh: float = 0.0
    running_cost_per_hour: float = 0.0
    min_up_duration: timedelta = timedelta(0)
    min_down_duration: timedelta = timedelta(0)
    initial_state: OnOffState = field(default=LONG_OFF)
    emission_gco2e_per_kwh: float = 0.0
    maintenance_ranges: tuple[TimeRange, ...] = ()

    def __post_init__(self) -> None:
        checks.positive("max_output_power_w", self.max_output_power_kw)
        checks.within("min_output_power_w", self.min_output_power_kw, 0, self.max_output_power_kw)
        checks.at_least("start_cost", self.start_cost, 0)
        checks.at_least("fuel_cost_per_kwh", self.fuel_cost_per_kwh, 0)
        checks.at_least("running_cost_per_hour", self.running_cost_per_hour, 0)
        checks.at_least("emission_gco2e_per_kwh", self.emission_gco2e_per_kwh, 0)

    @property
    def has_commitment(self) -> bool:
        """True when being on is a decision of its own (minimum load, times or costs)."""
        return (
            self.min_output_power_kw > 0
            or self.start_cost > 0
            or self.running_cost_per_hour > 0
            or self.min_up_duration > timedelta(0)
            or self.min_down_duration > timedelta(0)
        )
