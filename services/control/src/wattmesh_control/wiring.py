"""Builds control from its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wattmesh.control.v1 import control_pb2_grpc
from wattmesh.gateway.v1 import gateway_link_pb2_grpc
from wattmesh_control.adapters.energy_meter import MeteringEnergyMeter
from wattmesh_control.adapters.observations import TelemetryObservations
from wattmesh_control.adapters.postgres import PostgresLedger
from wattmesh_control.adapters.postgres_agenda import PostgresAgenda
from wattmesh_control.adapters.postgres_archive import PostgresCommandArchive
from wattmesh_control.adapters.postgres_limits import PostgresLimitArchive
from wattmesh_control.adapters.postgres_shelf import PostgresDeviceShelf
from wattmesh_control.adapters.site_model import SiteServiceModel
from wattmesh_control.api.control_servicer import ControlServicer, ControlUseCases
from wattmesh_control.api.link_servicer import GatewayLinkServicer
from wattmesh_control.app.cancel_command import CancelCommand
from wattmesh_control.app.catalog import DeviceCatalog
from wattmesh_control.app.change_limits import DeleteLimit, SetLimit
from wattmesh_control.app.changes import Announce
from wattmesh_control.app.feed import CommandFeed
from wattmesh_control.app.follow_model import FollowModel
from wattmesh_control.app.issue_command import IssueCommand
from wattmesh_control.app.keep_time import KeepTime, ReconcileNow
from wattmesh_control.app.links import GatewayLinks
from wattmesh_control.app.meter_effects import MeterEffects
from wattmesh_control.app.read_commands import ReadCommands, ReadLimits
from wattmesh_control.app.reconcile import Reconcile
from wattmesh_control.app.record_reports import RecordReports
from wattmesh_control.app.serve_gateway import ServeGateway
from wattmesh_control.app.submit_schedule import SubmitSchedule
from wattmesh_control.app.wake import Wake
from wattmesh_control.settings import ControlSettings
from wattmesh_runtime.database import Database
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.service import Runtime, Service

SERVICE_NAMES = ("wattmesh.control.v1.ControlService", "wattmesh.gateway.v1.GatewayLinkService")


@asynccontextmanager
async def wire(settings: ControlSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Open the database, take up what was known before, and put the parts together."""
    async with Database(settings.database_url, "control") as database:
        await migrate(database, "wattmesh_control")
        parts = _Parts(settings, runtime, database)
        await parts.catalog.recall()
        yield parts.service()


class _Parts:
    """What the use cases share."""

    def __init__(self, settings: ControlSettings, runtime: Runtime, database: Database) -> None:
        self._settings = settings
        self._clock = runtime.clock
        metering = runtime.channel(settings.metering_target)
        self._meter = MeteringEnergyMeter(metering)
        self._archive = PostgresCommandArchive(database)
        self._limits = PostgresLimitArchive(database)
        self._agenda = PostgresAgenda(database)
        self._ledger = PostgresLedger(database)
        self._observations = TelemetryObservations(runtime.telemetry)
        self._links = GatewayLinks(self._observations)
        self._feed = CommandFeed()
        self._wake = Wake(self._clock)
        self._announce = Announce(self._links, self._feed, self._wake, self._observations)
        self.catalog = DeviceCatalog(
            clock=self._clock,
            model=SiteServiceModel(metering),
            shelf=PostgresDeviceShelf(database),
        )
        self._reconcile = Reconcile(
            clock=self._clock,
            catalog=self.catalog,
            lease=settings.lease,
            tolerance_ratio=settings.read_back_tolerance_ratio,
        )

    def service(self) -> Service:
        """Return what is served, and what runs beside it."""
        control = ControlServicer(self._use_cases())
        link = GatewayLinkServicer(self._clock, self._serve_gateway())
        return Service(
            name="control",
            register=(
                lambda server: control_pb2_grpc.add_ControlServiceServicer_to_server(
                    control, server
                ),
                lambda server: gateway_link_pb2_grpc.add_GatewayLinkServiceServicer_to_server(
                    link, server
                ),
            ),
            service_names=SERVICE_NAMES,
            tasks=self._tasks(),
        )

    def _use_cases(self) -> ControlUseCases:
        clock, ledger, archive = self._clock, self._ledger, self._archive
        catalog, reconcile, announce = self.catalog, self._reconcile, self._announce
        return ControlUseCases(
            submit_schedule=SubmitSchedule(
                clock=clock,
                ledger=ledger,
                catalog=catalog,
                reconcile=reconcile,
                announce=announce,
            ),
            issue_command=IssueCommand(
                clock=clock,
                ledger=ledger,
                archive=archive,
                catalog=catalog,
                reconcile=reconcile,
                announce=announce,
            ),
            cancel_command=CancelCommand(
                clock=clock, ledger=ledger, archive=archive, reconcile=reconcile, announce=announce
            ),
            read_commands=ReadCommands(archive, self._feed),
            set_limit=SetLimit(
                clock=clock,
                ledger=ledger,
                catalog=catalog,
                reconcile=reconcile,
                announce=announce,
            ),
            read_limits=ReadLimits(clock, self._limits),
            delete_limit=DeleteLimit(
                clock=clock,
                ledger=ledger,
                archive=self._limits,
                reconcile=reconcile,
                announce=announce,
            ),
        )

    def _serve_gateway(self) -> ServeGateway:
        reports = RecordReports(
            clock=self._clock,
            ledger=self._ledger,
            announce=self._announce,
            observations=self._observations,
        )
        return ServeGateway(
            clock=self._clock, links=self._links, archive=self._archive, reports=reports
        )

    def _tasks(self) -> tuple[KeepTime, FollowModel, MeterEffects]:
        reconcile_now = ReconcileNow(self._ledger, self._reconcile, self._announce)
        return (
            KeepTime(
                clock=self._clock,
                agenda=self._agenda,
                reconcile_now=reconcile_now,
                wake=self._wake,
            ),
            FollowModel(
                clock=self._clock,
                catalog=self.catalog,
                agenda=self._agenda,
                reconcile_now=reconcile_now,
                interval=self._settings.model_refresh,
            ),
            MeterEffects(
                clock=self._clock,
                archive=self._archive,
                meter=self._meter,
                observations=self._observations,
                rhythm=self._settings.effect_rhythm,
            ),
        )
