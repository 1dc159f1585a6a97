"""Builds analytics out of its parts."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from wattmesh.analytics.v1 import analytics_service_pb2, analytics_service_pb2_grpc
from wattmesh_analytics.adapters.accountant import GrpcAccountant
from wattmesh_analytics.adapters.carbon import GrpcEmissions
from wattmesh_analytics.adapters.control import GrpcControlled
from wattmesh_analytics.adapters.forecast_skill import GrpcForecasts
from wattmesh_analytics.adapters.mail import SmtpMailer
from wattmesh_analytics.adapters.metering import GrpcMeter
from wattmesh_analytics.adapters.optimizer import GrpcSolver
from wattmesh_analytics.adapters.payments import GrpcPayments
from wattmesh_analytics.adapters.planner import GrpcPlanned
from wattmesh_analytics.adapters.postgres_reports import PostgresReportStore
from wattmesh_analytics.adapters.postgres_scenarios import PostgresScenarioStore
from wattmesh_analytics.adapters.postgres_settlements import PostgresSettlementStore
from wattmesh_analytics.adapters.report_orders import read_orders
from wattmesh_analytics.adapters.report_pdf import ReportLabPrinter
from wattmesh_analytics.adapters.usage import GrpcUsage
from wattmesh_analytics.adapters.zone_models import GrpcZoneModels
from wattmesh_analytics.api.convert_scenarios import operation_to_proto
from wattmesh_analytics.api.servicer import AnalyticsServicer, UseCases
from wattmesh_analytics.app.find_anomalies import FindAnomalies
from wattmesh_analytics.app.keep_reports import KeepReports
from wattmesh_analytics.app.keep_settled import KeepSettled
from wattmesh_analytics.app.list_reports import ListReports
from wattmesh_analytics.app.list_settlements import ListSettlements
from wattmesh_analytics.app.make_report import MakeReport
from wattmesh_analytics.app.play_scenario import PlayScenario
from wattmesh_analytics.app.query_bills import QueryBills
from wattmesh_analytics.app.query_footprint import QueryFootprint
from wattmesh_analytics.app.query_indicators import QueryIndicators
from wattmesh_analytics.app.query_measure import QueryMeasureSavings
from wattmesh_analytics.app.query_savings import QuerySavings
from wattmesh_analytics.app.query_tariff_costs import QueryTariffCosts
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.app.read_operation import ReadOperation
from wattmesh_analytics.app.read_rules import ReadRules
from wattmesh_analytics.app.read_shiftable import ReadShiftable
from wattmesh_analytics.app.run_scenario import RunScenario
from wattmesh_analytics.app.settle import SettleSite
from wattmesh_analytics.settings import AnalyticsSettings
from wattmesh_runtime.aio.leased_work import LeasedWork
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.operations import SERVICE_NAME, OperationsServicer
from wattmesh_runtime.postgres_leases import PostgresLeases
from wattmesh_runtime.readiness import Dependency
from wattmesh_runtime.service import Runtime, Service
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.file import SiteModelFile
from wattmesh_sitemodel.tariffs import GrpcTariffs
from wattmesh_sitemodel.view import SiteModelView

SCHEMA = "analytics"
_LEASE = "settling"
_REPORTING = "reports"
_SERVICE = analytics_service_pb2.DESCRIPTOR.services_by_name["AnalyticsService"]


@asynccontextmanager
async def wire(settings: AnalyticsSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give analytics, ready to serve; its database pool and running scenarios end with it."""
    view, file = SiteModelView(runtime.clock), settings.site_model_file
    follower = SiteModelClient(
        runtime.channel(settings.metering_target),
        view,
        None if file is None else SiteModelFile(file),
    )
    limits = DatabaseLimits.of(settings)
    async with Database(settings.database_url, SCHEMA, limits=limits) as database:
        await migrate(database, "wattmesh_analytics")
        await follower.recall()
        use_cases = _use_cases(settings, runtime, view, database)
        async with (
            use_cases.scenarios as scenarios,
            PostgresLeases(settings.database_url, SCHEMA) as leases,
        ):
            settling = _settling(settings, runtime, view, use_cases.settle, leases)
            reporting = _reporting(settings, runtime, view, use_cases.report, database, leases)
            add = analytics_service_pb2_grpc.add_AnalyticsServiceServicer_to_server
            operations = OperationsServicer(scenarios, operation_to_proto)
            yield Service(
                name="analytics",
                register=(partial(add, AnalyticsServicer(use_cases)), operations.register),
                service_names=(_SERVICE.full_name, SERVICE_NAME),
                dependencies=(
                    database.dependency,
                    runtime.peer("metering", settings.metering_target),
                    *_optional_peers(settings, runtime),
                ),
                tasks=(
                    follower.run,
                    *((settling.run,) if settings.settle_hours else ()),
                    *(() if reporting is None else (reporting.run,)),
                ),
            )


def _settling(
    settings: AnalyticsSettings,
    runtime: Runtime,
    view: SiteModelView,
    settle: SettleSite,
    leases: PostgresLeases,
) -> LeasedWork:
    """Return what keeps days settled, in one process at a time."""
    keep = KeepSettled(
        clock=runtime.clock,
        view=view,
        meter=GrpcMeter(runtime.channel(settings.metering_target)),
        settle=settle,
        every=timedelta(hours=settings.settle_hours),
    )
    work = LeasedWork(leases, keep)
    work.want([_LEASE])
    return work


def _reporting(
    settings: AnalyticsSettings,
    runtime: Runtime,
    view: SiteModelView,
    make: MakeReport,
    database: Database,
    leases: PostgresLeases,
) -> LeasedWork | None:
    """Return what makes and sends monthly reports, in one process at a time; None: nobody does."""
    if settings.reports_file is None:
        return None
    orders = read_orders(settings.reports_file)
    keep = KeepReports(
        clock=runtime.clock,
        view=view,
        make=make,
        store=PostgresReportStore(database),
        mailer=None if orders.server is None else SmtpMailer(orders.server),
        orders=orders.reports,
        wait=timedelta(hours=settings.report_hours),
    )
    work = LeasedWork(leases, keep)
    work.want([_REPORTING])
    return work


def _optional_peers(settings: AnalyticsSettings, runtime: Runtime) -> Iterable[Dependency]:
    yield runtime.peer(
        "carbon", settings.carbon_target, without="no savings or footprints are computed"
    )
    yield runtime.peer(
        "optimizer", settings.optimizer_target, without="scenarios with foresight fail"
    )
    others = (
        ("usage", settings.usage_target, "vehicles and zones are compared with nothing"),
        ("forecast", settings.forecast_target, "zones are compared with nothing"),
        ("demandresponse", settings.demandresponse_target, "what events paid is in no saving"),
        ("planner", settings.planner_target, "nobody tells how plans were kept"),
        ("control", settings.control_target, "nobody tells what commands effected"),
    )
    for name, target, without in others:
        if target is not None:
            yield runtime.peer(name, target, without=without)


def _use_cases(
    settings: AnalyticsSettings, runtime: Runtime, view: SiteModelView, database: Database
) -> UseCases:
    clock = runtime.clock
    metering, carbon = (
        runtime.channel(settings.metering_target),
        runtime.channel(settings.carbon_target),
    )
    meter, tariffs, emissions = GrpcMeter(metering), GrpcTariffs(metering), GrpcEmissions(carbon)
    energy, settlements = ReadEnergy(meter), PostgresSettlementStore(database)
    rules = _rules(settings, runtime, meter)
    play = PlayScenario(
        view=view,
        meter=meter,
        tariffs=tariffs,
        emissions=emissions,
        solver=GrpcSolver(runtime.channel(settings.optimizer_target)),
        rules=rules,
        shiftable=_shiftable(settings, runtime, meter),
    )
    paying = settings.demandresponse_target
    bills = QueryBills(clock=clock, view=view, energy=energy, tariffs=tariffs, rules=rules)
    savings = QuerySavings(
        clock=clock,
        view=view,
        meter=meter,
        tariffs=tariffs,
        emissions=emissions,
        rules=rules,
        payments=None if paying is None else GrpcPayments(runtime.channel(paying)),
    )
    indicators = QueryIndicators(
        clock=clock,
        view=view,
        energy=energy,
        meter=meter,
        operation=_operation(settings, runtime, meter),
    )
    anomalies = FindAnomalies(clock=clock, view=view, meter=meter, tariffs=tariffs)
    return UseCases(
        bills=bills,
        savings=savings,
        indicators=indicators,
        anomalies=anomalies,
        report=MakeReport(
            view=view,
            bills=bills,
            savings=savings,
            indicators=indicators,
            anomalies=anomalies,
            printer=ReportLabPrinter(),
        ),
        tariff_costs=QueryTariffCosts(clock=clock, view=view, energy=energy, tariffs=tariffs),
        footprint=QueryFootprint(
            clock=clock, view=view, energy=energy, accountant=GrpcAccountant(carbon)
        ),
        scenarios=RunScenario(play=play, store=PostgresScenarioStore(database), clock=clock),
        settle=SettleSite(
            clock=clock, view=view, energy=energy, tariffs=tariffs, store=settlements
        ),
        settlements=ListSettlements(settlements),
        reports=ListReports(PostgresReportStore(database)),
        measure=QueryMeasureSavings(clock=clock, view=view, meter=meter, tariffs=tariffs),
    )


def _rules(settings: AnalyticsSettings, runtime: Runtime, meter: GrpcMeter) -> ReadRules:
    used, forecast = settings.usage_target, settings.forecast_target
    usage = None if used is None else GrpcUsage(runtime.channel(used))
    return ReadRules(
        meter=meter,
        stays=usage,
        wishes=usage,
        models=None
        if forecast is None
        else GrpcZoneModels(runtime.channel(forecast), runtime.clock),
    )


def _shiftable(settings: AnalyticsSettings, runtime: Runtime, meter: GrpcMeter) -> ReadShiftable:
    used = settings.usage_target
    return ReadShiftable(
        meter=meter, runs=None if used is None else GrpcUsage(runtime.channel(used))
    )


def _operation(settings: AnalyticsSettings, runtime: Runtime, meter: GrpcMeter) -> ReadOperation:
    control, planner = settings.control_target, settings.planner_target
    forecast, usage = settings.forecast_target, settings.usage_target
    return ReadOperation(
        meter=meter,
        controlled=None if control is None else GrpcControlled(runtime.channel(control)),
        planned=None if planner is None else GrpcPlanned(runtime.channel(planner)),
        forecasts=None if forecast is None else GrpcForecasts(runtime.channel(forecast)),
        wishes=None if usage is None else GrpcUsage(runtime.channel(usage)),
    )
