"""The part of a site's model that planning needs."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, GroupId, SiteId, TariffId, ZoneId


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """The connection to the grid; limits in [W], None: no limit."""

    id: AssetId
    import_limit_w: float | None
    export_limit_w: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Consumption that is forecast, not steered."""

    id: AssetId


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """Solar or wind generation; `device` curtails it, None: nothing can."""

    id: AssetId
    rated_power_w: float
    wind: bool
    device: DeviceId | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Battery:
    """Electric storage that `device` steers; powers and energies on the AC side."""

    id: AssetId
    device: DeviceId
    capacity_wh: float
    charge_limit_w: float
    discharge_limit_w: float
    charge_efficiency_ratio: float
    discharge_efficiency_ratio: float
    min_soc_ratio: float
    max_soc_ratio: float
    wear_cost_per_kwh: float

    def __post_init__(self) -> None:
        """Refuse what no battery can be."""
        if self.capacity_wh <= 0:
            raise InvalidArgument("INVALID_BATTERY", f"{self.id}: capacity_wh must be positive")
        for ratio in (self.charge_efficiency_ratio, self.discharge_efficiency_ratio):
            if not 0 < ratio <= 1:
                raise InvalidArgument(
                    "INVALID_BATTERY", f"{self.id}: efficiency {ratio} not in (0, 1]"
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A site as planning sees it. `unplanned` names assets of kinds that are not planned yet."""

    id: SiteId
    zone: ZoneInfo
    currency_code: str
    tariff: TariffId | None
    carbon_zone: ZoneId | None
    grid: Grid
    loads: tuple[Load, ...]
    generation: tuple[Generation, ...]
    batteries: tuple[Battery, ...]
    unplanned: tuple[AssetId, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What is planned in one go: a group of sites, or one site that is in no group."""

    id: GroupId | SiteId
    sites: tuple[Site, ...]
    import_limit_w: float | None = None
    export_limit_w: float | None = None
    peak_price_per_kw: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a scope that cannot be planned."""
        if not self.sites:
            raise InvalidArgument("EMPTY_SCOPE", f"{self.id} has no sites to plan")

    @property
    def name(self) -> str:
        """`groups/{group}` or `sites/{site}`."""
        return self.id.name

    @property
    def batteries(self) -> tuple[Battery, ...]:
        """The batteries of all sites."""
        return tuple(battery for site in self.sites for battery in site.batteries)

    @property
    def forecast_assets(self) -> tuple[AssetId, ...]:
        """The assets whose power is forecast: loads and generation of all sites."""
        loads = [load.id for site in self.sites for load in site.loads]
        return (*loads, *(source.id for site in self.sites for source in site.generation))
