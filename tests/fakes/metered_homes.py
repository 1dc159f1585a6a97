"""Metering as forecast sees it: sites, assets and energies from arrays in memory."""
# ruff: noqa: N802 (the method names are those of the contract)

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import grpc
import numpy as np

from tests.fakes.forecast_sites import FONTANA, asset, site
from tests.fakes.site_model_service import FakeSiteModelService
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import site_service_pb2_grpc
from wattmesh_contracts.values import duration_from_proto, series_to_proto, time_range_from_proto
from wattmesh_forecast.domain.subjects import Location
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Resource
from wattmesh_kernel.time import TimeRange

Context = grpc.aio.ServicerContext[object, object]


@dataclass
class MeteredHomes(metering_pb2_grpc.MeteringServiceServicer):
    """Serves what it is given; refuses a query for an asset that it does not have."""

    power_w: dict[AssetId, Series]
    """Mean power [W], positive into the asset."""
    spread_degrees: float = 0.0
    """How far apart two homes that follow each other by number lie, from south to north."""
    asked: list[timedelta] = field(default_factory=list)
    """How much was asked for in each query for energy."""
    sites: FakeSiteModelService = field(init=False)
    """The site model, which a test may change."""

    def __post_init__(self) -> None:
        places = {
            name: _place(int(name.segment.rpartition("-")[2]), self.spread_degrees)
            for name in {asset.site for asset in self.power_w}
        }
        homes = [site(name, place) for name, place in sorted(places.items())]
        resources: list[Resource] = [*homes, *map(asset, sorted(self.power_w))]
        self.sites = FakeSiteModelService(*resources)

    @property
    def register(self) -> tuple[Callable[[grpc.aio.Server], None], ...]:
        """What adds both services to a server."""
        add_sites = site_service_pb2_grpc.add_SiteServiceServicer_to_server
        return (
            lambda server: metering_pb2_grpc.add_MeteringServiceServicer_to_server(self, server),
            lambda server: add_sites(self.sites, server),
        )

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
        if AssetId.parse(name) not in self.power_w:
            raise NotFound("ASSET_NOT_FOUND", f"there is no {name}")
        series = self.power_w[AssetId.parse(name)].to_resolution(resolution).window(span)
        energy_wh = series.values * (resolution.total_seconds() / 3600)
        into = np.where(np.isnan(energy_wh), np.nan, np.maximum(energy_wh, 0))
        out = np.where(np.isnan(energy_wh), np.nan, np.maximum(-energy_wh, 0))
        return metering_pb2.AssetEnergy(
            asset=name,
            import_energy_wh=series_to_proto(series.with_values(into)),
            export_energy_wh=series_to_proto(series.with_values(out)),
        )


def _place(number: int, spread_degrees: float) -> Location:
    return Location(
        latitude_degrees=FONTANA.latitude_degrees + number * spread_degrees,
        longitude_degrees=FONTANA.longitude_degrees,
    )
