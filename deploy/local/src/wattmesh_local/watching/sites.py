"""The sites of a run as the view and the report need them, out of the site model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId, PointId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    DeferrableRating,
    EvChargerRating,
    GeneratorRating,
    GridConnectionRating,
    HvacZoneRating,
    LoadRating,
    MeterRole,
    PvRating,
    Rating,
    Site,
    SiteModel,
    TankRating,
    WindRating,
)
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.view import SiteModelView

_SHOWN = ("active_power_w", "soc_ratio", "temperature_celsius")


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchedSite:
    """One site with its assets by kind.

    `points` are those that show a quantity of an asset: of its main meter, or of all that measure
    a part of it. `generation` is sun and wind; `turbines` are the latter.
    """

    id: SiteId
    display_name: str
    zone: ZoneInfo
    tariff: str
    carbon_zone: str
    currency_code: str
    grid: AssetId
    loads: tuple[AssetId, ...] = ()
    generation: tuple[AssetId, ...] = ()
    turbines: tuple[AssetId, ...] = ()
    generators: tuple[AssetId, ...] = ()
    can_island: bool = False
    batteries: tuple[AssetId, ...] = ()
    battery_capacity_wh: float = 0.0
    charge_points: tuple[AssetId, ...] = ()
    zones: tuple[AssetId, ...] = ()
    tanks: tuple[AssetId, ...] = ()
    machines: tuple[AssetId, ...] = ()
    points: dict[tuple[AssetId, str], tuple[PointId, ...]] = field(default_factory=dict)

    @property
    def balance(self) -> tuple[AssetId, ...]:
        """The assets whose energies make the site's balance, but for the loads."""
        steered = (*self.batteries, *self.charge_points, *self.zones, *self.tanks)
        return (self.grid, *self.generation, *self.generators, *steered, *self.machines)


@asynccontextmanager
async def followed_site_model(clients: MeshClients, clock: Clock) -> AsyncIterator[SiteModelView]:
    """Give the site model of a run as soon as it is known, and keep it up to date."""
    view = SiteModelView(clock)
    async with BackgroundTasks() as background:
        background.start(SiteModelClient(clients.channel("metering"), view).run())
        await view.wait_known()
        yield view


def watched_sites(model: SiteModel, at: datetime) -> list[WatchedSite]:
    """Return all sites that have a grid connection, by name, as they are measured at a time."""
    found = [_watched(model, site, at) for site in model.sites.values()]
    return sorted(
        (site for site in found if site is not None), key=lambda site: _natural(site.id.segment)
    )


def _watched(model: SiteModel, site: Site, at: datetime) -> WatchedSite | None:
    assets = model.assets_of(site.id)
    grids = _of_kind(assets, GridConnectionRating)
    if not grids:
        return None
    return WatchedSite(
        id=site.id,
        display_name=site.display_name or site.id.segment,
        zone=site.zone,
        tariff=tariff.name if (tariff := site.tariff_at(at)) else "",
        carbon_zone=site.carbon_zone.name if site.carbon_zone else "",
        currency_code=site.currency_code,
        grid=grids[0],
        loads=_of_kind(assets, LoadRating),
        generation=_of_kind(assets, PvRating, WindRating),
        turbines=_of_kind(assets, WindRating),
        generators=_of_kind(assets, GeneratorRating),
        can_island=site.microgrid is not None,
        batteries=_of_kind(assets, BatteryRating),
        charge_points=_of_kind(assets, EvChargerRating),
        zones=_of_kind(assets, HvacZoneRating),
        tanks=_of_kind(assets, TankRating),
        machines=_of_kind(assets, DeferrableRating),
        battery_capacity_wh=sum(
            asset.rating.capacity_wh for asset in assets if isinstance(asset.rating, BatteryRating)
        ),
        points={
            (asset.id, quantity): _points(model, asset.id, quantity, at)
            for asset in assets
            for quantity in _SHOWN
        },
    )


def _of_kind(assets: tuple[Asset, ...], *kinds: type[Rating]) -> tuple[AssetId, ...]:
    return tuple(
        asset.id
        for asset in assets
        if isinstance(asset.rating, kinds)
        and not (isinstance(asset.rating, LoadRating) and asset.rating.informational)
    )


def _points(model: SiteModel, asset: AssetId, quantity: str, at: datetime) -> tuple[PointId, ...]:
    if (main := model.point_of(asset, quantity, at)) is not None:
        return (main,)
    return tuple(
        meter.device.point(quantity)
        for meter in model.meters_of(asset, at)
        if meter.function.meter_role is MeterRole.PART and quantity in meter.quantities
    )


def _natural(name: str) -> tuple[str, int]:
    head = name.rstrip("0123456789")
    digits = name[len(head) :]
    return head, int(digits) if digits else 0
