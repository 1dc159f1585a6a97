"""What the builders share: the context they build in and what an asset's builder offers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.plan import AssetPlan, RequirementKind
from wattmesh_optimizer.domain.problem import Goals
from wattmesh_optimizer.domain.site import Asset, Site
from wattmesh_optimizer.domain.tariffs import SiteTariff
from wattmesh_optimizer.formulation.program import Ints, Program


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """`factor x column` in some intervals."""

    intervals: Ints
    columns: Ints
    factor: float | Floats = 1.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Flow:
    """Power into something per interval [kW]: `fixed_kw` plus `terms`.

    `low_kw` and `high_kw` enclose every value it can take.
    """

    fixed_kw: Floats
    terms: tuple[Term, ...]
    low_kw: Floats
    high_kw: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Exclusive:
    """Pairs of columns of which one must be 0: up to `first_max` and `second_max`.

    `site` is an index, or None for what sites share.
    """

    first: Ints
    second: Ints
    first_max: Floats
    second_max: Floats
    site: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SemiContinuous:
    """Columns that are 0 or within `minimum`..`maximum`."""

    columns: Ints
    minimum: Floats
    maximum: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Slack:
    """Columns that measure how far a requirement is missed."""

    kind: RequirementKind
    subject: str
    site: int | None
    columns: Ints
    price: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Indicator:
    """A binary column that may be 1 only where the sum of others is at least `least`.

    A mixed-integer solver that stops at a gap may leave it at 0 for no reason; `settle` mends it.
    """

    column: Ints
    summed: Ints
    least: float

    def settle(self, values: Floats) -> None:
        """Set the column to what a solution allows."""
        values[self.column] = float(values[self.summed].sum()) >= self.least


@dataclass(slots=True, eq=False)
class Context:
    """Where one problem's matrix is built."""

    horizon: Horizon
    goals: Goals
    ramp_prices_per_kw: Sequence[float] = ()
    """By site: what a change of its power counts, in its own goals and those of its groups."""
    export_pays: Sequence[NDArray[np.bool_]] = ()
    """By site: in which intervals exporting costs nothing, shape (n,)."""
    program: Program = field(default_factory=Program)
    exclusives: list[Exclusive] = field(default_factory=list)
    semis: list[SemiContinuous] = field(default_factory=list)
    slacks: list[Slack] = field(default_factory=list)
    indicators: list[Indicator] = field(default_factory=list)
    intervals: Ints = field(init=False)
    hours: float = field(init=False)
    count: int = field(init=False)

    def __post_init__(self) -> None:
        self.hours = self.horizon.hours
        self.count = self.horizon.count
        self.intervals = np.arange(self.count, dtype=np.int32)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Headroom:
    """Power an asset can add to what it does: `sign x power` up to `limit - sum(terms)`.

    For reserves: `up` is less consumption or more generation. `store` columns hold the energy at
    each interval's end [kWh]; sustaining `r` kW for `h` hours changes it by `r x h x rate`, and it
    must stay within `low_kwh`..`high_kwh`.
    """

    up: bool
    limit_kw: Floats
    terms: tuple[Term, ...]
    store: Ints | None = None
    initial_kwh: float = 0.0
    rate: float = 1.0
    edge_kwh: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Store:
    """Stored energy that can supply an island: `columns` at each interval's end [kWh]."""

    columns: Ints
    min_kwh: float
    discharge_efficiency_ratio: float


class AssetModel(Protocol):
    """One asset's part of the matrix."""

    @property
    def asset(self) -> Asset:
        """The asset."""

    @property
    def flow(self) -> Flow:
        """Power into it."""

    def read(self, values: Floats) -> AssetPlan:
        """Return the asset's plan from the columns' values."""

    def headrooms(self) -> tuple[Headroom, ...]:
        """Return what the asset can hold for reserves."""

    def stores(self) -> tuple[Store, ...]:
        """Return stores that can supply an island."""


class Exchanging(Protocol):
    """What exchanges power with the grid, as groups and events see it: a site, or several."""

    @property
    def site(self) -> Site:
        """The site; for several one that exchanges what they do."""

    @property
    def tariff(self) -> SiteTariff | None:
        """What its energy costs."""

    @property
    def flow(self) -> Flow:
        """Bounds of what it exchanges."""

    @property
    def models(self) -> Sequence[AssetModel]:
        """Its assets, where they are known."""

    def net_terms(self, intervals: Ints) -> tuple[Term, ...]:
        """Return import less export."""
