"""What every asset shall do, what that leads to, what it costs and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, IntEnum

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.horizon import Horizon


class CostCause(IntEnum):
    """Cause of cost; numbers as on the wire."""

    ENERGY = 1
    DEMAND = 2
    EXPORT_CREDIT = 3
    STANDING = 4
    WEAR = 5
    CARBON = 6
    GENERATION = 7
    PEAK = 8
    COMFORT = 9
    CURTAILMENT = 10
    SELF_CONSUMPTION = 11
    DEMAND_RESPONSE = 12
    RESERVE = 13
    PENALTY = 14
    TERMINAL_VALUE = 15
    RAMP = 16
    RISK = 17


class RequirementKind(IntEnum):
    """Kinds of requirements, as default prices give them up; numbered as on the wire."""

    COMFORT = 1
    ISLANDING_RESERVE = 2
    TANK_TEMPERATURE = 3
    DEFERRABLE_RUN = 4
    EV_ENERGY = 5
    FINAL_SOC = 6
    RESERVE = 7
    SOC_WINDOW = 8
    EVENT_LIMIT = 9
    POWER_LIMIT = 10
    LOAD_SUPPLY = 11
    SURPLUS = 12


class ReasonCode(IntEnum):
    """Why an asset does what it does in an interval; numbers as on the wire."""

    IDLE_NO_GAIN = 1
    NOT_AVAILABLE = 2
    STORE_SURPLUS = 3
    BUY_CHEAP = 4
    AVOID_DEAR_IMPORT = 5
    SELL_DEAR = 6
    SHAVE_PEAK = 7
    KEEP_LIMIT = 8
    MEET_DEADLINE = 9
    KEEP_COMFORT = 10
    PRECONDITION = 11
    FULL = 12
    EMPTY = 13
    AT_MAX_POWER = 14
    HOLD_RESERVE = 15
    DEMAND_RESPONSE = 16
    MUST_RUN = 17
    GENERATE_ALL = 18
    CURTAIL_NO_VALUE = 19
    CURTAIL_LIMIT = 20
    GENERATE_CHEAPER = 21
    LOW_CARBON = 22
    NEGATIVE_PRICE = 23


class SolveStatus(Enum):
    """Result of a solve; there is always a plan."""

    OPTIMAL = "optimal"
    TIME_LIMIT = "time limit"
    FALLBACK = "fallback"


@dataclass(frozen=True, kw_only=True, slots=True)
class CostItem:
    """One cause of cost [currency]; negative is income. `site` is None for shared costs."""

    cause: CostCause
    amount: float
    subject: str = ""
    site: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmetRequirement:
    """A requirement that could not be met; `impossible` when no plan could."""

    kind: RequirementKind
    subject: str
    message: str
    required: float
    planned: float
    shortfall: float
    unit: str
    time: datetime
    penalty: float
    impossible: bool


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AssetPlan:
    """Plan of one asset: powers [kW] into it, states at the count + 1 edges of the intervals."""

    name: str
    powers_kw: Floats
    curtailed_kw: Floats | None = None
    shed_kw: Floats | None = None
    soc_ratios: Floats | None = None
    temperatures_celsius: Floats | None = None
    mass_temperatures_celsius: Floats | None = None
    heating_kw: Floats | None = None
    on: NDArray[np.bool_] | None = None
    session_soc_ratios: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SitePlan:
    """Plan of one site: grid exchange and node flows [kW]."""

    name: str
    assets: tuple[AssetPlan, ...]
    import_kw: Floats
    export_kw: Floats
    node_flows_kw: Mapping[str, Floats] = field(default_factory=dict)
    average_emissions_kg: float | None = None
    marginal_emissions_kg: float | None = None

    @property
    def net_kw(self) -> Floats:
        """Grid power per interval [kW], import positive."""
        return self.import_kw - self.export_kw


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GroupPlan:
    """Summed grid power of a group [kW], its highest import, and node flows [kW]."""

    name: str
    powers_kw: Floats
    peak_kw: float
    node_flows_kw: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Commitment:
    """Reduction [kW] that can be promised to an event with a confidence."""

    event_id: str
    committed_kw: float
    confidence_ratio: float
    reductions_kw: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReserveHolding:
    """Power held for a reserve per interval [kW], and what of it each site holds, by its name."""

    reserve_id: str
    powers_kw: Floats
    sites_kw: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class SolverInformation:
    """How the plan was found; `rounds` of prices where sites were planned apart, else 0."""

    status: SolveStatus
    gap_ratio: float
    solver_duration: timedelta
    total_duration: timedelta
    mixed_integer: bool
    row_count: int
    column_count: int
    entry_count: int
    integer_count: int
    solver_name: str
    rounds: int = 0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AssetExplanation:
    """Reasons of one asset per interval; worth of one more kWh stored [currency/kWh]."""

    name: str
    reasons: tuple[ReasonCode, ...]
    stored_values_per_kwh: Floats | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BindingConstraint:
    """A limit that shaped the plan; values are gains per kW over the interval, or per kWh."""

    subject: str
    constraint: str
    intervals: NDArray[np.int64]
    values_per_kwh: Floats
    total_value: float
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginalValue:
    """What one more unit would have been worth over the horizon [currency per unit]."""

    subject: str
    quantity: str
    unit: str
    value_per_unit: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Explanation:
    """Why the plan is as it is; `energy_values_per_kwh` by site name."""

    energy_values_per_kwh: Mapping[str, Floats]
    assets: tuple[AssetExplanation, ...]
    binding_constraints: tuple[BindingConstraint, ...]
    marginal_values: tuple[MarginalValue, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Plan:
    """The whole plan, with its cost split by cause."""

    horizon: Horizon
    currency_code: str
    sites: tuple[SitePlan, ...]
    groups: tuple[GroupPlan, ...] = ()
    costs: tuple[CostItem, ...] = ()
    unmet_requirements: tuple[UnmetRequirement, ...] = ()
    assumptions: tuple[str, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    reserves: tuple[ReserveHolding, ...] = ()
    solver: SolverInformation | None = None
    explanation: Explanation | None = None

    @property
    def total_cost(self) -> float:
        """Sum of all costs [currency]."""
        return total(self.costs)

    def asset(self, name: str) -> AssetPlan:
        """Return the plan of the named asset; KeyError if there is none."""
        for site in self.sites:
            for asset in site.assets:
                if asset.name == name:
                    return asset
        raise KeyError(name)


def total(costs: Iterable[CostItem]) -> float:
    """Return the sum of `costs` [currency]."""
    return float(sum(item.amount for item in costs))


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """Something a plan asks for that physics does not allow, or that breaks a limit."""

    subject: str
    constraint: str
    time: datetime
    asked: float
    possible: float
    unit: str
    physical: bool
    message: str
