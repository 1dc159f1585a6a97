"""Stubs of every service of a run, over channels that are closed together."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc

from wattmesh.alert.v1 import alert_service_pb2_grpc
from wattmesh.analytics.v1 import analytics_service_pb2_grpc
from wattmesh.carbon.v1 import carbon_pb2_grpc
from wattmesh.control.v1 import control_pb2_grpc, operator_pb2_grpc
from wattmesh.dashboard.v1 import dashboard_service_pb2_grpc
from wattmesh.demandresponse.v1 import demand_response_service_pb2_grpc
from wattmesh.forecast.v1 import forecast_pb2_grpc
from wattmesh.gateway.v1 import gateway_pb2_grpc
from wattmesh.metering.v1 import metering_pb2_grpc
from wattmesh.planner.v1 import planner_pb2_grpc
from wattmesh.site.v1 import site_service_pb2_grpc
from wattmesh.usage.v1 import usage_service_pb2_grpc
from wattmesh.weather.v1 import weather_service_pb2_grpc
from wattmesh_local.identities.folder import caller_settings
from wattmesh_local.running.state import MeshState
from wattmesh_runtime.channels import open_channel
from wattmesh_runtime.telemetry import Telemetry


class MeshClients:
    """An async context manager; its attributes are the services' stubs."""

    def __init__(self, targets: Mapping[str, str], identity: Path | None) -> None:
        self.identity = identity
        self._settings = caller_settings(identity)
        self._telemetry = Telemetry("local")
        self._targets = targets
        self._channels: dict[str, grpc.aio.Channel] = {}

    @classmethod
    def of(cls, mesh: MeshState) -> Self:
        """Return those of the mesh that runs here, as whom it lets in. Error: NotFound."""
        return cls(mesh.read()["targets"], mesh.identity())

    async def __aenter__(self) -> Self:
        self.sites = site_service_pb2_grpc.SiteServiceStub(self.channel("metering"))
        self.metering = metering_pb2_grpc.MeteringServiceStub(self.channel("metering"))
        self.forecast = forecast_pb2_grpc.ForecastServiceStub(self.channel("forecast"))
        self.weather = weather_service_pb2_grpc.WeatherServiceStub(self.channel("forecast"))
        self.planner = planner_pb2_grpc.PlannerServiceStub(self.channel("planner"))
        self.control = control_pb2_grpc.ControlServiceStub(self.channel("control"))
        self.operator = operator_pb2_grpc.OperatorServiceStub(self.channel("control"))
        self.carbon = carbon_pb2_grpc.CarbonServiceStub(self.channel("carbon"))
        self.alerts = alert_service_pb2_grpc.AlertServiceStub(self.channel("alerting"))
        self.analytics = analytics_service_pb2_grpc.AnalyticsServiceStub(self.channel("analytics"))
        self.usage = usage_service_pb2_grpc.UsageServiceStub(self.channel("usage"))
        self.demandresponse = demand_response_service_pb2_grpc.DemandResponseServiceStub(
            self.channel("demandresponse")
        )
        self.dashboard = dashboard_service_pb2_grpc.DashboardServiceStub(self.channel("dashboard"))
        self.gateway = gateway_pb2_grpc.GatewayServiceStub(self.channel("gateway"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for channel in self._channels.values():
            await channel.close()

    def channel(self, name: str) -> grpc.aio.Channel:
        """Return the channel to a service, which all of its stubs share."""
        if name not in self._channels:
            self._channels[name] = open_channel(
                self._targets[name], self._settings, self._telemetry
            )
        return self._channels[name]
