"""wattmesh.carbon.v1.CarbonService."""
# ruff: noqa: N802 (the method names are those of the contract)

import grpc

from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc
from wattmesh_carbon.api.convert import (
    average_from_proto,
    average_to_proto,
    footprint_to_proto,
    marginal_from_proto,
    marginal_to_proto,
    span_from_proto,
    window_to_proto,
)
from wattmesh_carbon.app.intensities import Intensities
from wattmesh_carbon.domain.intensity import Basis
from wattmesh_contracts.values import duration_from_proto, series_from_proto, time_range_from_proto
from wattmesh_kernel.ids import ZoneId

Context = grpc.aio.ServicerContext[object, object]


class CarbonServicer(carbon_pb2_grpc.CarbonServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, intensities: Intensities) -> None:
        self._intensities = intensities

    async def PublishAverageIntensity(
        self, request: carbon_pb2.PublishAverageIntensityRequest, context: Context
    ) -> carbon_pb2.PublishAverageIntensityResponse:
        """Store measured average intensities."""
        stored = await self._intensities.publish(average_from_proto(request.intensity))
        return carbon_pb2.PublishAverageIntensityResponse(stored=stored)

    async def PublishMarginalIntensity(
        self, request: carbon_pb2.PublishMarginalIntensityRequest, context: Context
    ) -> carbon_pb2.PublishMarginalIntensityResponse:
        """Store measured marginal intensities."""
        stored = await self._intensities.publish(marginal_from_proto(request.intensity))
        return carbon_pb2.PublishMarginalIntensityResponse(stored=stored)

    async def QueryAverageIntensity(
        self, request: carbon_pb2.QueryAverageIntensityRequest, context: Context
    ) -> carbon_pb2.QueryAverageIntensityResponse:
        """Return published average intensities."""
        zone, span, resolution = span_from_proto(request)
        found = await self._intensities.query(zone, Basis.AVERAGE, span, resolution)
        return carbon_pb2.QueryAverageIntensityResponse(intensity=average_to_proto(found))

    async def QueryMarginalIntensity(
        self, request: carbon_pb2.QueryMarginalIntensityRequest, context: Context
    ) -> carbon_pb2.QueryMarginalIntensityResponse:
        """Return published marginal intensities."""
        zone, span, resolution = span_from_proto(request)
        found = await self._intensities.query(zone, Basis.MARGINAL, span, resolution)
        return carbon_pb2.QueryMarginalIntensityResponse(intensity=marginal_to_proto(found))

    async def ForecastAverageIntensity(
        self, request: carbon_pb2.ForecastAverageIntensityRequest, context: Context
    ) -> carbon_pb2.ForecastAverageIntensityResponse:
        """Return the expected average intensity."""
        zone, span, resolution = span_from_proto(request)
        expected = await self._intensities.forecast(zone, Basis.AVERAGE, span, resolution)
        return carbon_pb2.ForecastAverageIntensityResponse(intensity=average_to_proto(expected))

    async def ForecastMarginalIntensity(
        self, request: carbon_pb2.ForecastMarginalIntensityRequest, context: Context
    ) -> carbon_pb2.ForecastMarginalIntensityResponse:
        """Return the expected marginal intensity."""
        zone, span, resolution = span_from_proto(request)
        expected = await self._intensities.forecast(zone, Basis.MARGINAL, span, resolution)
        return carbon_pb2.ForecastMarginalIntensityResponse(intensity=marginal_to_proto(expected))

    async def ComputeFootprint(
        self, request: carbon_pb2.ComputeFootprintRequest, context: Context
    ) -> carbon_pb2.ComputeFootprintResponse:
        """Return what imported energy amounts to."""
        energy = series_from_proto(request.import_energy_wh, "import_energy_wh")
        footprint = await self._intensities.footprint(ZoneId.parse(request.zone), energy)
        return footprint_to_proto(footprint)

    async def FindBestWindow(
        self, request: carbon_pb2.FindBestWindowRequest, context: Context
    ) -> carbon_pb2.FindBestWindowResponse:
        """Return when a run is cleanest."""
        window = await self._intensities.best_window(
            ZoneId.parse(request.zone),
            time_range_from_proto(request.range, "range"),
            duration_from_proto(request.run_duration, "run_duration"),
        )
        return window_to_proto(window)
