"""Which service serves what: the stubs are those of `wattmesh-protos`, with all their types."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

from wattmesh.alert.v1.alert_service_pb2_grpc import AlertServiceStub
from wattmesh.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from wattmesh.carbon.v1.carbon_pb2_grpc import CarbonServiceStub
from wattmesh.control.v1.control_pb2_grpc import ControlServiceStub
from wattmesh.control.v1.execution_pb2_grpc import ExecutionServiceStub
from wattmesh.control.v1.operator_pb2_grpc import OperatorServiceStub
from wattmesh.forecast.v1.forecast_pb2_grpc import ForecastServiceStub
from wattmesh.gateway.v1.gateway_pb2_grpc import GatewayServiceStub
from wattmesh.metering.v1.metering_pb2_grpc import MeteringServiceStub
from wattmesh.planner.v1.planner_pb2_grpc import PlannerServiceStub
from wattmesh.site.v1.site_service_pb2_grpc import SiteServiceStub
from wattmesh.status.v1.status_pb2_grpc import StatusServiceStub
from wattmesh.usage.v1.usage_service_pb2_grpc import UsageServiceStub


class Services(ABC):
    """Stubs by what they are about; each is made when it is first asked for."""

    @abstractmethod
    def channel(self, service: str) -> Any:
        """Return the one channel to a service."""

    @cached_property
    def sites(self) -> SiteServiceStub:
        """Sites, assets, devices, groups and tariffs."""
        stub: SiteServiceStub = SiteServiceStub(self.channel("metering"))
        return stub

    @cached_property
    def metering(self) -> MeteringServiceStub:
        """Readings, series, energy."""
        stub: MeteringServiceStub = MeteringServiceStub(self.channel("metering"))
        return stub

    @cached_property
    def planner(self) -> PlannerServiceStub:
        """Plans."""
        stub: PlannerServiceStub = PlannerServiceStub(self.channel("planner"))
        return stub

    @cached_property
    def control(self) -> ControlServiceStub:
        """Commands and limits."""
        stub: ControlServiceStub = ControlServiceStub(self.channel("control"))
        return stub

    @cached_property
    def executions(self) -> ExecutionServiceStub:
        """The proof: plan, command, acknowledgement, read-back and metered effect as one record."""
        stub: ExecutionServiceStub = ExecutionServiceStub(self.channel("control"))
        return stub

    @cached_property
    def operator(self) -> OperatorServiceStub:
        """Holds, emergency stops, dry runs."""
        stub: OperatorServiceStub = OperatorServiceStub(self.channel("control"))
        return stub

    @cached_property
    def forecast(self) -> ForecastServiceStub:
        """Forecasts and models."""
        stub: ForecastServiceStub = ForecastServiceStub(self.channel("forecast"))
        return stub

    @cached_property
    def carbon(self) -> CarbonServiceStub:
        """Intensities, footprints, clean windows."""
        stub: CarbonServiceStub = CarbonServiceStub(self.channel("carbon"))
        return stub

    @cached_property
    def analytics(self) -> AnalyticsServiceStub:
        """Bills, savings, indicators."""
        stub: AnalyticsServiceStub = AnalyticsServiceStub(self.channel("analytics"))
        return stub

    @cached_property
    def alerts(self) -> AlertServiceStub:
        """Alerts and silences."""
        stub: AlertServiceStub = AlertServiceStub(self.channel("alerting"))
        return stub

    @cached_property
    def usage(self) -> UsageServiceStub:
        """What people need: vehicles, zones, runs."""
        stub: UsageServiceStub = UsageServiceStub(self.channel("usage"))
        return stub

    @cached_property
    def gateway(self) -> GatewayServiceStub:
        """A gateway's status and device profiles."""
        stub: GatewayServiceStub = GatewayServiceStub(self.channel("gateway"))
        return stub

    def status(self, service: str) -> StatusServiceStub:
        """Whether a service can work, by its name."""
        stub: StatusServiceStub = StatusServiceStub(self.channel(service))
        return stub
