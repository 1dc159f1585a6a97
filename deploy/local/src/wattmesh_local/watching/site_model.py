"""The sites of a run as the view and the report need them."""

import asyncio
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from wattmesh.site.v1 import asset_pb2, site_pb2
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_local.watching.clients import MeshClients


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteView:
    """One site with its assets by kind, and the devices of its batteries and generators."""

    id: SiteId
    display_name: str
    zone: ZoneInfo
    tariff: str
    carbon_zone: str
    currency_code: str
    grid: AssetId
    loads: tuple[AssetId, ...]
    generation: tuple[AssetId, ...]
    batteries: tuple[AssetId, ...]
    devices: dict[AssetId, DeviceId]
    battery_capacity_wh: float

    @property
    def balance(self) -> tuple[AssetId, ...]:
        """The assets whose energies make the site's balance, but for the loads."""
        return (self.grid, *self.generation, *self.batteries)


async def read_sites(clients: MeshClients) -> list[SiteView]:
    """Return all sites that have a grid connection, by name."""
    sites, assets, devices = await asyncio.gather(
        clients.sites.ListSites(site_pb2.ListSitesRequest()),
        clients.sites.ListAssets(site_pb2.ListAssetsRequest(parent="sites/-")),
        clients.sites.ListDevices(site_pb2.ListDevicesRequest(parent="sites/-")),
    )
    by_asset = {device.asset: DeviceId.parse(device.name) for device in devices.devices}
    views = []
    for site in sites.sites:
        own = [asset for asset in assets.assets if asset.name.startswith(f"{site.name}/")]
        if any(asset.HasField("grid_connection") for asset in own):
            views.append(_view(site, own, by_asset))
    return sorted(views, key=lambda view: _natural(view.id.segment))


def _view(
    site: site_pb2.Site, assets: list[asset_pb2.Asset], by_asset: dict[str, DeviceId]
) -> SiteView:
    def ids(*kinds: str) -> tuple[AssetId, ...]:
        return tuple(
            AssetId.parse(asset.name)
            for asset in assets
            if asset.WhichOneof("kind") in kinds and not asset.load.informational
        )

    return SiteView(
        id=SiteId.parse(site.name),
        display_name=site.display_name or SiteId.parse(site.name).segment,
        zone=ZoneInfo(site.time_zone),
        tariff=site.tariff,
        carbon_zone=site.carbon_zone,
        currency_code=site.currency_code,
        grid=ids("grid_connection")[0],
        loads=ids("load"),
        generation=ids("pv_array", "wind_turbine"),
        batteries=ids("battery"),
        devices={
            AssetId.parse(asset.name): by_asset[asset.name]
            for asset in assets
            if asset.name in by_asset
        },
        battery_capacity_wh=sum(asset.battery.capacity_wh for asset in assets),
    )


def _natural(name: str) -> tuple[str, int]:
    head = name.rstrip("0123456789")
    digits = name[len(head) :]
    return head, int(digits) if digits else 0
