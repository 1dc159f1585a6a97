"""Metering and carbon as the twin sees them: real servers that write down what they are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import (
    asset_pb2,
    device_pb2,
    site_pb2,
    site_service_pb2,
    site_service_pb2_grpc,
)
from wattmesh.type.v1 import tariff_pb2
from wattmesh_runtime.testing import serve_for_test


def assert_replaces(request: Any) -> None:
    """An update of a whole resource, which creates what is not there."""
    assert request.allow_missing
    assert request.update_mask.paths == ["*"]


class FakeSites(site_service_pb2_grpc.SiteServiceServicer):
    """Keeps what was put, by name, and every price publication."""

    def __init__(self) -> None:
        self.tariffs: dict[str, tariff_pb2.Tariff] = {}
        self.sites: dict[str, site_pb2.Site] = {}
        self.assets: dict[str, asset_pb2.Asset] = {}
        self.devices: dict[str, device_pb2.Device] = {}
        self.groups: dict[str, site_pb2.SiteGroup] = {}
        self.prices: list[site_service_pb2.PublishPricesRequest] = []

    async def UpdateTariff(  # noqa: N802
        self, request: site_service_pb2.UpdateTariffRequest, context: Any
    ) -> site_service_pb2.UpdateTariffResponse:
        assert_replaces(request)
        self.tariffs[request.tariff.name] = request.tariff
        return site_service_pb2.UpdateTariffResponse(tariff=request.tariff)

    async def UpdateSite(  # noqa: N802
        self, request: site_service_pb2.UpdateSiteRequest, context: Any
    ) -> site_service_pb2.UpdateSiteResponse:
        assert_replaces(request)
        assert request.site.tariff in self.tariffs
        self.sites[request.site.name] = request.site
        return site_service_pb2.UpdateSiteResponse(site=request.site)

    async def UpdateAsset(  # noqa: N802
        self, request: site_service_pb2.UpdateAssetRequest, context: Any
    ) -> site_service_pb2.UpdateAssetResponse:
        assert_replaces(request)
        assert request.asset.name.rpartition("/assets/")[0] in self.sites
        self.assets[request.asset.name] = request.asset
        return site_service_pb2.UpdateAssetResponse(asset=request.asset)

    async def UpdateDevice(  # noqa: N802
        self, request: site_service_pb2.UpdateDeviceRequest, context: Any
    ) -> site_service_pb2.UpdateDeviceResponse:
        assert_replaces(request)
        assert {each.asset for each in request.device.functions} <= set(self.assets)
        self.devices[request.device.name] = request.device
        return site_service_pb2.UpdateDeviceResponse(device=request.device)

    async def UpdateSiteGroup(  # noqa: N802
        self, request: site_service_pb2.UpdateSiteGroupRequest, context: Any
    ) -> site_service_pb2.UpdateSiteGroupResponse:
        assert_replaces(request)
        assert set(request.site_group.sites) <= set(self.sites)
        self.groups[request.site_group.name] = request.site_group
        return site_service_pb2.UpdateSiteGroupResponse(site_group=request.site_group)

    async def PublishPrices(  # noqa: N802
        self, request: site_service_pb2.PublishPricesRequest, context: Any
    ) -> site_service_pb2.PublishPricesResponse:
        assert request.tariff in self.tariffs
        self.prices.append(request)
        return site_service_pb2.PublishPricesResponse(
            stored=len(request.import_price_per_kwh.values)
        )


class FakeMetering(metering_pb2_grpc.MeteringServiceServicer):
    """Keeps readings by point and time; refuses points whose quantity is in `refused`."""

    def __init__(self, refused: str = "") -> None:
        self.readings: dict[tuple[str, int], float] = {}
        self.sources: list[str] = []
        self.batches = 0
        self._refused = refused

    async def Ingest(  # noqa: N802
        self, request_iterator: AsyncIterator[metering_pb2.IngestRequest], context: Any
    ) -> AsyncIterator[metering_pb2.IngestResponse]:
        async for request in request_iterator:
            if request.HasField("hello"):
                self.sources.append(request.hello.source)
                continue
            yield self._store(request.batch)

    def _store(self, batch: metering_pb2.ReadingBatch) -> metering_pb2.IngestResponse:
        self.batches += 1
        answer = metering_pb2.IngestResponse(acked_sequence=batch.sequence)
        rows = zip(batch.point_indices, batch.measure_times_us, batch.values, strict=True)
        for row, (index, time_us, value) in enumerate(rows):
            point = batch.points[index]
            if self._refused and point.endswith(self._refused):
                answer.rejected.add(sequence=batch.sequence, row=row, point=point)
                continue
            self.readings.setdefault((point, time_us), value)
        return answer


class FakeCarbon(carbon_pb2_grpc.CarbonServiceServicer):
    """Keeps what was published."""

    def __init__(self) -> None:
        self.published: list[carbon_pb2.AverageIntensity] = []

    async def PublishAverageIntensity(  # noqa: N802
        self, request: carbon_pb2.PublishAverageIntensityRequest, context: Any
    ) -> carbon_pb2.PublishAverageIntensityResponse:
        self.published.append(request.intensity)
        count = len(request.intensity.average_gco2e_per_kwh.values)
        return carbon_pb2.PublishAverageIntensityResponse(stored=count)


class Upstream:
    """All three on one server."""

    def __init__(self) -> None:
        # What the twin never calls answers UNIMPLEMENTED, as the generated base does.
        self.sites = FakeSites()  # type: ignore[abstract]
        self.metering = FakeMetering()  # type: ignore[abstract]
        self.carbon = FakeCarbon()  # type: ignore[abstract]

    def register(self, server: grpc.aio.Server) -> None:
        site_service_pb2_grpc.add_SiteServiceServicer_to_server(self.sites, server)
        metering_pb2_grpc.add_MeteringServiceServicer_to_server(self.metering, server)
        carbon_pb2_grpc.add_CarbonServiceServicer_to_server(self.carbon, server)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        async with serve_for_test(self.register) as target:
            yield target
