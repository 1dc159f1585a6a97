"""wattmesh.site.v1.SiteService."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc

from wattmesh.site.v1 import site_service_pb2 as pb
from wattmesh.site.v1 import site_service_pb2_grpc
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import TariffId
from wattmesh_metering.api.convert_lists import (
    device_filters,
    group_filter,
    no_filter,
    own_sites_filter,
    page_from_proto,
    site_filter,
)
from wattmesh_metering.api.convert_model import pieces_from_model_change
from wattmesh_metering.api.convert_prices import (
    known_by_from_proto,
    price_query_from_proto,
    priced_to_proto,
    publication_from_proto,
)
from wattmesh_metering.api.convert_record import (
    ASSETS,
    DEVICES,
    GROUPS,
    SITES,
    TARIFFS,
    known_since_to_proto,
)
from wattmesh_metering.app.keep_records import KeepRecords
from wattmesh_metering.app.tariff_prices import TariffPrices
from wattmesh_metering.app.watch_site_model import WatchSiteModel
from wattmesh_runtime.access.guard import current_identity

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteUseCases:
    """What the servicer calls."""

    sites: KeepRecords
    groups: KeepRecords
    assets: KeepRecords
    devices: KeepRecords
    tariffs: KeepRecords
    tariff_prices: TariffPrices
    watch: WatchSiteModel


class SiteServicer(site_service_pb2_grpc.SiteServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, use_cases: SiteUseCases, clock: Clock) -> None:
        self._use = use_cases
        self._clock = clock

    async def CreateSite(  # noqa: N802
        self, request: pb.CreateSiteRequest, context: Context
    ) -> pb.CreateSiteResponse:
        """Create a site."""
        document = SITES.document(request.site)
        record = await self._use.sites.create(document, request.request_id)
        return pb.CreateSiteResponse(site=SITES.proto(record))

    async def GetSite(  # noqa: N802
        self, request: pb.GetSiteRequest, context: Context
    ) -> pb.GetSiteResponse:
        """Return one site, as known at a time."""
        record = await self._use.sites.get(request.name, known_by_from_proto(request))
        return pb.GetSiteResponse(
            site=SITES.proto(record), known_since_time=known_since_to_proto(record)
        )

    async def ListSites(  # noqa: N802
        self, request: pb.ListSitesRequest, context: Context
    ) -> pb.ListSitesResponse:
        """List sites by name."""
        filters = group_filter(request.parent) | own_sites_filter(current_identity())
        page = await self._use.sites.list(page_from_proto(request), filters)
        return pb.ListSitesResponse(
            sites=map(SITES.proto, page.items), next_page_token=page.next_token
        )

    async def UpdateSite(  # noqa: N802
        self, request: pb.UpdateSiteRequest, context: Context
    ) -> pb.UpdateSiteResponse:
        """Change a site."""
        given = request.site
        merge = SITES.merge(given, request.update_mask.paths)
        record = await self._use.sites.update(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateSiteResponse(site=SITES.proto(record))

    async def DeleteSite(  # noqa: N802
        self, request: pb.DeleteSiteRequest, context: Context
    ) -> pb.DeleteSiteResponse:
        """Delete a site; its past stays."""
        await self._use.sites.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteSiteResponse()

    async def CreateAsset(  # noqa: N802
        self, request: pb.CreateAssetRequest, context: Context
    ) -> pb.CreateAssetResponse:
        """Create an asset."""
        document = ASSETS.document(request.asset)
        record = await self._use.assets.create(document, request.request_id)
        return pb.CreateAssetResponse(asset=ASSETS.proto(record))

    async def GetAsset(  # noqa: N802
        self, request: pb.GetAssetRequest, context: Context
    ) -> pb.GetAssetResponse:
        """Return one asset."""
        record = await self._use.assets.get(request.name)
        return pb.GetAssetResponse(asset=ASSETS.proto(record))

    async def ListAssets(  # noqa: N802
        self, request: pb.ListAssetsRequest, context: Context
    ) -> pb.ListAssetsResponse:
        """List assets by name."""
        page = await self._use.assets.list(page_from_proto(request), site_filter(request.parent))
        return pb.ListAssetsResponse(
            assets=map(ASSETS.proto, page.items), next_page_token=page.next_token
        )

    async def UpdateAsset(  # noqa: N802
        self, request: pb.UpdateAssetRequest, context: Context
    ) -> pb.UpdateAssetResponse:
        """Change an asset."""
        given = request.asset
        merge = ASSETS.merge(given, request.update_mask.paths)
        record = await self._use.assets.update(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateAssetResponse(asset=ASSETS.proto(record))

    async def DeleteAsset(  # noqa: N802
        self, request: pb.DeleteAssetRequest, context: Context
    ) -> pb.DeleteAssetResponse:
        """Delete an asset; its past stays."""
        await self._use.assets.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteAssetResponse()

    async def CreateDevice(  # noqa: N802
        self, request: pb.CreateDeviceRequest, context: Context
    ) -> pb.CreateDeviceResponse:
        """Create a device with its points and functions."""
        document = DEVICES.document(request.device)
        record = await self._use.devices.create(document, request.request_id)
        return pb.CreateDeviceResponse(device=DEVICES.proto(record))

    async def GetDevice(  # noqa: N802
        self, request: pb.GetDeviceRequest, context: Context
    ) -> pb.GetDeviceResponse:
        """Return one device."""
        record = await self._use.devices.get(request.name)
        return pb.GetDeviceResponse(device=DEVICES.proto(record))

    async def ListDevices(  # noqa: N802
        self, request: pb.ListDevicesRequest, context: Context
    ) -> pb.ListDevicesResponse:
        """List devices by name."""
        page = await self._use.devices.list(page_from_proto(request), device_filters(request))
        return pb.ListDevicesResponse(
            devices=map(DEVICES.proto, page.items), next_page_token=page.next_token
        )

    async def UpdateDevice(  # noqa: N802
        self, request: pb.UpdateDeviceRequest, context: Context
    ) -> pb.UpdateDeviceResponse:
        """Change a device."""
        given = request.device
        merge = DEVICES.merge(given, request.update_mask.paths)
        record = await self._use.devices.update(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateDeviceResponse(device=DEVICES.proto(record))

    async def DeleteDevice(  # noqa: N802
        self, request: pb.DeleteDeviceRequest, context: Context
    ) -> pb.DeleteDeviceResponse:
        """Delete a device; its past stays."""
        await self._use.devices.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteDeviceResponse()

    async def CreateSiteGroup(  # noqa: N802
        self, request: pb.CreateSiteGroupRequest, context: Context
    ) -> pb.CreateSiteGroupResponse:
        """Create a group of sites."""
        document = GROUPS.document(request.site_group)
        record = await self._use.groups.create(document, request.request_id)
        return pb.CreateSiteGroupResponse(site_group=GROUPS.proto(record))

    async def GetSiteGroup(  # noqa: N802
        self, request: pb.GetSiteGroupRequest, context: Context
    ) -> pb.GetSiteGroupResponse:
        """Return one group of sites."""
        record = await self._use.groups.get(request.name)
        return pb.GetSiteGroupResponse(site_group=GROUPS.proto(record))

    async def ListSiteGroups(  # noqa: N802
        self, request: pb.ListSiteGroupsRequest, context: Context
    ) -> pb.ListSiteGroupsResponse:
        """List groups by name."""
        page = await self._use.groups.list(page_from_proto(request), no_filter(request.parent))
        return pb.ListSiteGroupsResponse(
            site_groups=map(GROUPS.proto, page.items), next_page_token=page.next_token
        )

    async def UpdateSiteGroup(  # noqa: N802
        self, request: pb.UpdateSiteGroupRequest, context: Context
    ) -> pb.UpdateSiteGroupResponse:
        """Change a group of sites."""
        given = request.site_group
        merge = GROUPS.merge(given, request.update_mask.paths)
        record = await self._use.groups.update(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateSiteGroupResponse(site_group=GROUPS.proto(record))

    async def DeleteSiteGroup(  # noqa: N802
        self, request: pb.DeleteSiteGroupRequest, context: Context
    ) -> pb.DeleteSiteGroupResponse:
        """Delete a group of sites; its past stays."""
        await self._use.groups.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteSiteGroupResponse()

    async def CreateTariff(  # noqa: N802
        self, request: pb.CreateTariffRequest, context: Context
    ) -> pb.CreateTariffResponse:
        """Create a tariff."""
        document = TARIFFS.document(request.tariff)
        record = await self._use.tariffs.create(document, request.request_id)
        return pb.CreateTariffResponse(tariff=TARIFFS.proto(record))

    async def GetTariff(  # noqa: N802
        self, request: pb.GetTariffRequest, context: Context
    ) -> pb.GetTariffResponse:
        """Return one tariff, with the published prices of a range."""
        tariff = TariffId.parse(request.name)
        found = await self._use.tariff_prices.get(tariff, *price_query_from_proto(request))
        return pb.GetTariffResponse(
            tariff=priced_to_proto(found), known_since_time=known_since_to_proto(found.record)
        )

    async def ListTariffs(  # noqa: N802
        self, request: pb.ListTariffsRequest, context: Context
    ) -> pb.ListTariffsResponse:
        """List tariffs by name."""
        page = await self._use.tariffs.list(page_from_proto(request), no_filter(request.parent))
        return pb.ListTariffsResponse(
            tariffs=map(TARIFFS.proto, page.items), next_page_token=page.next_token
        )

    async def UpdateTariff(  # noqa: N802
        self, request: pb.UpdateTariffRequest, context: Context
    ) -> pb.UpdateTariffResponse:
        """Change a tariff."""
        given = request.tariff
        merge = TARIFFS.merge(given, request.update_mask.paths)
        record = await self._use.tariffs.update(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateTariffResponse(tariff=TARIFFS.proto(record))

    async def DeleteTariff(  # noqa: N802
        self, request: pb.DeleteTariffRequest, context: Context
    ) -> pb.DeleteTariffResponse:
        """Delete a tariff; its past stays."""
        await self._use.tariffs.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteTariffResponse()

    async def PublishPrices(  # noqa: N802
        self, request: pb.PublishPricesRequest, context: Context
    ) -> pb.PublishPricesResponse:
        """Publish dynamic prices."""
        tariff = TariffId.parse(request.tariff)
        stored = await self._use.tariff_prices.publish(tariff, *publication_from_proto(request))
        return pb.PublishPricesResponse(stored=stored)

    async def WatchSiteModel(  # noqa: N802
        self, request: pb.WatchSiteModelRequest, context: Context
    ) -> AsyncIterator[pb.WatchSiteModelResponse]:
        """Stream the model, its changes and heartbeats."""
        async with aclosing(self._use.watch.run(request.known_revision)) as changes:
            async for change in changes:
                for piece in pieces_from_model_change(change, self._clock.now()):
                    yield piece
