"""Builds alerting out of its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from wattmesh.alert.v1 import alert_service_pb2, alert_service_pb2_grpc
from wattmesh_alerting.adapters.alertmanager import Alertmanager
from wattmesh_alerting.adapters.budgets import CarbonBudgets
from wattmesh_alerting.adapters.certificates import Certificates
from wattmesh_alerting.adapters.comfort import Comfort, WantedBands
from wattmesh_alerting.adapters.control import DeviceEvents, GatewayLines, Stops
from wattmesh_alerting.adapters.day_costs import HourlyCosts, UnexpectedCost
from wattmesh_alerting.adapters.energies import Energies
from wattmesh_alerting.adapters.forecast import ForecastSkill
from wattmesh_alerting.adapters.limits import OwnersLimits
from wattmesh_alerting.adapters.live_powers import LivePowers
from wattmesh_alerting.adapters.metering import Readings
from wattmesh_alerting.adapters.nearness import Powers
from wattmesh_alerting.adapters.newest import NewestReadings
from wattmesh_alerting.adapters.peaks import Peaks
from wattmesh_alerting.adapters.planner import Plans, Scopes
from wattmesh_alerting.adapters.polled import PolledSource
from wattmesh_alerting.adapters.postgres import PostgresAlertStore
from wattmesh_alerting.adapters.quality import DataQuality
from wattmesh_alerting.adapters.rounds import Judge, SiteRounds
from wattmesh_alerting.adapters.stakes import Stakes
from wattmesh_alerting.api.servicer import AlertServicer
from wattmesh_alerting.app.ask_alerts import AskAlerts
from wattmesh_alerting.app.ports import Source
from wattmesh_alerting.app.raise_alerts import RaiseAlerts
from wattmesh_alerting.app.tell_people import TellPeople
from wattmesh_alerting.domain.rules import Rule
from wattmesh_alerting.settings import AlertingSettings
from wattmesh_runtime.aio.leased_work import LeasedWork
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.postgres_leases import PostgresLeases
from wattmesh_runtime.service import Runtime, Service
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.file import SiteModelFile
from wattmesh_sitemodel.tariffs import GrpcTariffs
from wattmesh_sitemodel.view import SiteModelView

SCHEMA = "alerting"
_LEASE = "alerts"
_SERVICE = alert_service_pb2.DESCRIPTOR.services_by_name["AlertService"]
_WITHOUT = "alerts about what it knows stay as they are"
_HOUR = timedelta(hours=1)
_SELDOM = 4
"""Certificates are asked for once in so many looks."""


@asynccontextmanager
async def wire(settings: AlertingSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give alerting, ready to serve; its database pool is closed at the end."""
    limits = DatabaseLimits.of(settings)
    async with Database(settings.database_url, SCHEMA, limits=limits) as database:
        await migrate(database, "wattmesh_alerting")
        async with PostgresLeases(settings.database_url, SCHEMA) as leases:
            clock, view = runtime.clock, SiteModelView(runtime.clock)
            file = settings.site_model_file
            follower = SiteModelClient(
                runtime.channel(settings.metering_target),
                view,
                None if file is None else SiteModelFile(file),
            )
            await follower.recall()
            store = PostgresAlertStore(database)
            target = settings.alertmanager_target
            people = TellPeople(
                clock=clock, store=store, notifier=None if target is None else Alertmanager(target)
            )
            owners = OwnersLimits(runtime.channel(settings.control_target))
            raise_alerts = RaiseAlerts(
                clock=clock,
                store=store,
                sources=_sources(settings, runtime, view, owners),
                people=people,
                appraiser=Stakes(runtime.channel(settings.planner_target), view, clock),
            )
            work = LeasedWork(leases, raise_alerts)
            work.want([_LEASE])
            add = alert_service_pb2_grpc.add_AlertServiceServicer_to_server
            yield Service(
                name="alerting",
                register=(partial(add, AlertServicer(AskAlerts(clock, store))),),
                service_names=(_SERVICE.full_name,),
                dependencies=(
                    database.dependency,
                    runtime.peer("metering", settings.metering_target, without=_WITHOUT),
                    runtime.peer("control", settings.control_target, without=_WITHOUT),
                    runtime.peer("planner", settings.planner_target, without=_WITHOUT),
                    runtime.peer("forecast", settings.forecast_target, without=_WITHOUT),
                    runtime.peer("analytics", settings.analytics_target, without=_WITHOUT),
                ),
                tasks=(follower.run, owners.follow, work.run),
            )


def _sources(
    settings: AlertingSettings, runtime: Runtime, view: SiteModelView, owners: OwnersLimits
) -> list[Source]:
    clock, every = runtime.clock, settings.look_seconds
    control = runtime.channel(settings.control_target)
    planner = runtime.channel(settings.planner_target)
    metering = runtime.channel(settings.metering_target)
    at_metering = metering, view, clock, owners, NewestReadings(), Powers()
    return [
        *_judges(settings, runtime, view),
        DeviceEvents(control, view, clock),
        PolledSource("the lines to gateways", GatewayLines(control, clock), every),
        PolledSource("what people have stopped", Stops(control, clock), every),
        Plans(planner, clock),
        PolledSource("what is planned", Scopes(planner, clock), every),
        PolledSource("the newest readings", Readings(*at_metering), every),
        LivePowers(*at_metering, look_seconds=every),
        PolledSource(
            "temperatures of zones", Comfort(metering, WantedBands(planner), view, clock), every
        ),
    ]


def _judges(settings: AlertingSettings, runtime: Runtime, view: SiteModelView) -> list[Source]:
    """Return the sources that judge a site by more than what is newest, now and then."""
    clock, every = runtime.clock, settings.look_seconds
    channels = {
        "metering": runtime.channel(settings.metering_target),
        "control": runtime.channel(settings.control_target),
        "planner": runtime.channel(settings.planner_target),
        "forecast": runtime.channel(settings.forecast_target),
        "analytics": runtime.channel(settings.analytics_target),
    }
    metering = channels["metering"]
    energies = Energies(metering)
    hours = HourlyCosts(energies, GrpcTariffs(metering), view, clock)
    rounds: dict[Rule, tuple[Judge, timedelta]] = {
        Rule.UNEXPECTED_COST: (UnexpectedCost(hours, view, clock), _HOUR),
        Rule.DATA_QUALITY: (DataQuality(metering, energies, hours, view, clock), _HOUR),
        Rule.CARBON_BUDGET: (CarbonBudgets(channels["analytics"], clock), _HOUR),
    }
    if settings.forecast_hours:
        skill = ForecastSkill(channels["forecast"], view, clock)
        rounds[Rule.FORECAST_DRIFT] = (skill, settings.forecast_hours * _HOUR)
    return [
        PolledSource("running demand intervals", Peaks(energies, view, clock), every),
        PolledSource("certificates", Certificates(channels, clock), _SELDOM * every),
        *(
            PolledSource(
                f"what is judged of sites ({rule.value})",
                SiteRounds((rule,), judge, view, clock, often),
                every,
            )
            for rule, (judge, often) in rounds.items()
        ),
    ]
