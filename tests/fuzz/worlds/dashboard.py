"""The dashboard's back end with a metered home, and peers that answer nothing by themselves."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import grpc

from tests.fakes.analytics_world import HOME, START, HomeDays, analytics_world
from tests.fakes.dashboard_peers import Peers
from tests.fakes.eventually import eventually
from tests.fuzz.contents import Seeds
from tests.fuzz.world import HOUR, World, clock_from, unary_seeds
from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh.dashboard.v1 import dashboard_service_pb2_grpc
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_dashboard.adapters.calls import SERVED
from wattmesh_dashboard.settings import DashboardSettings
from wattmesh_dashboard.wiring import wire
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.service import Runtime, Service
from wattmesh_runtime.testing import serve_for_test

_SERVICE = "wattmesh.dashboard.v1.DashboardService"
_NOW = START + timedelta(days=2, hours=1)


class DashboardUnderFuzz(World):
    """Metering as it runs, the rest in one server."""

    name: ClassVar[str] = "dashboard"
    services: ClassVar[tuple[str, ...]] = (_SERVICE,)

    def __init__(self, metering: str, peers: str) -> None:
        targets = {f"{name}_target": peers for name in SERVED}
        self._settings = {**targets, "metering_target": metering, "clock": clock_from(_NOW)}

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    @property
    def settings_type(self) -> type[DashboardSettings]:
        return DashboardSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        """Wait until it has heard of the home."""
        stub = dashboard_service_pb2_grpc.DashboardServiceStub(channel)

        async def heard() -> bool:
            try:
                await stub.QueryPrices(_prices(), wait_for_ready=True)
            except grpc.aio.AioRpcError:
                return False
            return True

        await eventually(heard, 60)

    def seeds(self, turn: int) -> Seeds:
        watches = [pb.WatchLiveRequest(), pb.WatchLiveRequest(site=HOME)]
        return unary_seeds(
            _SERVICE,
            {"WatchLive": watches, "QueryPrices": [_prices()], "PreviewChange": [_preview()]},
        )

    def words(self, turn: int) -> Sequence[str]:
        return (HOME, "sites/-", "tariffs/home")


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[DashboardUnderFuzz]:
    """Give the dashboard's surroundings."""
    tariff = tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.2),
        export_rates=tariff_pb2.EnergyRates(base_per_kwh=0.05),
    )
    async with (
        analytics_world(database_url, _NOW) as around,
        serve_for_test(Peers().add) as peers,
    ):
        await around.add_home(tariff, HomeDays.of(7, 2))
        yield DashboardUnderFuzz(around.metering.target, peers)


def _prices() -> pb.QueryPricesRequest:
    return pb.QueryPricesRequest(
        site=HOME,
        range=time_range_to_proto(TimeRange.of(START, 24 * HOUR)),
        resolution=duration_to_proto(HOUR),
    )


def _preview() -> pb.PreviewChangeRequest:
    tariff = tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.3),
    )
    return pb.PreviewChangeRequest(
        site=HOME,
        changed_tariff=tariff,
        bill_range=time_range_to_proto(TimeRange.of(START, 24 * HOUR)),
    )
