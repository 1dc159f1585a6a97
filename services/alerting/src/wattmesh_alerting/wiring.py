"""Builds alerting out of its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from wattmesh.alert.v1 import alert_service_pb2, alert_service_pb2_grpc
from wattmesh_alerting.adapters.alertmanager import Alertmanager
from wattmesh_alerting.adapters.control import DeviceEvents, GatewayLines, Stops
from wattmesh_alerting.adapters.metering import Readings
from wattmesh_alerting.adapters.planner import Plans, Scopes
from wattmesh_alerting.adapters.polled import PolledSource
from wattmesh_alerting.adapters.postgres import PostgresAlertStore
from wattmesh_alerting.api.servicer import AlertServicer
from wattmesh_alerting.app.ask_alerts import AskAlerts
from wattmesh_alerting.app.ports import Source
from wattmesh_alerting.app.raise_alerts import RaiseAlerts
from wattmesh_alerting.app.tell_people import TellPeople
from wattmesh_alerting.settings import AlertingSettings
from wattmesh_runtime.aio.leased_work import LeasedWork
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.postgres_leases import PostgresLeases
from wattmesh_runtime.service import Runtime, Service
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.file import SiteModelFile
from wattmesh_sitemodel.view import SiteModelView

SCHEMA = "alerting"
_LEASE = "alerts"
_SERVICE = alert_service_pb2.DESCRIPTOR.services_by_name["AlertService"]
_WITHOUT = "alerts about what it knows stay as they are"


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
            raise_alerts = RaiseAlerts(
                clock=clock, store=store, sources=_sources(settings, runtime, view), people=people
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
                ),
                tasks=(follower.run, work.run),
            )


def _sources(settings: AlertingSettings, runtime: Runtime, view: SiteModelView) -> list[Source]:
    clock, every = runtime.clock, settings.look_seconds
    control = runtime.channel(settings.control_target)
    planner = runtime.channel(settings.planner_target)
    metering = runtime.channel(settings.metering_target)
    return [
        DeviceEvents(control, view, clock),
        PolledSource("the lines to gateways", GatewayLines(control, clock), every),
        PolledSource("what people have stopped", Stops(control, clock), every),
        PolledSource("plans", Plans(planner, clock), every),
        PolledSource("what is planned", Scopes(planner, clock), every),
        PolledSource("the newest readings", Readings(metering, view, clock), every),
    ]
