"""Analytics with a home that was metered for two days, a tariff and intensities."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import grpc
import numpy as np

from tests.fakes.analytics_world import HOME, HOUR, START, HomeDays, analytics_world
from tests.fakes.eventually import eventually
from tests.fuzz.contents import Seeds
from tests.fuzz.world import World, clock_from, unary_seeds
from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.analytics.v1 import analytics_service_pb2_grpc, bill_pb2, report_pb2, scenario_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_analytics.settings import AnalyticsSettings
from wattmesh_analytics.wiring import wire
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange, local_days
from wattmesh_runtime.service import Runtime, Service

_SERVICE = "wattmesh.analytics.v1.AnalyticsService"
_SETTLEMENT = f"{HOME}/settlements/2024-06-01"
_SPAN = TimeRange.of(START, timedelta(days=2))
_DAYS = local_days(_SPAN, ZoneInfo("UTC"))


class AnalyticsUnderFuzz(World):
    """Metering and carbon as they run."""

    name: ClassVar[str] = "analytics"
    services: ClassVar[tuple[str, ...]] = (_SERVICE,)

    def __init__(self, database_url: str, metering: str, carbon: str, optimizer: str) -> None:
        self._settings = {
            "database_url": database_url,
            "optimizer_target": optimizer,
            "metering_target": metering,
            "carbon_target": carbon,
            "clock": clock_from(_SPAN.end + HOUR),
        }

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    @property
    def settings_type(self) -> type[AnalyticsSettings]:
        return AnalyticsSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        """Wait until it has heard of the home."""
        stub = analytics_service_pb2_grpc.AnalyticsServiceStub(channel)

        async def heard() -> bool:
            try:
                await stub.QueryBills(_over(pb.QueryBillsRequest(site=HOME)), wait_for_ready=True)
            except grpc.aio.AioRpcError:
                return False
            return True

        await eventually(heard, 60)
        await stub.SettleSite(
            pb.SettleSiteRequest(site=HOME, range=time_range_to_proto(_SPAN)), timeout=30
        )

    def seeds(self, turn: int) -> Seeds:
        return unary_seeds(
            _SERVICE,
            {
                "QueryBills": [_over(pb.QueryBillsRequest(site=HOME))],
                "QuerySavings": [
                    _over(
                        pb.QuerySavingsRequest(
                            sites=[HOME], counterfactual=bill_pb2.COUNTERFACTUAL_UNCONTROLLED
                        )
                    )
                ],
                "QueryIndicators": [
                    _over(pb.QueryIndicatorsRequest(site=HOME)),
                    _over(pb.QueryIndicatorsRequest(site=HOME, with_operation=True)),
                ],
                "QueryMeasureSavings": [
                    pb.QueryMeasureSavingsRequest(
                        site=HOME,
                        baseline_range=time_range_to_proto(_DAYS[0]),
                        range=time_range_to_proto(_DAYS[1]),
                    )
                ],
                "QueryTariffCosts": [
                    _over(pb.QueryTariffCostsRequest(site=HOME, tariffs=["tariffs/home"]))
                ],
                "QueryReport": [
                    _over(pb.QueryReportRequest(sites=[HOME], format=report_pb2.REPORT_FORMAT_CSV))
                ],
                "QueryAnomalies": [
                    pb.QueryAnomaliesRequest(
                        site=HOME,
                        range=time_range_to_proto(
                            TimeRange(_SPAN.end - timedelta(days=30), _SPAN.end)
                        ),
                    )
                ],
                "RunScenario": [
                    pb.RunScenarioRequest(scenario=_scenario(), request_id=f"fuzz-{turn}")
                ],
                "SettleSite": [pb.SettleSiteRequest(site=HOME, range=time_range_to_proto(_SPAN))],
                "GetSettlement": [pb.GetSettlementRequest(name=_SETTLEMENT)],
                "ListSettlements": [pb.ListSettlementsRequest(parent=HOME, page_size=1)],
                "GetMonthlyReport": [
                    pb.GetMonthlyReportRequest(name=f"{HOME}/monthly-reports/2024-05")
                ],
                "ListMonthlyReports": [pb.ListMonthlyReportsRequest(parent=HOME, page_size=1)],
                "QueryFootprint": [_over(pb.QueryFootprintRequest(subjects=[HOME]))],
            },
        )

    def words(self, turn: int) -> Sequence[str]:
        return (HOME, "tariffs/home", "zones/de", _SETTLEMENT)


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[AnalyticsUnderFuzz]:
    """Give the surroundings of analytics."""
    tariff = tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.2),
        export_rates=tariff_pb2.EnergyRates(base_per_kwh=0.05),
    )
    async with analytics_world(database_url, _SPAN.end + HOUR) as around:
        await around.add_home(tariff, HomeDays.of(7, 2))
        await around.publish(200 + 100 * np.cos(np.arange(48) / 12 * np.pi))
        yield AnalyticsUnderFuzz(
            database_url, around.metering.target, around.carbon_target, around.optimizer_target
        )


def _scenario() -> scenario_pb2.Scenario:
    return scenario_pb2.Scenario(
        site=HOME,
        range=time_range_to_proto(_SPAN),
        policy=scenario_pb2.SCENARIO_POLICY_SELF_CONSUMPTION,
    )


def _over(request: Any) -> Any:
    request.range.CopyFrom(time_range_to_proto(_SPAN))
    request.resolution.CopyFrom(duration_to_proto(HOUR))
    return request
