"""Tariffs with their published prices, from metering's SiteService."""

from datetime import datetime

import grpc

from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_contracts.sites import site_from_proto
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.ids import SiteId, TariffId
from wattmesh_kernel.sites import Site
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors


class GrpcTariffs:
    """Reads tariffs, as they are or as they were known at a time."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = site_service_pb2_grpc.SiteServiceStub(channel)

    async def tariff(
        self, tariff: TariffId, span: TimeRange, known_by: datetime | None = None
    ) -> Tariff:
        """Return a tariff with the prices published for `span`."""
        request = site_service_pb2.GetTariffRequest(
            name=tariff.name,
            price_range=time_range_to_proto(span),
            known_by_time=None if known_by is None else timestamp_to_proto(known_by),
        )
        with rpc_errors():
            answer = await self._stub.GetTariff(request)
        return tariff_from_proto(answer.tariff)

    async def site(self, site: SiteId, known_by: datetime) -> Site:
        """Return a site as it was known at a time. Error: NotFound."""
        request = site_service_pb2.GetSiteRequest(
            name=site.name, known_by_time=timestamp_to_proto(known_by)
        )
        with rpc_errors():
            answer = await self._stub.GetSite(request)
        return site_from_proto(answer.site)
