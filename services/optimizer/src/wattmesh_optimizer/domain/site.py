"""A site: assets behind one grid connection, its topology, tariff and limits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.sites import Phase
from wattmesh_kernel.tariff import BillingState, Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.domain import checks
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.deferrable import DeferrableLoad
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator, RenewableSource
from wattmesh_optimizer.domain.storage import Battery, EvCharger
from wattmesh_optimizer.domain.thermal import HvacZone, ThermalTank

AssetKind = (
    FixedLoad
    | RenewableSource
    | Battery
    | EvCharger
    | HvacZone
    | ThermalTank
    | DeferrableLoad
    | Generator
)

LIMIT_PRICE_PER_KWH = 100.0
"""Price of energy beyond a connection's, node's or group's limit, where none is given."""

ISLAND_PRICE_PER_KWH = 200.0
"""Price of power an island misses beyond what its loads may shed, or has too much."""


CONDUCTORS = (Phase.L1, Phase.L2, Phase.L3)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Asset:
    """One thing of a site that takes or gives power; `node_id` "" is the grid connection."""

    name: str
    kind: AssetKind
    node_id: str = ""
    phase: Phase = Phase.THREE

    @property
    def label(self) -> str:
        """Last part of the name, for sentences: `sites/home-1/assets/ev1` → `ev1`."""
        return self.name.rsplit("/", 1)[-1]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PowerLimits:
    """Soft limits of power through one point [kW]; None: no limit.

    Those of `…_powers_kw` hold per interval, on top of the constants.
    """

    max_import_power_kw: float | None = None
    max_export_power_kw: float | None = None
    max_import_powers_kw: Floats | None = None
    max_export_powers_kw: Floats | None = None
    max_phase_import_power_kw: float | None = None
    max_phase_export_power_kw: float | None = None
    max_phase_import_powers_kw: Floats | None = None
    max_phase_export_powers_kw: Floats | None = None
    limit_price_per_kwh: float = LIMIT_PRICE_PER_KWH

    def __post_init__(self) -> None:
        for name in (
            "max_import_power_kw",
            "max_export_power_kw",
            "max_phase_import_power_kw",
            "max_phase_export_power_kw",
        ):
            if (value := getattr(self, name)) is not None:
                checks.at_least(name.removesuffix("kw") + "w", value, 0)
        for name in (
            "max_import_powers_kw",
            "max_export_powers_kw",
            "max_phase_import_powers_kw",
            "max_phase_export_powers_kw",
        ):
            if (values := getattr(self, name)) is not None:
                array = checks.series(name.removesuffix("kw") + "w", values, len(values), low=0)
                object.__setattr__(self, name, array)
        checks.positive("limit_price_per_kwh", self.limit_price_per_kwh)

    def imports_kw(self, count: int) -> Floats:
        """Return the import limit per interval [kW], infinite where there is none."""
        return _smallest(count, self.max_import_power_kw, self.max_import_powers_kw)

    def exports_kw(self, count: int) -> Floats:
        """Return the export limit per interval [kW], infinite where there is none."""
        return _smallest(count, self.max_export_power_kw, self.max_export_powers_kw)

    def phase_imports_kw(self, count: int) -> Floats:
        """Return the import limit of each single phase per interval [kW]; infinite: none."""
        return _smallest(count, self.max_phase_import_power_kw, self.max_phase_import_powers_kw)

    def phase_exports_kw(self, count: int) -> Floats:
        """Return the export limit of each single phase per interval [kW]; infinite: none."""
        return _smallest(count, self.max_phase_export_power_kw, self.max_phase_export_powers_kw)

    @property
    def has_phase_limit(self) -> bool:
        """True when single phases are limited."""
        every = (
            self.max_phase_import_power_kw,
            self.max_phase_export_power_kw,
            self.max_phase_import_powers_kw,
            self.max_phase_export_powers_kw,
        )
        return any(each is not None for each in every)


NO_LIMITS = PowerLimits()


def _smallest(count: int, constant: float | None, values: Floats | None) -> Floats:
    result = np.full(count, np.inf if constant is None else constant)
    return result if values is None else np.minimum(result, values)


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A point of the topology; `parent_id` "" is the grid connection.

    Efficiencies below 1 make it a converter (a hybrid inverter's DC bus); limits hold at the
    parent's side.
    """

    id: str
    parent_id: str = ""
    limits: PowerLimits = NO_LIMITS
    display_name: str = ""
    import_efficiency_ratio: float = 1.0
    export_efficiency_ratio: float = 1.0

    def __post_init__(self) -> None:
        checks.efficiency("nodes.import_efficiency_ratio", self.import_efficiency_ratio)
        checks.efficiency("nodes.export_efficiency_ratio", self.export_efficiency_ratio)

    @property
    def label(self) -> str:
        """What people call it."""
        return self.display_name or self.id

    @property
    def is_converter(self) -> bool:
        """True when passing it costs energy."""
        return self.import_efficiency_ratio < 1 or self.export_efficiency_ratio < 1


def check_tree(nodes: Sequence[Node]) -> None:
    """Refuse nodes that are no tree. Error: InvalidArgument."""
    parents = {node.id: node.parent_id for node in nodes}
    for node in nodes:
        seen, above = {node.id}, node.parent_id
        while above:
            if above not in parents or above in seen:
                raise checks.refuse("nodes.parent_id", f"{node.id}: no tree at {above!r}")
            seen.add(above)
            above = parents[above]


def ids_below(nodes: Sequence[Node], node_id: str) -> set[str]:
    """Return the id of a node with those of all nodes below it."""
    ids, grown = {node_id}, True
    while grown:
        more = {node.id for node in nodes if node.parent_id in ids} - ids
        ids |= more
        grown = bool(more)
    return ids


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CarbonIntensity:
    """Intensity of the grid's electricity per interval [g CO2e/kWh]; None: unknown."""

    average_gco2e_per_kwh: Floats | None = None
    marginal_gco2e_per_kwh: Floats | None = None

    def __post_init__(self) -> None:
        for name in ("average_gco2e_per_kwh", "marginal_gco2e_per_kwh"):
            if (values := getattr(self, name)) is not None:
                field = f"carbon_intensity.{name.partition('_')[0]}_intensities_gco2e_per_kwh"
                array = checks.series(field, values, len(values), low=0)
                object.__setattr__(self, name, array)


@dataclass(frozen=True, kw_only=True, slots=True)
class IslandingReserve:
    """Energy held so that storage supplies the critical load for `duration`.

    With `generators_count` generators supply what they are rated for, unless they are maintained.
    """

    duration: timedelta
    percentile_ratio: float = 0.5
    shortfall_price_per_kwh: float = 1.0
    generators_count: bool = False

    def __post_init__(self) -> None:
        checks.positive("islanding_reserve.duration", self.duration.total_seconds())
        checks.within("islanding_reserve.percentile_ratio", self.percentile_ratio, 0, 1)
        checks.positive("islanding_reserve.shortfall_price_per_kwh", self.shortfall_price_per_kwh)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Site:
    """One grid connection with everything behind it.

    `power_before_kw`: its grid power in the interval before the horizon; None: not known.
    """

    name: str
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    assets: tuple[Asset, ...] = ()
    nodes: tuple[Node, ...] = ()
    tariff: Tariff | None = None
    billing_state: BillingState | None = None
    limits: PowerLimits = NO_LIMITS
    carbon: CarbonIntensity | None = None
    islanding_reserve: IslandingReserve | None = None
    islanded_ranges: tuple[TimeRange, ...] = ()
    power_before_kw: float | None = None

    def __post_init__(self) -> None:
        checks.unique("sites.name", (self.name,))
        checks.unique(f"{self.name}: assets.name", (asset.name for asset in self.assets))
        checks.unique(f"{self.name}: nodes.id", (node.id for node in self.nodes))
        if self.power_before_kw is not None:
            checks.finite("power_before_w", self.power_before_kw)
        check_tree(self.nodes)
        ids = {node.id for node in self.nodes}
        for asset in self.assets:
            if asset.node_id and asset.node_id not in ids:
                raise checks.refuse("assets.node_id", f"{asset.name}: no node {asset.node_id!r}")

    def below(self, node_id: str) -> tuple[Asset, ...]:
        """Return the assets connected to a node or anywhere below it."""
        ids = ids_below(self.nodes, node_id)
        return tuple(asset for asset in self.assets if asset.node_id in ids)
