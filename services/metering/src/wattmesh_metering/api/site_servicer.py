"""wattmesh.site.v1.SiteService."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc

from wattmesh.site.v1 import site_pb2, site_pb2_grpc
from wattmesh_contracts.tariff import tariff_from_proto, tariff_to_proto
from wattmesh_contracts.values import (
    optional_datetime_from_proto,
    series_from_proto,
    time_range_from_proto,
)
from wattmesh_kernel.ids import GatewayId, GroupId, SiteId, TariffId
from wattmesh_kernel.tariff import EnergyDirection, Tariff
from wattmesh_metering.api.convert_asset import asset_from_proto, asset_to_proto
from wattmesh_metering.api.convert_site import (
    device_from_proto,
    device_to_proto,
    group_from_proto,
    group_to_proto,
    site_from_proto,
    site_to_proto,
)
from wattmesh_metering.api.fields import present
from wattmesh_metering.app.catalog import KeepCatalog
from wattmesh_metering.app.tariff_prices import TariffPrices
from wattmesh_metering.domain.assets import Asset
from wattmesh_metering.domain.devices import Device
from wattmesh_metering.domain.paging import PageRequest
from wattmesh_metering.domain.selectors import parse_site_parent
from wattmesh_metering.domain.sites import Site, SiteGroup

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteUseCases:
    """What the servicer calls."""

    sites: KeepCatalog[Site]
    groups: KeepCatalog[SiteGroup]
    assets: KeepCatalog[Asset]
    devices: KeepCatalog[Device]
    tariffs: KeepCatalog[Tariff]
    tariff_prices: TariffPrices


class SiteServicer(site_pb2_grpc.SiteServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, use_cases: SiteUseCases) -> None:
        self._use = use_cases

    async def CreateSite(  # noqa: N802
        self, request: site_pb2.CreateSiteRequest, context: Context
    ) -> site_pb2.CreateSiteResponse:
        """Create a site."""
        site = await self._use.sites.create(site_from_proto(request.site), request.request_id)
        return site_pb2.CreateSiteResponse(site=site_to_proto(site))

    async def GetSite(  # noqa: N802
        self, request: site_pb2.GetSiteRequest, context: Context
    ) -> site_pb2.GetSiteResponse:
        """Return one site."""
        site = await self._use.sites.get(SiteId.parse(request.name).name)
        return site_pb2.GetSiteResponse(site=site_to_proto(site))

    async def ListSites(  # noqa: N802
        self, request: site_pb2.ListSitesRequest, context: Context
    ) -> site_pb2.ListSitesResponse:
        """List sites by name."""
        filters = {"group": GroupId.parse(request.parent).name} if request.parent else {}
        page = await self._use.sites.list(_page(request), filters)
        return site_pb2.ListSitesResponse(
            sites=map(site_to_proto, page.items), next_page_token=page.next_token
        )

    async def UpdateSite(  # noqa: N802
        self, request: site_pb2.UpdateSiteRequest, context: Context
    ) -> site_pb2.UpdateSiteResponse:
        """Replace a site."""
        site = await self._use.sites.update(
            site_from_proto(request.site), allow_missing=request.allow_missing
        )
        return site_pb2.UpdateSiteResponse(site=site_to_proto(site))

    async def CreateAsset(  # noqa: N802
        self, request: site_pb2.CreateAssetRequest, context: Context
    ) -> site_pb2.CreateAssetResponse:
        """Create an asset."""
        asset = await self._use.assets.create(asset_from_proto(request.asset), request.request_id)
        return site_pb2.CreateAssetResponse(asset=asset_to_proto(asset))

    async def ListAssets(  # noqa: N802
        self, request: site_pb2.ListAssetsRequest, context: Context
    ) -> site_pb2.ListAssetsResponse:
        """List assets by name."""
        page = await self._use.assets.list(_page(request), _site_filter(request.parent))
        return site_pb2.ListAssetsResponse(
            assets=map(asset_to_proto, page.items), next_page_token=page.next_token
        )

    async def UpdateAsset(  # noqa: N802
        self, request: site_pb2.UpdateAssetRequest, context: Context
    ) -> site_pb2.UpdateAssetResponse:
        """Replace an asset."""
        asset = await self._use.assets.update(
            asset_from_proto(request.asset), allow_missing=request.allow_missing
        )
        return site_pb2.UpdateAssetResponse(asset=asset_to_proto(asset))

    async def CreateDevice(  # noqa: N802
        self, request: site_pb2.CreateDeviceRequest, context: Context
    ) -> site_pb2.CreateDeviceResponse:
        """Create a device with its points."""
        device = await self._use.devices.create(
            device_from_proto(request.device), request.request_id
        )
        return site_pb2.CreateDeviceResponse(device=device_to_proto(device))

    async def ListDevices(  # noqa: N802
        self, request: site_pb2.ListDevicesRequest, context: Context
    ) -> site_pb2.ListDevicesResponse:
        """List devices by name."""
        filters = _site_filter(request.parent)
        if request.gateway:
            filters["gateway"] = GatewayId.parse(request.gateway).name
        page = await self._use.devices.list(_page(request), filters)
        return site_pb2.ListDevicesResponse(
            devices=map(device_to_proto, page.items), next_page_token=page.next_token
        )

    async def UpdateDevice(  # noqa: N802
        self, request: site_pb2.UpdateDeviceRequest, context: Context
    ) -> site_pb2.UpdateDeviceResponse:
        """Replace a device."""
        device = await self._use.devices.update(
            device_from_proto(request.device), allow_missing=request.allow_missing
        )
        return site_pb2.UpdateDeviceResponse(device=device_to_proto(device))

    async def CreateSiteGroup(  # noqa: N802
        self, request: site_pb2.CreateSiteGroupRequest, context: Context
    ) -> site_pb2.CreateSiteGroupResponse:
        """Create a group of sites."""
        group = await self._use.groups.create(
            group_from_proto(request.site_group), request.request_id
        )
        return site_pb2.CreateSiteGroupResponse(site_group=group_to_proto(group))

    async def ListSiteGroups(  # noqa: N802
        self, request: site_pb2.ListSiteGroupsRequest, context: Context
    ) -> site_pb2.ListSiteGroupsResponse:
        """List groups by name."""
        page = await self._use.groups.list(_page(request), {})
        return site_pb2.ListSiteGroupsResponse(
            site_groups=map(group_to_proto, page.items), next_page_token=page.next_token
        )

    async def UpdateSiteGroup(  # noqa: N802
        self, request: site_pb2.UpdateSiteGroupRequest, context: Context
    ) -> site_pb2.UpdateSiteGroupResponse:
        """Replace a group."""
        group = await self._use.groups.update(
            group_from_proto(request.site_group), allow_missing=request.allow_missing
        )
        return site_pb2.UpdateSiteGroupResponse(site_group=group_to_proto(group))

    async def CreateTariff(  # noqa: N802
        self, request: site_pb2.CreateTariffRequest, context: Context
    ) -> site_pb2.CreateTariffResponse:
        """Create a tariff."""
        tariff = await self._use.tariffs.create(
            tariff_from_proto(request.tariff), request.request_id
        )
        return site_pb2.CreateTariffResponse(tariff=tariff_to_proto(tariff))

    async def GetTariff(  # noqa: N802
        self, request: site_pb2.GetTariffRequest, context: Context
    ) -> site_pb2.GetTariffResponse:
        """Return one tariff, with the published prices of a range."""
        span = None
        if present(request, "price_range"):
            span = time_range_from_proto(request.price_range, "price_range")
        known_by = optional_datetime_from_proto(
            request.known_by_time,
            present=present(request, "known_by_time"),
            field="known_by_time",
        )
        tariff = await self._use.tariff_prices.get(TariffId.parse(request.name), span, known_by)
        return site_pb2.GetTariffResponse(tariff=tariff_to_proto(tariff))

    async def ListTariffs(  # noqa: N802
        self, request: site_pb2.ListTariffsRequest, context: Context
    ) -> site_pb2.ListTariffsResponse:
        """List tariffs by name."""
        page = await self._use.tariffs.list(_page(request), {})
        return site_pb2.ListTariffsResponse(
            tariffs=map(tariff_to_proto, page.items), next_page_token=page.next_token
        )

    async def UpdateTariff(  # noqa: N802
        self, request: site_pb2.UpdateTariffRequest, context: Context
    ) -> site_pb2.UpdateTariffResponse:
        """Replace a tariff."""
        tariff = await self._use.tariffs.update(
            tariff_from_proto(request.tariff), allow_missing=request.allow_missing
        )
        return site_pb2.UpdateTariffResponse(tariff=tariff_to_proto(tariff))

    async def PublishPrices(  # noqa: N802
        self, request: site_pb2.PublishPricesRequest, context: Context
    ) -> site_pb2.PublishPricesResponse:
        """Publish dynamic prices."""
        publish_time = optional_datetime_from_proto(
            request.publish_time, present=present(request, "publish_time"), field="publish_time"
        )
        fields = {
            EnergyDirection.IMPORT: "import_price_per_kwh",
            EnergyDirection.EXPORT: "export_price_per_kwh",
        }
        series = [
            (direction, series_from_proto(getattr(request, field), field))
            for direction, field in fields.items()
            if present(request, field)
        ]
        stored = await self._use.tariff_prices.publish(
            TariffId.parse(request.tariff), publish_time, series
        )
        return site_pb2.PublishPricesResponse(stored=stored)


def _page(request: Any) -> PageRequest:
    return PageRequest(size=request.page_size, token=request.page_token)


def _site_filter(parent: str) -> dict[str, str]:
    site = parse_site_parent(parent)
    return {} if site is None else {"site": site.name}
