"""Stubs of every service of a run, over channels that are closed together."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import grpc

from wattmesh.carbon.v1 import carbon_pb2_grpc
from wattmesh.control.v1 import control_pb2_grpc
from wattmesh.forecast.v1 import forecast_pb2_grpc
from wattmesh.gateway.v1 import gateway_pb2_grpc
from wattmesh.metering.v1 import metering_pb2_grpc
from wattmesh.planner.v1 import planner_pb2_grpc
from wattmesh.site.v1 import site_pb2_grpc
from wattmesh_runtime.channels import open_channel
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.telemetry import Telemetry


class MeshClients:
    """An async context manager; its attributes are the services' stubs."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._settings = ServiceSettings()
        self._telemetry = Telemetry("local")
        self._targets = targets
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def __aenter__(self) -> Self:
        self.sites = site_pb2_grpc.SiteServiceStub(self._channel("metering"))
        self.metering = metering_pb2_grpc.MeteringServiceStub(self._channel("metering"))
        self.forecast = forecast_pb2_grpc.ForecastServiceStub(self._channel("forecast"))
        self.planner = planner_pb2_grpc.PlannerServiceStub(self._channel("planner"))
        self.control = control_pb2_grpc.ControlServiceStub(self._channel("control"))
        self.carbon = carbon_pb2_grpc.CarbonServiceStub(self._channel("carbon"))
        self.gateway = gateway_pb2_grpc.GatewayServiceStub(self._channel("gateway"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for channel in self._channels.values():
            await channel.close()

    def _channel(self, name: str) -> grpc.aio.Channel:
        if name not in self._channels:
            self._channels[name] = open_channel(
                self._targets[name], self._settings, self._telemetry
            )
        return self._channels[name]
