"""Builds the planner out of its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_planner.adapters.carbon import GrpcIntensities
from wattmesh_planner.adapters.control import GrpcController
from wattmesh_planner.adapters.forecast import GrpcForecaster
from wattmesh_planner.adapters.grid_events import GrpcGridEvents
from wattmesh_planner.adapters.metering import GrpcMeter
from wattmesh_planner.adapters.optimizer import GrpcOptimizer
from wattmesh_planner.adapters.outlooks import GrpcOutlooks
from wattmesh_planner.adapters.owners_limits import GrpcOwnersLimits
from wattmesh_planner.adapters.plan_meter import PlanMeter
from wattmesh_planner.adapters.postgres import PostgresPlanStore
from wattmesh_planner.adapters.usage import GrpcSessions
from wattmesh_planner.adapters.usage_changes import GrpcUsageChanges
from wattmesh_planner.adapters.wishes import GrpcWishes
from wattmesh_planner.api.servicer import PlannerServicer
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.app.facts.billing import BillingFacts
from wattmesh_planner.app.facts.carbon import CarbonFacts
from wattmesh_planner.app.facts.events import EventFacts
from wattmesh_planner.app.facts.exchange import ExchangeFacts
from wattmesh_planner.app.facts.forecast import ForecastFacts
from wattmesh_planner.app.facts.outlooks import OutlookFacts
from wattmesh_planner.app.facts.owners_limits import LimitFacts
from wattmesh_planner.app.facts.peak import PeakFacts
from wattmesh_planner.app.facts.sessions import SessionFacts
from wattmesh_planner.app.facts.state import StateFacts
from wattmesh_planner.app.facts.tariff import TariffFacts
from wattmesh_planner.app.facts.wishes import WishFacts
from wattmesh_planner.app.gather_facts import GatherFacts, Topics
from wattmesh_planner.app.make_plan import MakePlan
from wattmesh_planner.app.plan_scopes import PlanScopes
from wattmesh_planner.app.ports import Sessions
from wattmesh_planner.app.prompts import Prompts
from wattmesh_planner.app.query_exchanges import QueryExchanges
from wattmesh_planner.app.query_plans import QueryPlans
from wattmesh_planner.app.query_scopes import QueryScopes
from wattmesh_planner.app.report_runs import ReportRuns
from wattmesh_planner.app.tell_promises import TellPromises
from wattmesh_planner.app.told_setpoints import ToldSetpoints
from wattmesh_planner.app.trigger_plan import TriggerPlan
from wattmesh_planner.app.watch_summaries import WatchSummaries
from wattmesh_planner.domain.kinds.kind import AgeLimits
from wattmesh_planner.domain.plan import Plan
from wattmesh_planner.domain.timing import Rhythm
from wattmesh_planner.settings import PlannerSettings
from wattmesh_runtime.aio.broadcast import Broadcast
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.postgres_leases import PostgresLeases
from wattmesh_runtime.readiness import Dependency
from wattmesh_runtime.service import Runtime, Service
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.file import SiteModelFile
from wattmesh_sitemodel.tariffs import GrpcTariffs
from wattmesh_sitemodel.view import SiteModelView

SCHEMA = "planner"


@asynccontextmanager
async def wire(settings: PlannerSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give the planner, ready to serve; its connections are closed at the end."""
    async with Database(
        settings.database_url, SCHEMA, limits=DatabaseLimits.of(settings)
    ) as database:
        await migrate(database, "wattmesh_planner")
        async with (
            PostgresLeases(settings.database_url, SCHEMA) as leases,
            BackgroundTasks() as background,
        ):
            site_model = _site_model(settings, runtime)
            await site_model.client.recall()
            service = _service(
                settings, runtime, PostgresPlanStore(database), leases, background, site_model
            )
            needs = (database.dependency, leases.dependency, *_peers(settings, runtime))
            yield replace(service, dependencies=needs)


def _peers(settings: PlannerSettings, runtime: Runtime) -> tuple[Dependency, ...]:
    flat = "plans go by earlier forecasts, or what was metered lately, or none"
    clean = "plans are made without carbon intensities"
    parked = "for an hour charge points are planned as last heard of, then left out"
    usage, asking = settings.usage_target, settings.demandresponse_target
    heard = "plans go by the events that were last heard of"
    return (
        *(() if asking is None else (runtime.peer("demandresponse", asking, without=heard),)),
        *(() if usage is None else (runtime.peer("usage", usage, without=parked),)),
        runtime.peer("metering", settings.metering_target),
        runtime.peer("optimizer", settings.optimizer_target),
        runtime.peer("control", settings.control_target),
        runtime.peer("forecast", settings.forecast_target, without=flat),
        runtime.peer("carbon", settings.carbon_target, without=clean),
    )


class _SiteModel:
    """The view of the site model, and the client that fills it."""

    def __init__(self, view: SiteModelView, client: SiteModelClient) -> None:
        self.view = view
        self.client = client


def _site_model(settings: PlannerSettings, runtime: Runtime) -> _SiteModel:
    view = SiteModelView(runtime.clock)
    kept = settings.site_model_file
    client = SiteModelClient(
        runtime.channel(settings.metering_target),
        view,
        None if kept is None else SiteModelFile(kept),
    )
    return _SiteModel(view, client)


def _service(
    settings: PlannerSettings,
    runtime: Runtime,
    plans: PostgresPlanStore,
    leases: PostgresLeases,
    background: BackgroundTasks,
    site_model: _SiteModel,
) -> Service:
    clock, view, rhythm = runtime.clock, site_model.view, _rhythm(settings)
    told, made = ToldSetpoints(plans), Broadcast[Plan]()
    events = _events(settings, runtime, view)
    limits = GrpcOwnersLimits(runtime.channel(settings.control_target), view, clock)
    topics = replace(
        _topics(settings, runtime, view, background, events), limits=LimitFacts(limits)
    )
    make_plan = MakePlan(
        clock=clock,
        gather=GatherFacts(clock, topics, told, rhythm),
        optimizer=GrpcOptimizer(
            runtime.channel(settings.optimizer_target),
            time_limit=settings.solve_time_limit,
            carbon_price_per_kg=settings.carbon_price_per_kg,
            gap_ratio=settings.solve_gap_ratio,
        ),
        controller=GrpcController(runtime.channel(settings.control_target)),
        plans=plans,
        told=told,
        made=made,
        rhythm=rhythm,
        report_runs=ReportRuns(_wishes(settings, runtime)),
        tell_promises=TellPromises(events),
    )
    scopes = PlanScopes(
        clock=clock,
        view=view,
        tariffs=topics.tariff,
        make_plan=make_plan,
        plans=plans,
        told=told,
        leases=leases,
        rhythm=rhythm,
        prompts=Prompts(_changes(settings, runtime), events, limits),
    )
    servicer = PlannerServicer(
        QueryPlans(plans, made),
        QueryExchanges(plans),
        WatchSummaries(view=view, plans=plans, made=made),
        QueryScopes(clock, view, plans, plans),
        TriggerPlan(clock=clock, view=view, plans=plans, make_plan=make_plan, rhythm=rhythm),
    )
    return Service(
        name="planner",
        register=(partial(planner_pb2_grpc.add_PlannerServiceServicer_to_server, servicer),),
        service_names=(planner_pb2.DESCRIPTOR.services_by_name["PlannerService"].full_name,),
        tasks=(site_model.client.run, scopes.run, PlanMeter(runtime.telemetry, made).run),
    )


def _topics(
    settings: PlannerSettings,
    runtime: Runtime,
    view: SiteModelView,
    background: BackgroundTasks,
    events: GrpcGridEvents | None,
) -> Topics:
    clock, rhythm = runtime.clock, _rhythm(settings)
    metering = runtime.channel(settings.metering_target)
    meter = GrpcMeter(metering)
    energies = Energies(meter, rhythm.resolution, background)
    limits = AgeLimits(fresh=settings.state_fresh_age, usable=settings.state_usable_age)
    return Topics(
        state=StateFacts(clock, meter, limits, rhythm.resolution, background),
        sessions=SessionFacts(clock, _sessions(settings, runtime)),
        outlooks=OutlookFacts(
            clock,
            GrpcOutlooks(runtime.channel(settings.forecast_target)),
            rhythm,
            settings.forecast_deadline_seconds,
            background,
        ),
        wishes=WishFacts(clock, _wishes(settings, runtime), energies, rhythm.resolution),
        tariff=TariffFacts(clock, view, GrpcTariffs(metering), rhythm.resolution, background),
        forecast=ForecastFacts(
            clock,
            GrpcForecaster(runtime.channel(settings.forecast_target)),
            energies,
            rhythm,
            settings.forecast_deadline_seconds,
            background,
        ),
        carbon=CarbonFacts(
            GrpcIntensities(
                runtime.channel(settings.carbon_target), settings.carbon_deadline_seconds
            ),
            rhythm.resolution,
            background,
        ),
        billing=BillingFacts(clock, view, energies, rhythm.resolution),
        peak=PeakFacts(clock, energies, rhythm.resolution),
        exchange=ExchangeFacts(clock, energies, rhythm.resolution),
        events=EventFacts(events, energies, rhythm.resolution),
    )


def _sessions(settings: PlannerSettings, runtime: Runtime) -> Sessions | None:
    if settings.usage_target is None:
        return None
    channel = runtime.channel(settings.usage_target)
    return GrpcSessions(channel, runtime.clock, settings.usage_deadline_seconds)


def _wishes(settings: PlannerSettings, runtime: Runtime) -> GrpcWishes | None:
    if settings.usage_target is None:
        return None
    return GrpcWishes(runtime.channel(settings.usage_target), settings.usage_deadline_seconds)


def _changes(settings: PlannerSettings, runtime: Runtime) -> GrpcUsageChanges | None:
    if settings.usage_target is None:
        return None
    return GrpcUsageChanges(runtime.channel(settings.usage_target))


def _events(
    settings: PlannerSettings, runtime: Runtime, view: SiteModelView
) -> GrpcGridEvents | None:
    target = settings.demandresponse_target
    if target is None:
        return None
    seconds = settings.usage_deadline_seconds
    return GrpcGridEvents(runtime.channel(target), view, runtime.clock, seconds)


def _rhythm(settings: PlannerSettings) -> Rhythm:
    return Rhythm(
        resolution=settings.plan_resolution,
        horizon=settings.plan_horizon,
        lead=settings.plan_lead,
    )
