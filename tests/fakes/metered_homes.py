"""Metering as forecast sees it: sites, assets and energies from arrays in memory."""
# ruff: noqa: N802 (the method names are those of the contract)

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import grpc
import numpy as np

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import asset_pb2, site_pb2, site_pb2_grpc
from wattmesh_contracts.values import duration_from_proto, series_to_proto, time_range_from_proto
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

Context = grpc.aio.ServicerContext[object, object]


@dataclass
class MeteredHomes(metering_pb2_grpc.MeteringServiceServicer, site_pb2_grpc.SiteServiceServicer):
    """Serves what it is given."""

    zone: str = "America/Los_Angeles"
    latitude_degrees: float = 34.09
    longitude_degrees: float = -117.43
    power_w: dict[AssetId, Series] = field(default_factory=dict)
    """Mean power [W], positive into the asset."""
    asked: list[timedelta] = field(default_factory=list)
    """How much was asked for in each query for energy."""

    @property
    def register(self) -> tuple[Callable[[grpc.aio.Server], None], ...]:
        """What adds both services to a server."""
        return (
            lambda server: metering_pb2_grpc.add_MeteringServiceServicer_to_server(self, server),
            lambda server: site_pb2_grpc.add_SiteServiceServicer_to_server(self, server),
        )

    async def GetSite(
        self, request: site_pb2.GetSiteRequest, context: Context
    ) -> site_pb2.GetSiteResponse:
        if not any(asset.site.name == request.name for asset in self.power_w):
            raise NotFound("SITE_NOT_FOUND", f"there is no {request.name}")
        site = site_pb2.Site(
            name=request.name,
            time_zone=self.zone,
            latitude_degrees=self.latitude_degrees,
            longitude_degrees=self.longitude_degrees,
        )
        return site_pb2.GetSiteResponse(site=site)

    async def ListSites(
        self, request: site_pb2.ListSitesRequest, context: Context
    ) -> site_pb2.ListSitesResponse:
        names = sorted({asset.site.name for asset in self.power_w})
        return site_pb2.ListSitesResponse(sites=[site_pb2.Site(name=name) for name in names])

    async def ListAssets(
        self, request: site_pb2.ListAssetsRequest, context: Context
    ) -> site_pb2.ListAssetsResponse:
        mine = [asset for asset in self.power_w if asset.site.name == request.parent]
        return site_pb2.ListAssetsResponse(assets=[_asset(asset) for asset in sorted(mine)])

    async def QueryEnergy(
        self, request: metering_pb2.QueryEnergyRequest, context: Context
    ) -> metering_pb2.QueryEnergyResponse:
        span = time_range_from_proto(request.range)
        self.asked.append(span.duration)
        resolution = duration_from_proto(request.resolution)
        return metering_pb2.QueryEnergyResponse(
            energies=[self._energy(name, span, resolution) for name in request.assets]
        )

    def _energy(
        self, name: str, span: TimeRange, resolution: timedelta
    ) -> metering_pb2.AssetEnergy:
        series = self.power_w[AssetId.parse(name)].to_resolution(resolution).window(span)
        energy_wh = series.values * (resolution.total_seconds() / 3600)
        into = np.where(np.isnan(energy_wh), np.nan, np.maximum(energy_wh, 0))
        out = np.where(np.isnan(energy_wh), np.nan, np.maximum(-energy_wh, 0))
        return metering_pb2.AssetEnergy(
            asset=name,
            import_energy_wh=series_to_proto(series.with_values(into)),
            export_energy_wh=series_to_proto(series.with_values(out)),
        )


def _asset(asset: AssetId) -> asset_pb2.Asset:
    match asset.segment:
        case "pv":
            return asset_pb2.Asset(name=asset.name, pv_array=asset_pb2.PvArray(peak_power_w=4000))
        case "battery":
            return asset_pb2.Asset(name=asset.name, battery=asset_pb2.Battery(capacity_wh=6400))
        case _:
            return asset_pb2.Asset(name=asset.name, load=asset_pb2.Load(derived=True))
