"""The services that the planner calls, on a real gRPC server, for a model of homes."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tests.fakes.site_model_service import FakeSiteModelService
from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc
from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh.forecast.v1 import forecast_pb2, forecast_pb2_grpc
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc, plan_pb2
from wattmesh.site.v1 import site_service_pb2_grpc
from wattmesh.type.v1 import series_pb2
from wattmesh_contracts.values import time_range_from_proto
from wattmesh_kernel.clock import Clock, SystemClock
from wattmesh_kernel.sites import Resource
from wattmesh_runtime.grpc_server import Register


class FakePeers(
    metering_pb2_grpc.MeteringServiceServicer,
    forecast_pb2_grpc.ForecastServiceServicer,
    carbon_pb2_grpc.CarbonServiceServicer,
    optimizer_pb2_grpc.OptimizerServiceServicer,
    control_pb2_grpc.ControlServiceServicer,
):
    """Readings are fresh, loads take 1 kW, every battery is to charge with 1 kW."""

    def __init__(self, *resources: Resource, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.sites = FakeSiteModelService(*resources, clock=clock)
        self.calls: dict[str, int] = {}
        self.problems: list[optimizer_pb2.SolveRequest] = []
        self.schedules: list[control_pb2.SubmitScheduleRequest] = []

    @property
    def register(self) -> tuple[Register, ...]:
        """What a server needs to serve them all."""
        return (
            partial(site_service_pb2_grpc.add_SiteServiceServicer_to_server, self.sites),
            partial(metering_pb2_grpc.add_MeteringServiceServicer_to_server, self),
            partial(forecast_pb2_grpc.add_ForecastServiceServicer_to_server, self),
            partial(carbon_pb2_grpc.add_CarbonServiceServicer_to_server, self),
            partial(optimizer_pb2_grpc.add_OptimizerServiceServicer_to_server, self),
            partial(control_pb2_grpc.add_ControlServiceServicer_to_server, self),
        )

    async def GetLatestReadings(  # noqa: N802
        self, request: metering_pb2.GetLatestReadingsRequest, context: Any
    ) -> metering_pb2.GetLatestReadingsResponse:
        self._count("GetLatestReadings")
        answer = metering_pb2.GetLatestReadingsResponse()
        for point in request.points:
            reading = answer.readings.add(point=point, value=0.5)
            reading.measure_time.FromDatetime(self._clock.now() - timedelta(minutes=1))
        return answer

    async def QueryEnergy(  # noqa: N802
        self, request: metering_pb2.QueryEnergyRequest, context: Any
    ) -> metering_pb2.QueryEnergyResponse:
        self._count("QueryEnergy")
        count = time_range_from_proto(request.range).count(request.resolution.ToTimedelta())
        energy = series_pb2.Series(
            start_time=request.range.start_time,
            resolution=request.resolution,
            values=[500.0] * count,
        )
        return metering_pb2.QueryEnergyResponse(
            energies=[
                metering_pb2.AssetEnergy(
                    asset=asset, import_energy_wh=energy, export_energy_wh=energy
                )
                for asset in request.assets
            ]
        )

    async def IssueForecasts(  # noqa: N802
        self, request: forecast_pb2.IssueForecastsRequest, context: Any
    ) -> forecast_pb2.IssueForecastsResponse:
        self._count("IssueForecasts")
        count = time_range_from_proto(request.range).count(request.resolution.ToTimedelta())
        answer = forecast_pb2.IssueForecastsResponse()
        for asset in request.assets:
            result = answer.results.add(asset=asset)
            if asset.endswith("/pv"):
                result.failure.reason = forecast_pb2.FORECAST_FAILURE_REASON_INCOMPLETE_SITE_MODEL
                result.failure.message = "no coordinates"
                continue
            result.forecast.source = "model:load/1"
            result.forecast.start_time.CopyFrom(request.range.start_time)
            result.forecast.resolution.CopyFrom(request.resolution)
            result.forecast.quantiles.add(ratio=0.1, values=[500.0] * count)
            result.forecast.quantiles.add(ratio=0.5, values=[1_000.0] * count)
        return answer

    async def ForecastAverageIntensity(  # noqa: N802
        self, request: carbon_pb2.ForecastAverageIntensityRequest, context: Any
    ) -> carbon_pb2.ForecastAverageIntensityResponse:
        self._count("ForecastAverageIntensity")
        count = time_range_from_proto(request.range).count(request.resolution.ToTimedelta())
        answer = carbon_pb2.ForecastAverageIntensityResponse()
        series = answer.intensity.average_gco2e_per_kwh
        series.start_time.CopyFrom(request.range.start_time)
        series.resolution.CopyFrom(request.resolution)
        series.values.extend([200.0] * count)
        return answer

    async def Solve(  # noqa: N802
        self, request: optimizer_pb2.SolveRequest, context: Any
    ) -> optimizer_pb2.SolveResponse:
        self._count("Solve")
        self.problems.append(request)
        plan = plan_pb2.Plan(horizon=request.problem.horizon)
        plan.solver.status = plan_pb2.SOLVE_STATUS_OPTIMAL
        plan.solver.total_duration.FromMilliseconds(3)
        for site in request.problem.sites:
            hours = request.problem.horizon.count
            planned = plan.sites.add(
                site_name=site.name, import_powers_w=[700.0] * hours, export_powers_w=[0.0] * hours
            )
            for asset in site.assets:
                power_w = 1_000.4 if asset.HasField("battery") else 0.0
                count = request.problem.horizon.count
                planned.assets.add(asset_name=asset.name, powers_w=[power_w] * count)
        return optimizer_pb2.SolveResponse(plan=plan)

    async def SubmitSchedule(  # noqa: N802
        self, request: control_pb2.SubmitScheduleRequest, context: Any
    ) -> control_pb2.SubmitScheduleResponse:
        self._count("SubmitSchedule")
        self.schedules.append(request)
        answer = control_pb2.SubmitScheduleResponse()
        answer.accept_time.FromDatetime(datetime.now(UTC))
        return answer

    def _count(self, call: str) -> None:
        self.calls[call] = self.calls.get(call, 0) + 1
