"""Sites, groups of sites, and the topology of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from wattmesh_kernel.checks import (
    require,
    require_at_least,
    require_between,
    require_display_name,
    require_efficiency,
    require_positive,
)
from wattmesh_kernel.ids import AssetId, GroupId, SiteId, TariffId, ZoneId, check_segment
from wattmesh_kernel.money import check_currency_code
from wattmesh_kernel.sites.contract import TariffAssignment, contract, require_apart
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import time_zone

_MOST_READINESS = timedelta(days=7)
_MOST_SHED = 100
_MOST_ASSIGNMENTS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """Feeder, transformer, panel or shared fuse; limits [W] at the parent's side, None: none.

    `parent_id` "" is the grid connection of a site, or the group itself.
    """

    id: str
    parent_id: str = ""
    display_name: str = ""
    max_import_power_w: float | None = None
    max_export_power_w: float | None = None
    max_phase_import_power_w: float | None = None
    max_phase_export_power_w: float | None = None
    import_efficiency_ratio: float = 1.0
    export_efficiency_ratio: float = 1.0

    @property
    def bounds(self) -> bool:
        """Whether it limits what flows through it, in all or in a conductor."""
        limits = (self.max_import_power_w, self.max_export_power_w)
        phases = (self.max_phase_import_power_w, self.max_phase_export_power_w)
        return any(each is not None for each in (*limits, *phases))

    def __post_init__(self) -> None:
        check_segment("node", self.id, "nodes.id")
        require_display_name(self.display_name, "nodes.display_name")
        for name in ("max_import_power_w", "max_export_power_w"):
            require_at_least(getattr(self, name), 0, f"nodes.{name}")
        for name in ("max_phase_import_power_w", "max_phase_export_power_w"):
            require_at_least(getattr(self, name), 0, f"nodes.{name}")
        require_efficiency(self.import_efficiency_ratio, "nodes.import_efficiency_ratio")
        require_efficiency(self.export_efficiency_ratio, "nodes.export_efficiency_ratio")


MOST_ENSEMBLE_MEMBERS = 50
"""Of one plan: each adds as many columns as the plan itself has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanningGoals:
    """What plans weigh beside the bill; None: the default of whoever plans.

    `carbon_price_per_kg` [currency/kg CO2e]; `ramp_price_per_kw` is what each kW counts by which
    grid power changes from one interval to the next, of a group the sites' summed power;
    `site_peak_price_per_kw` what the highest import of a plan counts, of each site by itself.
    `ensemble_member_count` joint members are weighed beside what is expected, with `risk_ratio` of
    the weight on the mean cost of the worst tenth of them.
    """

    carbon_price_per_kg: float | None = None
    ramp_price_per_kw: float | None = None
    site_peak_price_per_kw: float | None = None
    ensemble_member_count: int | None = None
    risk_ratio: float | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            require_at_least(getattr(self, name), 0, f"goals.{name}")
        few = (self.ensemble_member_count or 0) <= MOST_ENSEMBLE_MEMBERS
        require(
            few, "INVALID_VALUE", f"0 to {MOST_ENSEMBLE_MEMBERS}", "goals.ensemble_member_count"
        )
        require_between(self.risk_ratio, 0, 1, "goals.risk_ratio")


@dataclass(frozen=True, kw_only=True, slots=True)
class Microgrid:
    """That a site can do without the grid, and how; see `wattmesh.site.v1.Microgrid`.

    `readiness` None: plans keep nothing ready. `readiness_price_per_kwh` None: 1. What is shed
    comes on again as `restore_assets` says, and what that does not name after it, shed last first.
    """

    readiness: timedelta | None = None
    readiness_percentile_ratio: float = 0.9
    readiness_price_per_kwh: float | None = None
    nominal_voltage_v: float = 230.0
    nominal_frequency_hz: float = 50.0
    reconnect_delay: timedelta = timedelta(minutes=1)
    shed_assets: tuple[AssetId, ...] = ()
    restore_assets: tuple[AssetId, ...] = ()

    def __post_init__(self) -> None:
        ready = self.readiness is None or timedelta(0) < self.readiness <= _MOST_READINESS
        require(ready, "INVALID_DURATION", "it is above 0, at most 7 days", "readiness_duration")
        percentile = self.readiness_percentile_ratio
        require_between(percentile, 0.5, 0.999, "readiness_percentile_ratio")
        for name in ("readiness_price_per_kwh", "nominal_voltage_v", "nominal_frequency_hz"):
            require_positive(getattr(self, name), name)
        waits = timedelta(seconds=1) <= self.reconnect_delay <= timedelta(hours=1)
        require(waits, "INVALID_DURATION", "it is 1 s to 1 h", "reconnect_delay")
        once = len(set(self.shed_assets)) == len(self.shed_assets) <= _MOST_SHED
        require(once, "INVALID_VALUE", "each once, at most 100", "shed_assets")
        once = len(set(self.restore_assets)) == len(self.restore_assets)
        shed = once and set(self.restore_assets) <= set(self.shed_assets)
        require(shed, "INVALID_VALUE", "of shed_assets, each once", "restore_assets")


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A building, plant or home behind one connection to the grid.

    `time_zone` is an IANA name: tariffs and days follow it. `currency_code` is ISO 4217.
    `monthly_carbon_budget_gco2e`: of the energy imported in a calendar month, location-based.
    `tariff` is what it pays by at all times that are in none of `tariff_assignments`.
    """

    id: SiteId
    time_zone: str
    currency_code: str
    display_name: str = ""
    latitude_degrees: float | None = None
    longitude_degrees: float | None = None
    tariff: TariffId | None = None
    carbon_zone: ZoneId | None = None
    nodes: tuple[Node, ...] = ()
    goals: PlanningGoals = field(default_factory=PlanningGoals)
    microgrid: Microgrid | None = None
    monthly_carbon_budget_gco2e: float | None = None
    tariff_assignments: tuple[TariffAssignment, ...] = ()

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        most = len(self.tariff_assignments) <= _MOST_ASSIGNMENTS
        require(most, "INVALID_VALUE", "at most 100", "tariff_assignments")
        require_apart(self.tariff_assignments)
        require_at_least(self.monthly_carbon_budget_gco2e, 0, "monthly_carbon_budget_gco2e")
        shed = () if self.microgrid is None else self.microgrid.shed_assets
        own = all(each.site == self.id for each in shed)
        require(own, "INVALID_VALUE", f"an asset is not of {self.id}", "microgrid.shed_assets")
        time_zone(self.time_zone)
        check_currency_code(self.currency_code)
        require_between(self.latitude_degrees, -90, 90, "latitude_degrees")
        require_between(self.longitude_degrees, -180, 180, "longitude_degrees")
        _check_tree(self.nodes)

    @property
    def name(self) -> str:
        """The resource name."""
        return self.id.name

    def node_ids_below(self, node_id: str) -> frozenset[str]:
        """Return the id of a node with those of all nodes below it."""
        return _ids_below(self.nodes, node_id)

    @property
    def tariffs(self) -> tuple[TariffId, ...]:
        """The tariffs by which it pays at one time or another, each once."""
        standing = () if self.tariff is None else (self.tariff,)
        assigned = (each.tariff for each in self.tariff_assignments)
        return tuple(dict.fromkeys((*standing, *assigned)))

    def tariff_at(self, moment: datetime) -> TariffId | None:
        """Return the tariff by which it pays at an instant; None: by none."""
        held = (each for each in self.tariff_assignments if each.range.contains(moment))
        assigned = next(held, None)
        return self.tariff if assigned is None else assigned.tariff

    def contract(self, tariffs: Mapping[TariffId, Tariff]) -> Tariff | None:
        """Return what it pays by, as one tariff that changes; None when it never has any.

        Errors: NotFound `TARIFF_NOT_FOUND` when one of its `tariffs` is not among those given.
        """
        return contract(self.tariff, self.tariff_assignments, self.currency_code, tariffs)

    @property
    def zone(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteGroup:
    """Sites that are planned together, with what they share.

    `peak_price_per_kw` is what the highest shared import of a billing month is worth.
    `site_node_ids` says on which node of the group a site hangs; else on the group itself.
    `netted_billing`: energy is billed on the sum of the sites' powers, not on each site's own.
    """

    id: GroupId
    sites: tuple[SiteId, ...] = ()
    display_name: str = ""
    max_import_power_w: float | None = None
    max_export_power_w: float | None = None
    peak_price_per_kw: float | None = None
    nodes: tuple[Node, ...] = ()
    site_node_ids: Mapping[SiteId, str] = field(default_factory=dict)
    goals: PlanningGoals = field(default_factory=PlanningGoals)
    netted_billing: bool = False

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        once = len(set(self.sites)) == len(self.sites)
        require(once, "REPEATED_SITE", "a site stands in its group once", "sites")
        for name in ("max_import_power_w", "max_export_power_w", "peak_price_per_kw"):
            require_at_least(getattr(self, name), 0, name)
        _check_tree(self.nodes)
        known = {node.id for node in self.nodes}
        for site, node in self.site_node_ids.items():
            fits = site in self.sites and node in known
            require(fits, "UNKNOWN_NODE", f"{site} cannot hang on {node!r}", "site_node_ids")
        object.__setattr__(self, "site_node_ids", MappingProxyType(dict(self.site_node_ids)))

    @property
    def name(self) -> str:
        """The resource name."""
        return self.id.name

    def sites_below(self, node_id: str) -> tuple[SiteId, ...]:
        """Return the sites that hang on a node, or anywhere below it."""
        ids = _ids_below(self.nodes, node_id)
        return tuple(site for site in self.sites if self.site_node_ids.get(site, "") in ids)


def _ids_below(nodes: tuple[Node, ...], node_id: str) -> frozenset[str]:
    ids, grown = {node_id}, True
    while grown:
        more = {node.id for node in nodes if node.parent_id in ids} - ids
        ids |= more
        grown = bool(more)
    return frozenset(ids)


def _check_tree(nodes: tuple[Node, ...]) -> None:
    parents = {node.id: node.parent_id for node in nodes}
    require(len(parents) == len(nodes), "REPEATED_NODE", "a node stands once", "nodes.id")
    for node in nodes:
        seen, above = {node.id}, node.parent_id
        while above:
            known = above in parents
            require(known, "UNKNOWN_NODE", f"there is no node {above!r}", "nodes.parent_id")
            require(
                above not in seen, "NODE_CIRCLE", f"{above!r} is below itself", "nodes.parent_id"
            )
            seen.add(above)
            above = parents[above]
