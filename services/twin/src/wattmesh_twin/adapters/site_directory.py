"""Metering's SiteService as the twin's directory of sites and its board of prices."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_contracts.devices import device_to_proto
from wattmesh_contracts.sites import asset_to_proto, group_to_proto, site_to_proto
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_contracts.values import series_to_proto, timestamp_to_proto
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import Asset, Device, Site, SiteGroup
from wattmesh_kernel.tariff import Tariff
from wattmesh_runtime.errors import rpc_errors
from wattmesh_twin.domain.tariff import PublishedDay

Request = TypeVar("Request")
Response = TypeVar("Response")

_WHOLE = FieldMask(paths=["*"])
"""The twin owns what it describes: an update replaces all of it, and creates what is not there."""


class SiteServiceClient:
    """Updates that can all be repeated."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = site_service_pb2_grpc.SiteServiceStub(channel)

    async def put_tariff(self, tariff: Tariff) -> None:
        """Make a tariff known, without published prices."""
        await _send(
            self._stub.UpdateTariff,
            site_service_pb2.UpdateTariffRequest(
                tariff=tariff_to_proto(tariff), update_mask=_WHOLE, allow_missing=True
            ),
        )

    async def put_site(self, site: Site) -> None:
        """Make a site known."""
        await _send(
            self._stub.UpdateSite,
            site_service_pb2.UpdateSiteRequest(
                site=site_to_proto(site), update_mask=_WHOLE, allow_missing=True
            ),
        )

    async def put_asset(self, asset: Asset) -> None:
        """Make an asset of a known site known."""
        await _send(
            self._stub.UpdateAsset,
            site_service_pb2.UpdateAssetRequest(
                asset=asset_to_proto(asset), update_mask=_WHOLE, allow_missing=True
            ),
        )

    async def put_device(self, device: Device) -> None:
        """Make a device known, with what it does for known assets."""
        await _send(
            self._stub.UpdateDevice,
            site_service_pb2.UpdateDeviceRequest(
                device=device_to_proto(device), update_mask=_WHOLE, allow_missing=True
            ),
        )

    async def put_group(self, group: SiteGroup) -> None:
        """Make known which sites are planned together."""
        await _send(
            self._stub.UpdateSiteGroup,
            site_service_pb2.UpdateSiteGroupRequest(
                site_group=group_to_proto(group), update_mask=_WHOLE, allow_missing=True
            ),
        )

    async def publish(self, tariff: TariffId, day: PublishedDay) -> None:
        """Publish the prices of a local day."""
        await _send(
            self._stub.PublishPrices,
            site_service_pb2.PublishPricesRequest(
                tariff=tariff.name,
                publish_time=timestamp_to_proto(day.publish_time),
                import_price_per_kwh=series_to_proto(day.prices),
            ),
        )


async def _send(call: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    with rpc_errors():
        return await call(request)
