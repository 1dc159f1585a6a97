"""wattmesh.carbon.v1.CarbonService."""
# ruff: noqa: N802 (the method names are those of the contract)

import grpc

from wattmesh.carbon.v1 import carbon_pb2
from wattmesh_carbon.api.accounting_rpcs import AccountingRpcs
from wattmesh_carbon.api.convert import (
    as_of_from_proto,
    average_from_proto,
    average_to_proto,
    basis_from_proto,
    marginal_from_proto,
    marginal_to_proto,
    quantiles_to_proto,
    run_from_proto,
    score_to_proto,
    span_from_proto,
    window_to_proto,
)
from wattmesh_carbon.domain.intensity import Basis
from wattmesh_contracts.values import time_range_from_proto
from wattmesh_kernel.ids import ZoneId

Context = grpc.aio.ServicerContext[object, object]


class CarbonServicer(AccountingRpcs):
    """Converts, calls the use case, converts back."""

    async def PublishAverageIntensity(
        self, request: carbon_pb2.PublishAverageIntensityRequest, context: Context
    ) -> carbon_pb2.PublishAverageIntensityResponse:
        """Store measured average intensities."""
        stored = await self._use.intensities.publish(average_from_proto(request.intensity))
        return carbon_pb2.PublishAverageIntensityResponse(stored=stored)

    async def PublishMarginalIntensity(
        self, request: carbon_pb2.PublishMarginalIntensityRequest, context: Context
    ) -> carbon_pb2.PublishMarginalIntensityResponse:
        """Store measured marginal intensities."""
        stored = await self._use.intensities.publish(marginal_from_proto(request.intensity))
        return carbon_pb2.PublishMarginalIntensityResponse(stored=stored)

    async def QueryAverageIntensity(
        self, request: carbon_pb2.QueryAverageIntensityRequest, context: Context
    ) -> carbon_pb2.QueryAverageIntensityResponse:
        """Return published average intensities."""
        zone, span, resolution = span_from_proto(request)
        as_of = as_of_from_proto(request)
        found = await self._use.intensities.query(zone, Basis.AVERAGE, span, resolution, as_of)
        return carbon_pb2.QueryAverageIntensityResponse(intensity=average_to_proto(found))

    async def QueryMarginalIntensity(
        self, request: carbon_pb2.QueryMarginalIntensityRequest, context: Context
    ) -> carbon_pb2.QueryMarginalIntensityResponse:
        """Return published marginal intensities."""
        zone, span, resolution = span_from_proto(request)
        as_of = as_of_from_proto(request)
        found = await self._use.intensities.query(zone, Basis.MARGINAL, span, resolution, as_of)
        return carbon_pb2.QueryMarginalIntensityResponse(intensity=marginal_to_proto(found))

    async def ForecastAverageIntensity(
        self, request: carbon_pb2.ForecastAverageIntensityRequest, context: Context
    ) -> carbon_pb2.ForecastAverageIntensityResponse:
        """Return the expected average intensity."""
        zone, span, resolution = span_from_proto(request)
        expected = await self._use.intensities.outlook(
            zone,
            Basis.AVERAGE,
            span,
            resolution,
            as_of_from_proto(request),
            with_spread=request.include_quantiles,
        )
        return carbon_pb2.ForecastAverageIntensityResponse(
            intensity=average_to_proto(expected.intensity),
            quantiles=quantiles_to_proto(expected.spread),
            score=score_to_proto(expected.spread),
        )

    async def ForecastMarginalIntensity(
        self, request: carbon_pb2.ForecastMarginalIntensityRequest, context: Context
    ) -> carbon_pb2.ForecastMarginalIntensityResponse:
        """Return the expected marginal intensity."""
        zone, span, resolution = span_from_proto(request)
        expected = await self._use.intensities.outlook(
            zone,
            Basis.MARGINAL,
            span,
            resolution,
            as_of_from_proto(request),
            with_spread=request.include_quantiles,
        )
        return carbon_pb2.ForecastMarginalIntensityResponse(
            intensity=marginal_to_proto(expected.intensity),
            quantiles=quantiles_to_proto(expected.spread),
            score=score_to_proto(expected.spread),
        )

    async def FindBestWindow(
        self, request: carbon_pb2.FindBestWindowRequest, context: Context
    ) -> carbon_pb2.FindBestWindowResponse:
        """Return when a run is cleanest."""
        basis, run = basis_from_proto(request), run_from_proto(request)
        window = await self._use.intensities.best_window(
            ZoneId.parse(request.zone), basis, time_range_from_proto(request.range, "range"), run
        )
        return window_to_proto(window, basis, run)
