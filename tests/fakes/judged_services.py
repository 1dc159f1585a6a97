"""What alerting asks now and then: energies, tariffs, limits, plans, forecasts, footprints."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import grpc
import numpy as np

from wattmesh.analytics.v1 import analytics_service_pb2, footprint_pb2
from wattmesh.carbon.v1 import footprint_pb2 as carbon_pb2
from wattmesh.control.v1 import control_pb2
from wattmesh.forecast.v1 import forecast_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh.site.v1 import site_service_pb2
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_contracts.values import (
    duration_from_proto,
    series_to_proto,
    time_range_from_proto,
)
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import SiteModel

PowerAt = Callable[[datetime], float]


class JudgedServices:
    """Answers with what a test has put into it; a mixin for the fake of the whole mesh."""

    model: SiteModel

    def __init__(self, *resources: Any, **named: Any) -> None:
        super().__init__(*resources, **named)  # further mixins come after this one
        self.power_w: dict[str, PowerAt] = {}
        """Net power of an asset from a moment on [W], NaN: not metered."""
        self.flags: list[metering_pb2.ReadingFlag] = []
        self.limits: list[control_pb2.Limit] = []
        self.evaluation = forecast_pb2.EvaluateForecastsResponse()
        self.model_version = forecast_pb2.Model()
        self.month_gco2e = 0.0
        self.footprint_ranges: list[Any] = []

    async def QueryEnergy(  # noqa: N802
        self, request: metering_pb2.QueryEnergyRequest, context: Any
    ) -> metering_pb2.QueryEnergyResponse:
        names = [
            known
            for asked in request.assets
            for known in ([asked] if not asked.endswith("/-") else self._all(asked[:-1]))
        ]
        return metering_pb2.QueryEnergyResponse(
            energies=[self._energy(name, request) for name in names]
        )

    def _all(self, prefix: str) -> list[str]:
        return [name for name in self.power_w if name.startswith(prefix)]

    def _energy(
        self, asset: str, request: metering_pb2.QueryEnergyRequest
    ) -> metering_pb2.AssetEnergy:
        span = time_range_from_proto(request.range)
        resolution = duration_from_proto(request.resolution)
        power_at = self.power_w.get(asset, _not_metered)
        hours = resolution.total_seconds() / 3600
        net_wh = np.array([power_at(each) * hours for each in span.starts(resolution)])
        return metering_pb2.AssetEnergy(
            asset=asset,
            import_energy_wh=series_to_proto(
                Series(span.start, resolution, np.maximum(net_wh, 0.0))
            ),
            export_energy_wh=series_to_proto(
                Series(span.start, resolution, np.maximum(-net_wh, 0.0))
            ),
            import_coverage_ratios=np.isfinite(net_wh).astype(np.float64).tolist(),
        )

    async def ListReadingFlags(  # noqa: N802
        self, request: metering_pb2.ListReadingFlagsRequest, context: Any
    ) -> metering_pb2.ListReadingFlagsResponse:
        site = request.parent.partition("/devices/")[0]
        flags = [each for each in self.flags if each.point.startswith(f"{site}/")]
        return metering_pb2.ListReadingFlagsResponse(flags=flags)

    async def GetTariff(  # noqa: N802
        self, request: site_service_pb2.GetTariffRequest, context: Any
    ) -> site_service_pb2.GetTariffResponse:
        tariff = next(each for each in self.model.tariffs.values() if each.id.name == request.name)
        return site_service_pb2.GetTariffResponse(tariff=tariff_to_proto(tariff))

    async def WatchLimits(  # noqa: N802
        self, request: control_pb2.WatchLimitsRequest, context: Any
    ) -> AsyncIterator[control_pb2.WatchLimitsResponse]:
        told: dict[str, control_pb2.Limit] | None = None
        while True:
            known = {each.name: each for each in self.limits}
            if told is None or known != told:
                yield control_pb2.WatchLimitsResponse(
                    snapshot=told is None,
                    complete=True,
                    limits=known.values(),
                    ended_names=(told or {}).keys() - known.keys(),
                )
            told = known
            await asyncio.sleep(0.02)

    async def GetPlan(  # noqa: N802
        self, request: planner_pb2.GetPlanRequest, context: Any
    ) -> planner_pb2.GetPlanResponse:
        plans: list[planner_pb2.Plan] = getattr(self, "plans", [])
        plan = next((each for each in plans if each.name == request.name), None)
        if plan is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such plan")
        return planner_pb2.GetPlanResponse(plan=plan)

    async def EvaluateForecasts(  # noqa: N802
        self, request: forecast_pb2.EvaluateForecastsRequest, context: Any
    ) -> forecast_pb2.EvaluateForecastsResponse:
        return self.evaluation

    async def GetModel(  # noqa: N802
        self, request: forecast_pb2.GetModelRequest, context: Any
    ) -> forecast_pb2.GetModelResponse:
        assert request.name == self.model_version.name
        return forecast_pb2.GetModelResponse(model=self.model_version)

    async def QueryFootprint(  # noqa: N802
        self, request: analytics_service_pb2.QueryFootprintRequest, context: Any
    ) -> analytics_service_pb2.QueryFootprintResponse:
        self.footprint_ranges.append(time_range_from_proto(request.range))
        footprint = carbon_pb2.Footprint(location_based_gco2e=self.month_gco2e)
        total = footprint_pb2.SiteFootprint(sites=request.subjects, footprint=footprint)
        return analytics_service_pb2.QueryFootprintResponse(total=total)


def _not_metered(_: datetime) -> float:
    return float("nan")
