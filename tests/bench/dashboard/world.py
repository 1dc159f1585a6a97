"""The dashboard as it runs, before a metering that tells of many sites at once."""
# ruff: noqa: N802 (the method names are those of the contract)

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.dashboard_peers import Peers
from tests.fakes.site_model_service import FakeSiteModelService
from tools.bootstrap import BUNDLE
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_contracts.sites import site_to_proto
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_dashboard.adapters.calls import SERVED
from wattmesh_dashboard.settings import DashboardSettings
from wattmesh_dashboard.wiring import wire
from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    Device,
    DeviceFunction,
    GridConnectionRating,
    MeterRole,
    MqttConnection,
    PvRating,
    Rating,
    Resource,
    Site,
)
from wattmesh_local.running.ports import free_targets
from wattmesh_runtime.aio.tasks import cancel_until_ended
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import serve_for_test

_Metering: Any = metering_pb2_grpc.MeteringServiceServicer
_RATINGS: Mapping[str, Rating] = {
    "grid": GridConnectionRating(),
    "pv": PvRating(peak_power_w=5000.0),
    "battery": BatteryRating(
        capacity_wh=10_000.0, max_charge_power_w=5000.0, max_discharge_power_w=5000.0
    ),
}


def resources(sites: int) -> Iterator[Resource]:
    """Give sites with a metered grid connection, PV and a battery each."""
    for number in range(sites):
        site = SiteId(f"home-{number}")
        yield Site(id=site, time_zone="Europe/Berlin", currency_code="EUR")
        for name, rating in _RATINGS.items():
            asset = Asset(id=AssetId(site, name), display_name=name, rating=rating)
            yield asset
            yield Device(
                id=DeviceId(site, name),
                display_name=name,
                profile="test",
                gateway=GatewayId("local"),
                connection=MqttConnection(address=f"{number}/{name}"),
                points=frozenset({"active_power_w"}),
                reporting_interval=timedelta(minutes=1),
                functions=(DeviceFunction(asset=asset.id, meter_role=MeterRole.MAIN),),
            )


class Sites(FakeSiteModelService):
    """Lists the sites as well, and gives one."""

    async def GetSite(self, request: Any, context: Any) -> Any:
        site = self.model.sites[SiteId.parse(request.name)]
        return site_service_pb2.GetSiteResponse(site=site_to_proto(site))

    async def ListSites(self, request: Any, context: Any) -> Any:
        found = sorted(self.model.sites.values(), key=lambda site: site.id.name)
        return site_service_pb2.ListSitesResponse(sites=[site_to_proto(each) for each in found])


class Readings(_Metering):  # type: ignore[misc]
    """Tells a reading of every point, over and over: a step of time each."""

    def __init__(self, every_seconds: float) -> None:
        self._every = every_seconds
        self.told = 0

    async def WatchReadings(self, request: Any, context: Any) -> AsyncIterator[Any]:
        await context.send_initial_metadata(())
        while True:
            self.told += 1
            yield _batch(list(request.points), datetime.now().astimezone(), self.told)
            await asyncio.sleep(self._every)


def _batch(points: list[str], now: datetime, turn: int) -> metering_pb2.WatchReadingsResponse:
    time = timestamp_to_proto(now)
    return metering_pb2.WatchReadingsResponse(
        readings=[
            metering_pb2.Reading(
                point=point, measure_time=time, value=1000.0 + (turn * 37 + place) % 500
            )
            for place, point in enumerate(points)
        ]
    )


@asynccontextmanager
async def dashboard_of(sites: int, every_seconds: float) -> AsyncIterator[tuple[str, Readings]]:
    """Serve it; give its address, and what tells readings."""
    model, readings = Sites(*resources(sites)), Readings(every_seconds)

    def add(server: Any) -> None:
        Peers().add(server)
        site_service_pb2_grpc.add_SiteServiceServicer_to_server(model, server)
        metering_pb2_grpc.add_MeteringServiceServicer_to_server(readings, server)

    async with serve_for_test(add) as target:
        targets = dict.fromkeys((f"{name}_target" for name in SERVED), target)
        (address,) = free_targets(1)
        told = DashboardSettings(bundle_folder=BUNDLE, web_address=address, **targets)  # type: ignore[arg-type]
        async with (
            Runtime(told, SystemClock(), Telemetry("bench")) as runtime,
            wire(told, runtime) as service,
        ):
            tasks = [asyncio.ensure_future(start()) for start in service.tasks]
            try:
                yield address, readings
            finally:
                await cancel_until_ended(*tasks)
