"""wattmesh.analytics.v1.AnalyticsService."""
# ruff: noqa: N802 (the method names are those of the contract)

from dataclasses import dataclass

import grpc

from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.analytics.v1 import analytics_service_pb2_grpc, footprint_pb2
from wattmesh_analytics.api.convert import (
    as_of_from_proto,
    bills_to_proto,
    counterfactual_from_proto,
    declared_from_proto,
    division_from_proto,
    footprint_to_proto,
    format_from_proto,
    left_out_to_proto,
    report_to_proto,
    required_counterfactual_from_proto,
    savings_to_proto,
    site_from_proto,
    sites_from_proto,
    span_from_proto,
    subject_from_proto,
    subjects_from_proto,
    tariff_cost_to_proto,
    tariff_from_proto,
    tariffs_from_proto,
)
from wattmesh_analytics.api.convert_anomalies import anomaly_to_proto
from wattmesh_analytics.api.convert_indicators import indicators_to_proto
from wattmesh_analytics.api.convert_measure import measure_to_proto
from wattmesh_analytics.api.convert_reports import (
    monthly_report_name_from_proto,
    monthly_report_to_proto,
)
from wattmesh_analytics.api.convert_scenarios import (
    scenario_from_proto,
    settlement_name_from_proto,
    settlement_to_proto,
)
from wattmesh_analytics.app.find_anomalies import FindAnomalies
from wattmesh_analytics.app.list_reports import ListReports
from wattmesh_analytics.app.list_settlements import ListSettlements
from wattmesh_analytics.app.make_report import MakeReport
from wattmesh_analytics.app.query_bills import QueryBills
from wattmesh_analytics.app.query_footprint import QueryFootprint
from wattmesh_analytics.app.query_indicators import QueryIndicators
from wattmesh_analytics.app.query_measure import QueryMeasureSavings
from wattmesh_analytics.app.query_savings import QuerySavings
from wattmesh_analytics.app.query_tariff_costs import QueryTariffCosts
from wattmesh_analytics.app.run_scenario import RunScenario
from wattmesh_analytics.app.settle import SettleSite
from wattmesh_analytics.domain.monthly import subject_of
from wattmesh_contracts.values import time_range_from_proto
from wattmesh_kernel.ids import SiteId

Context = grpc.aio.ServicerContext[object, object]


@dataclass(frozen=True, kw_only=True)
class UseCases:
    """What the servicer calls."""

    bills: QueryBills
    savings: QuerySavings
    indicators: QueryIndicators
    tariff_costs: QueryTariffCosts
    footprint: QueryFootprint[footprint_pb2.SiteFootprint]
    anomalies: FindAnomalies
    report: MakeReport
    scenarios: RunScenario
    settle: SettleSite
    settlements: ListSettlements
    measure: QueryMeasureSavings
    reports: ListReports


class AnalyticsServicer(analytics_service_pb2_grpc.AnalyticsServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    async def QueryBills(
        self, request: pb.QueryBillsRequest, context: Context
    ) -> pb.QueryBillsResponse:
        """Bill a site, period by period."""
        found = await self._use_cases.bills(
            site_from_proto(request.site),
            span_from_proto(request),
            tariff_from_proto(request.tariff),
            counterfactual_from_proto(request.counterfactual),
            as_of_from_proto(request),
            substitutes=request.include_substitutes,
        )
        return pb.QueryBillsResponse(
            bills=bills_to_proto(found), left_out=left_out_to_proto(found.left_out)
        )

    async def QuerySavings(
        self, request: pb.QuerySavingsRequest, context: Context
    ) -> pb.QuerySavingsResponse:
        """Compare what sites came to with what they would have come to."""
        found = await self._use_cases.savings(
            sites_from_proto(request.sites),
            span_from_proto(request),
            required_counterfactual_from_proto(request.counterfactual),
            declared_from_proto(request.declared_changes),
        )
        return pb.QuerySavingsResponse(
            total=savings_to_proto(found.total),
            sites=[savings_to_proto(each) for each in found.sites],
        )

    async def QueryIndicators(
        self, request: pb.QueryIndicatorsRequest, context: Context
    ) -> pb.QueryIndicatorsResponse:
        """Compute indicators of a site, or of a group's sites together."""
        found = await self._use_cases.indicators(
            subject_from_proto(request),
            span_from_proto(request),
            division_from_proto(request.division),
            by_asset=request.by_asset,
            with_operation=request.with_operation,
        )
        return pb.QueryIndicatorsResponse(indicators=[indicators_to_proto(each) for each in found])

    async def QueryTariffCosts(
        self, request: pb.QueryTariffCostsRequest, context: Context
    ) -> pb.QueryTariffCostsResponse:
        """Compare what tariffs would have cost."""
        found = await self._use_cases.tariff_costs(
            site_from_proto(request.site),
            span_from_proto(request),
            tariffs_from_proto(request.tariffs),
        )
        return pb.QueryTariffCostsResponse(costs=map(tariff_cost_to_proto, found))

    async def QueryFootprint(
        self, request: pb.QueryFootprintRequest, context: Context
    ) -> pb.QueryFootprintResponse:
        """Return what the energy of sites amounts to."""
        found = await self._use_cases.footprint(
            subjects_from_proto(request.subjects),
            span_from_proto(request),
            as_of_from_proto(request),
        )
        return pb.QueryFootprintResponse(
            total=footprint_to_proto(found.total), sites=map(footprint_to_proto, found.sites)
        )

    async def QueryMeasureSavings(
        self, request: pb.QueryMeasureSavingsRequest, context: Context
    ) -> pb.QueryMeasureSavingsResponse:
        """Say what a measure of efficiency has saved."""
        found = await self._use_cases.measure(
            site_from_proto(request.site),
            time_range_from_proto(request.baseline_range, "baseline_range"),
            time_range_from_proto(request.range),
        )
        told = measure_to_proto(found, include_series=request.include_series)
        return pb.QueryMeasureSavingsResponse(savings=told)

    async def QueryAnomalies(
        self, request: pb.QueryAnomaliesRequest, context: Context
    ) -> pb.QueryAnomaliesResponse:
        """Look for what is wrong."""
        span = time_range_from_proto(request.range)
        found = await self._use_cases.anomalies(site_from_proto(request.site), span)
        return pb.QueryAnomaliesResponse(
            anomalies=[anomaly_to_proto(each, span.end) for each in found]
        )

    async def QueryReport(
        self, request: pb.QueryReportRequest, context: Context
    ) -> pb.QueryReportResponse:
        """Make a report."""
        found = await self._use_cases.report(
            sites_from_proto(request.sites),
            span_from_proto(request),
            format_from_proto(request.format),
        )
        return pb.QueryReportResponse(report=report_to_proto(found))

    async def GetMonthlyReport(
        self, request: pb.GetMonthlyReportRequest, context: Context
    ) -> pb.GetMonthlyReportResponse:
        """Return a month's report."""
        subject, month = monthly_report_name_from_proto(request.name)
        found, file = await self._use_cases.reports.get(
            subject, month, format_from_proto(request.format)
        )
        return pb.GetMonthlyReportResponse(
            monthly_report=monthly_report_to_proto(found), report=report_to_proto(file)
        )

    async def ListMonthlyReports(
        self, request: pb.ListMonthlyReportsRequest, context: Context
    ) -> pb.ListMonthlyReportsResponse:
        """List months' reports."""
        subject = subject_of(request.parent, "parent") if request.parent else None
        found, token = await self._use_cases.reports.page(
            subject, request.page_size, request.page_token
        )
        return pb.ListMonthlyReportsResponse(
            monthly_reports=map(monthly_report_to_proto, found), next_page_token=token
        )

    async def RunScenario(
        self, request: pb.RunScenarioRequest, context: Context
    ) -> pb.RunScenarioResponse:
        """Begin a scenario."""
        run = await self._use_cases.scenarios(
            scenario_from_proto(request.scenario), request.request_id
        )
        return pb.RunScenarioResponse(operation=run.name)

    async def SettleSite(
        self, request: pb.SettleSiteRequest, context: Context
    ) -> pb.SettleSiteResponse:
        """Settle days of a site."""
        found = await self._use_cases.settle(
            site_from_proto(request.site), time_range_from_proto(request.range)
        )
        return pb.SettleSiteResponse(
            changed=map(settlement_to_proto, found.changed), days_read=found.days_read
        )

    async def GetSettlement(
        self, request: pb.GetSettlementRequest, context: Context
    ) -> pb.GetSettlementResponse:
        """Return the settlement of a day."""
        site, day = settlement_name_from_proto(request.name)
        found = await self._use_cases.settlements.get(site, day, request.version)
        return pb.GetSettlementResponse(settlement=settlement_to_proto(found))

    async def ListSettlements(
        self, request: pb.ListSettlementsRequest, context: Context
    ) -> pb.ListSettlementsResponse:
        """List settlements by day."""
        found, token = await self._use_cases.settlements.page(
            SiteId.parse(request.parent, "parent"),
            time_range_from_proto(request.range) if request.HasField("range") else None,
            request.page_size,
            request.page_token,
            all_versions=request.all_versions,
        )
        return pb.ListSettlementsResponse(
            settlements=map(settlement_to_proto, found), next_page_token=token
        )
