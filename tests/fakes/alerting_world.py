"""The mesh as alerting sees it: all services that it watches in one server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import grpc

from tests.fakes.judged_services import JudgedServices
from tests.fakes.manual_clock import ManualClock
from tests.fakes.site_model_service import FakeSiteModelService
from wattmesh.alert.v1 import alert_service_pb2_grpc
from wattmesh.analytics.v1 import analytics_service_pb2_grpc
from wattmesh.control.v1 import (
    control_pb2_grpc,
    device_event_pb2,
    execution_pb2,
    execution_pb2_grpc,
    hold_pb2,
    operator_pb2_grpc,
)
from wattmesh.forecast.v1 import forecast_pb2_grpc
from wattmesh.gateway.v1 import gateway_link_pb2_grpc, link_pb2
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh.site.v1 import site_service_pb2_grpc
from wattmesh_alerting.settings import AlertingSettings
from wattmesh_alerting.wiring import wire
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.sites import Resource
from wattmesh_runtime.aio.tasks import cancel_all
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import channel_for_test, serve_for_test

_Bases: Any = (
    execution_pb2_grpc.ExecutionServiceServicer,
    operator_pb2_grpc.OperatorServiceServicer,
    gateway_link_pb2_grpc.GatewayLinkServiceServicer,
    planner_pb2_grpc.PlannerServiceServicer,
    metering_pb2_grpc.MeteringServiceServicer,
    control_pb2_grpc.ControlServiceServicer,
    forecast_pb2_grpc.ForecastServiceServicer,
    analytics_service_pb2_grpc.AnalyticsServiceServicer,
)


_WATCHED = ("metering", "control", "planner", "forecast", "analytics")


class WatchedMesh(JudgedServices, FakeSiteModelService, *_Bases):  # type: ignore[misc]
    """Answers with what a test has put into its lists."""

    def __init__(self, clock: ManualClock, *resources: Resource) -> None:
        super().__init__(*resources, clock=clock)
        self._now = clock.now
        self.events: list[device_event_pb2.DeviceEvent] = []
        self.lines: list[link_pb2.GatewayLink] = []
        self.holds: list[hold_pb2.Hold] = []
        self.plans: list[planner_pb2.Plan] = []
        self.scopes: list[planner_pb2.Scope] = []
        self.readings: dict[str, metering_pb2.Reading] = {}
        self.live: dict[str, float] = {}
        """What points show whenever they are asked."""
        self._watchers_of_readings: dict[
            frozenset[str], asyncio.Queue[metering_pb2.Reading | None]
        ] = {}
        self._watchers_of_events: set[asyncio.Queue[device_event_pb2.DeviceEvent]] = set()

    def register(self, server: grpc.aio.Server) -> None:
        """Add all services to a server."""
        site_service_pb2_grpc.add_SiteServiceServicer_to_server(self, server)
        execution_pb2_grpc.add_ExecutionServiceServicer_to_server(self, server)
        operator_pb2_grpc.add_OperatorServiceServicer_to_server(self, server)
        gateway_link_pb2_grpc.add_GatewayLinkServiceServicer_to_server(self, server)
        planner_pb2_grpc.add_PlannerServiceServicer_to_server(self, server)
        metering_pb2_grpc.add_MeteringServiceServicer_to_server(self, server)
        control_pb2_grpc.add_ControlServiceServicer_to_server(self, server)
        forecast_pb2_grpc.add_ForecastServiceServicer_to_server(self, server)
        analytics_service_pb2_grpc.add_AnalyticsServiceServicer_to_server(self, server)

    def happen(self, event: device_event_pb2.DeviceEvent) -> None:
        """Have something happen to a device."""
        self.events.append(event)
        for each in self._watchers_of_events:
            each.put_nowait(event)

    def read(self, point: str, time: datetime, value: float) -> None:
        """Have a newest reading."""
        self.readings[point] = metering_pb2.Reading(
            point=point, measure_time=timestamp_to_proto(time), value=value
        )
        for points, each in self._watchers_of_readings.items():
            if point in points:
                each.put_nowait(self.readings[point])

    def lose_watchers_of_readings(self) -> None:
        """End all lines on which readings are watched, as when some may have been missed."""
        for each in self._watchers_of_readings.values():
            each.put_nowait(None)

    async def WatchDeviceEvents(  # noqa: N802
        self, request: execution_pb2.WatchDeviceEventsRequest, context: Any
    ) -> AsyncIterator[execution_pb2.WatchDeviceEventsResponse]:
        news: asyncio.Queue[device_event_pb2.DeviceEvent] = asyncio.Queue()
        self._watchers_of_events.add(news)
        await context.send_initial_metadata(())
        try:
            while True:
                yield execution_pb2.WatchDeviceEventsResponse(event=await news.get())
        finally:
            self._watchers_of_events.discard(news)

    async def ListDeviceEvents(  # noqa: N802
        self, request: execution_pb2.ListDeviceEventsRequest, context: Any
    ) -> execution_pb2.ListDeviceEventsResponse:
        wanted = [each for each in reversed(self.events) if each.type in request.types]
        return execution_pb2.ListDeviceEventsResponse(events=wanted)

    async def ListHolds(  # noqa: N802
        self, request: hold_pb2.ListHoldsRequest, context: Any
    ) -> hold_pb2.ListHoldsResponse:
        return hold_pb2.ListHoldsResponse(holds=self.holds)

    async def ListGatewayLinks(  # noqa: N802
        self, request: link_pb2.ListGatewayLinksRequest, context: Any
    ) -> link_pb2.ListGatewayLinksResponse:
        return link_pb2.ListGatewayLinksResponse(gateway_links=self.lines)

    async def ListPlans(  # noqa: N802
        self, request: planner_pb2.ListPlansRequest, context: Any
    ) -> planner_pb2.ListPlansResponse:
        return planner_pb2.ListPlansResponse(plans=reversed(self.plans))

    async def WatchPlans(  # noqa: N802
        self, request: planner_pb2.WatchPlansRequest, context: Any
    ) -> AsyncIterator[planner_pb2.WatchPlansResponse]:
        assert request.summaries, "nobody needs whole plans to raise alerts"
        told = 0
        while True:
            for plan in self.plans[told:]:
                told += 1
                yield planner_pb2.WatchPlansResponse(plan=plan)
            yield planner_pb2.WatchPlansResponse(complete=True)
            await asyncio.sleep(0.02)

    async def ListScopes(  # noqa: N802
        self, request: planner_pb2.ListScopesRequest, context: Any
    ) -> planner_pb2.ListScopesResponse:
        return planner_pb2.ListScopesResponse(scopes=self.scopes)

    @property
    def watched_points(self) -> frozenset[str]:
        """The points that are watched now."""
        return frozenset().union(*self._watchers_of_readings)

    async def WatchReadings(  # noqa: N802
        self, request: metering_pb2.WatchReadingsRequest, context: Any
    ) -> AsyncIterator[metering_pb2.WatchReadingsResponse]:
        news: asyncio.Queue[metering_pb2.Reading | None] = asyncio.Queue()
        points = frozenset(request.points)
        self._watchers_of_readings[points] = news
        try:
            newest = [each for point, each in self.readings.items() if point in points]
            yield metering_pb2.WatchReadingsResponse(readings=newest)
            while (reading := await news.get()) is not None:
                yield metering_pb2.WatchReadingsResponse(readings=[reading])
        finally:
            self._watchers_of_readings.pop(points, None)

    async def GetLatestReadings(  # noqa: N802
        self, request: metering_pb2.GetLatestReadingsRequest, context: Any
    ) -> metering_pb2.GetLatestReadingsResponse:
        for point, value in self.live.items():
            self.read(point, self._now(), value)
        return metering_pb2.GetLatestReadingsResponse(readings=self.readings.values())


@dataclass(frozen=True, kw_only=True)
class AlertingWorld:
    """A running alerting and what it watches."""

    clock: ManualClock
    mesh: WatchedMesh
    stub: Any


@asynccontextmanager
async def running_alerting(
    database_url: str, clock: ManualClock, mesh: WatchedMesh, **settings: Any
) -> AsyncIterator[AlertingWorld]:
    """Run alerting with its background tasks; ends like a process that is killed."""
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serve_for_test(mesh.register))
        values = {
            "database_url": database_url,
            **dict.fromkeys((f"{each}_target" for each in _WATCHED), target),
            "look_seconds": 0.05,
            **settings,
        }
        parsed = AlertingSettings(**values)
        runtime = await stack.enter_async_context(Runtime(parsed, clock, Telemetry("test")))
        service = await stack.enter_async_context(wire(parsed, runtime))
        address = await stack.enter_async_context(serve_for_test(*service.register))
        tasks = [asyncio.ensure_future(task()) for task in service.tasks]
        stack.push_async_callback(cancel_all, tasks, within_seconds=10)
        channel = await stack.enter_async_context(channel_for_test(address))
        stub = alert_service_pb2_grpc.AlertServiceStub(channel)
        yield AlertingWorld(clock=clock, mesh=mesh, stub=stub)
