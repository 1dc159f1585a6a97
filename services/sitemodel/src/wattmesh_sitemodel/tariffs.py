"""Tariffs with their published prices, from metering's SiteService."""

import grpc

from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors


class GrpcTariffs:
    """Reads tariffs."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = site_service_pb2_grpc.SiteServiceStub(channel)

    async def tariff(self, tariff: TariffId, span: TimeRange) -> Tariff:
        """Return a tariff with the prices published for `span`."""
        request = site_service_pb2.GetTariffRequest(
            name=tariff.name, price_range=time_range_to_proto(span)
        )
        with rpc_errors():
            answer = await self._stub.GetTariff(request)
        return tariff_from_proto(answer.tariff)
