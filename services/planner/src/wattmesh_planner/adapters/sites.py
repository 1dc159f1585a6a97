"""The site model and the tariffs, from metering's SiteService."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import grpc

from wattmesh.site.v1 import asset_pb2, site_pb2, site_pb2_grpc
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.errors import FailedPrecondition, WattmeshError
from wattmesh_kernel.ids import AssetId, DeviceId, GroupId, SiteId, TariffId, ZoneId
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.model import Battery, Generation, Grid, Load, Scope, Site
from wattmesh_runtime.errors import rpc_errors

_log = logging.getLogger(__name__)

Planned = Grid | Load | Generation | Battery


class GrpcSiteCatalogue:
    """Reads sites, assets, devices, groups and tariffs."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = site_pb2_grpc.SiteServiceStub(channel)
        self._complaints = set[str]()

    async def scopes(self) -> tuple[Scope, ...]:
        """Return the groups, and the sites that are in none."""
        with rpc_errors():
            sites, groups, assets, devices = await asyncio.gather(
                self._sites(), self._groups(), self._assets(), self._devices()
            )
        controllers = {device.asset: DeviceId.parse(device.name) for device in devices}
        models = dict[str, Site]()
        for site in sites:
            own = [asset for asset in assets if asset.name.startswith(f"{site.name}/")]
            try:
                models[site.name] = _site_from_proto(site, own, controllers)
            except WattmeshError as error:  # one site that is not complete stops no other
                self._complain_once(error)
        scopes = [
            _group_scope(group, models)
            for group in groups
            if any(name in models for name in group.sites)
        ]
        grouped = {site for group in groups for site in group.sites}
        scopes += [
            Scope(id=model.id, sites=(model,))
            for name, model in models.items()
            if name not in grouped
        ]
        return tuple(scope for scope in scopes if scope.batteries)

    async def tariff(self, tariff: TariffId, span: TimeRange) -> Tariff:
        """Return a tariff with the prices published for `span`."""
        with rpc_errors():
            answer = await self._stub.GetTariff(
                site_pb2.GetTariffRequest(name=tariff.name, price_range=time_range_to_proto(span))
            )
        return tariff_from_proto(answer.tariff)

    def _complain_once(self, error: WattmeshError) -> None:
        if str(error) not in self._complaints:
            self._complaints.add(str(error))
            _log.warning("not planned: %s", error)

    async def _sites(self) -> list[site_pb2.Site]:
        return await _all_pages(self._stub.ListSites, site_pb2.ListSitesRequest(), "sites")

    async def _groups(self) -> list[site_pb2.SiteGroup]:
        request = site_pb2.ListSiteGroupsRequest()
        return await _all_pages(self._stub.ListSiteGroups, request, "site_groups")

    async def _assets(self) -> list[asset_pb2.Asset]:
        request = site_pb2.ListAssetsRequest(parent="sites/-")
        return await _all_pages(self._stub.ListAssets, request, "assets")

    async def _devices(self) -> list[site_pb2.Device]:
        request = site_pb2.ListDevicesRequest(parent="sites/-")
        return await _all_pages(self._stub.ListDevices, request, "devices")


async def _all_pages(
    method: Callable[[Any], Awaitable[Any]], request: Any, items: str
) -> list[Any]:
    """Return the items of all pages of a list call."""
    found: list[Any] = []
    while True:
        page = await method(request)
        found += getattr(page, items)
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def _group_scope(group: site_pb2.SiteGroup, models: dict[str, Site]) -> Scope:
    return Scope(
        id=GroupId.parse(group.name),
        sites=tuple(models[name] for name in group.sites if name in models),
        import_limit_w=group.import_limit_w if group.HasField("import_limit_w") else None,
        export_limit_w=group.export_limit_w if group.HasField("export_limit_w") else None,
        peak_price_per_kw=group.peak_price_per_kw,
    )


def _site_from_proto(
    site: site_pb2.Site, assets: Sequence[asset_pb2.Asset], controllers: dict[str, DeviceId]
) -> Site:
    planned, unplanned = list[Planned](), list[AssetId]()
    for asset in assets:
        if (item := _asset_from_proto(asset, controllers.get(asset.name))) is not None:
            planned.append(item)
        elif not asset.load.informational:
            unplanned.append(AssetId.parse(asset.name))
    grids = [item for item in planned if isinstance(item, Grid)]
    if len(grids) != 1:
        raise FailedPrecondition(
            "NO_GRID_CONNECTION", f"{site.name} has {len(grids)} grid connections, not one"
        )
    return Site(
        id=SiteId.parse(site.name),
        zone=_zone(site),
        currency_code=site.currency_code,
        tariff=TariffId.parse(site.tariff) if site.tariff else None,
        carbon_zone=ZoneId.parse(site.carbon_zone) if site.carbon_zone else None,
        grid=grids[0],
        loads=tuple(item for item in planned if isinstance(item, Load)),
        generation=tuple(item for item in planned if isinstance(item, Generation)),
        batteries=tuple(item for item in planned if isinstance(item, Battery)),
        unplanned=tuple(unplanned),
    )


def _asset_from_proto(asset: asset_pb2.Asset, device: DeviceId | None) -> Planned | None:
    """Return an asset as planning sees it; None for what is not planned."""
    asset_id = AssetId.parse(asset.name)
    match asset.WhichOneof("kind"):
        case "grid_connection":
            return _grid(asset_id, asset.grid_connection)
        case "load" if not asset.load.informational:
            return Load(id=asset_id)
        case "pv_array":
            return _pv(asset_id, asset.pv_array, device)
        case "wind_turbine":
            return _wind(asset_id, asset.wind_turbine, device)
        case "battery" if device is not None:
            return _battery(asset_id, asset.battery, device)
        case _:
            return None


def _grid(asset: AssetId, grid: asset_pb2.GridConnection) -> Grid:
    return Grid(
        id=asset,
        import_limit_w=grid.import_limit_w if grid.HasField("import_limit_w") else None,
        export_limit_w=grid.export_limit_w if grid.HasField("export_limit_w") else None,
    )


def _pv(asset: AssetId, pv: asset_pb2.PvArray, device: DeviceId | None) -> Generation:
    rated = pv.inverter_power_w if pv.HasField("inverter_power_w") else pv.peak_power_w
    return Generation(
        id=asset, rated_power_w=rated, wind=False, device=device if pv.curtailable else None
    )


def _wind(asset: AssetId, wind: asset_pb2.WindTurbine, device: DeviceId | None) -> Generation:
    return Generation(
        id=asset,
        rated_power_w=wind.rated_power_w,
        wind=True,
        device=device if wind.curtailable else None,
    )


def _battery(asset: AssetId, battery: asset_pb2.Battery, device: DeviceId) -> Battery:
    return Battery(
        id=asset,
        device=device,
        capacity_wh=battery.capacity_wh,
        charge_limit_w=battery.charge_limit_w,
        discharge_limit_w=battery.discharge_limit_w,
        charge_efficiency_ratio=battery.charge_efficiency_ratio,
        discharge_efficiency_ratio=battery.discharge_efficiency_ratio,
        min_soc_ratio=battery.min_soc_ratio,
        max_soc_ratio=battery.max_soc_ratio if battery.HasField("max_soc_ratio") else 1.0,
        wear_cost_per_kwh=battery.wear_cost_per_kwh,
    )


def _zone(site: site_pb2.Site) -> ZoneInfo:
    try:
        return ZoneInfo(site.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise FailedPrecondition(
            "UNKNOWN_TIME_ZONE", f"{site.name}: no time zone {site.time_zone!r}"
        ) from error
