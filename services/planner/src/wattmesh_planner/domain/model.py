"""The planner's view of the site model: what is planned in one go, and what of it cannot be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TypeAlias

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, GroupId, PointId, SiteId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Asset, PlanningGoals, Rating, Site, SiteGroup
from wattmesh_planner.domain.degradations import Degradation

ScopeId: TypeAlias = GroupId | SiteId


def parse_scope(name: str) -> ScopeId:
    """Read `groups/{group}` or `sites/{site}`; InvalidArgument when it is neither."""
    return GroupId.parse(name) if name.startswith("groups/") else SiteId.parse(name)


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteredPoint:
    """Where a quantity of an asset is read, and how often it is reported."""

    id: PointId
    reporting_interval: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteAsset:
    """An asset, the device that its setpoints go to, and where its main meter is read."""

    asset: Asset
    controller: DeviceId | None = None
    setpoint_kinds: frozenset[SetpointKind] = frozenset()
    """What its controller may be told; empty: whatever there is for the asset."""
    points: Mapping[str, MeteredPoint]
    """By quantity; those that its kind needs and that are measured."""

    @property
    def id(self) -> AssetId:
        """Its id."""
        return self.asset.id

    @property
    def name(self) -> str:
        """Its resource name."""
        return self.asset.name

    @property
    def rating(self) -> Rating:
        """What it is able to do."""
        return self.asset.rating


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopeSite:
    """A site with the assets that are planned; one of them is its grid connection."""

    site: Site
    grid_connection: AssetId
    assets: tuple[SiteAsset, ...]


class ScopeState(Enum):
    """Whether a scope is planned."""

    PLANNED = "planned"
    NOTHING_TO_STEER = "nothing_to_steer"
    INCOMPLETE = "incomplete"
    """The site model is not complete enough to plan."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What is planned in one go: a group of sites, or one site that is in no group.

    `degradations` are what the site model alone takes away from it.
    """

    id: ScopeId
    state: ScopeState
    sites: tuple[ScopeSite, ...]
    group: SiteGroup | None = None
    degradations: tuple[Degradation, ...] = ()

    def __post_init__(self) -> None:
        if self.state is ScopeState.PLANNED and not self.sites:
            raise InvalidArgument("EMPTY_SCOPE", f"{self.id} has no sites to plan")

    @property
    def name(self) -> str:
        """`groups/{group}` or `sites/{site}`."""
        return self.id.name

    @property
    def assets(self) -> Iterator[SiteAsset]:
        """The assets of all sites."""
        return (asset for site in self.sites for asset in site.assets)

    @property
    def goals(self) -> PlanningGoals:
        """What its plans weigh beside the bill: as the group says, or the site that is alone."""
        if self.group is not None:
            return self.group.goals
        return self.sites[0].site.goals if self.sites else PlanningGoals()

    @property
    def counts_changes(self) -> bool:
        """Whether changes of grid power have a price: of a group always, unless it says 0."""
        price = self.goals.ramp_price_per_kw
        return self.group is not None if price is None else price > 0

    @property
    def peak_price_per_kw(self) -> float:
        """What the highest shared import of a month is worth [currency/kW]; 0: nothing."""
        return (self.group.peak_price_per_kw or 0.0) if self.group is not None else 0.0
