"""Builds control from its parts."""

import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from wattmesh.control.v1 import control_pb2_grpc, execution_pb2_grpc, operator_pb2_grpc
from wattmesh.gateway.v1 import gateway_link_pb2_grpc
from wattmesh_control.adapters.energy_meter import MeteringEnergyMeter
from wattmesh_control.adapters.observations import TelemetryObservations
from wattmesh_control.adapters.postgres import PostgresStore
from wattmesh_control.adapters.postgres_archive import PostgresCommandArchive
from wattmesh_control.adapters.postgres_commands import number_from_now
from wattmesh_control.adapters.postgres_due_times import PostgresDueTimes
from wattmesh_control.adapters.postgres_holds import PostgresHoldArchive
from wattmesh_control.adapters.postgres_limits import PostgresLimitArchive
from wattmesh_control.adapters.postgres_links import PostgresLinkStates
from wattmesh_control.adapters.postgres_notices import PostgresNotices
from wattmesh_control.adapters.postgres_outlook import PostgresOutlook
from wattmesh_control.adapters.postgres_site_model import PostgresSiteModel
from wattmesh_control.adapters.power_meter import MeteringPowerMeter
from wattmesh_control.api.control_servicer import ControlServicer, ControlUseCases
from wattmesh_control.api.execution_servicer import ExecutionServicer
from wattmesh_control.api.link_servicer import GatewayLinkServicer
from wattmesh_control.api.operator_servicer import OperatorServicer, OperatorUseCases
from wattmesh_control.app.announce import MOST_UNREAD, Announce, CommandBroadcast
from wattmesh_control.app.cancel_command import CancelCommand
from wattmesh_control.app.change_limits import DeleteLimit, SetLimit
from wattmesh_control.app.compare_clocks import CompareClocks
from wattmesh_control.app.devices import Devices
from wattmesh_control.app.dispatch import Dispatch
from wattmesh_control.app.dry_run import DryRun
from wattmesh_control.app.follow_model import FollowModel
from wattmesh_control.app.gateway_links import ReadLinks
from wattmesh_control.app.hear_notices import HearNotices, SendLeftOver
from wattmesh_control.app.issue_command import IssueCommand
from wattmesh_control.app.keep_time import KeepTime
from wattmesh_control.app.links import GatewayLinks
from wattmesh_control.app.meter_effects import MeterEffects
from wattmesh_control.app.place_hold import PlaceHold, ReleaseHold
from wattmesh_control.app.read_commands import ReadCommands, ReadLimits
from wattmesh_control.app.read_events import EventBroadcast
from wattmesh_control.app.read_holds import ReadHolds
from wattmesh_control.app.reconcile import Reconcile
from wattmesh_control.app.record_reports import RecordReports
from wattmesh_control.app.reserve_reach import ReserveReach
from wattmesh_control.app.serve_gateway import ServeGateway
from wattmesh_control.app.set_aside import SetAside
from wattmesh_control.app.shards import Shards
from wattmesh_control.app.signal_reserves import SignalReserves
from wattmesh_control.app.submit_schedule import SubmitSchedule
from wattmesh_control.app.unit_of_work import UnitOfWork
from wattmesh_control.app.watch_limits import WatchLimits
from wattmesh_control.settings import ControlSettings
from wattmesh_control.wiring_effects import EffectParts
from wattmesh_control.wiring_limits import nodes_of, policies_of, sharing_of
from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.aio.leases import Leases
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.postgres_leases import PostgresLeases
from wattmesh_runtime.readiness import Dependency
from wattmesh_runtime.service import Runtime, Service
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.view import SiteModelView

SERVICE_NAMES = (
    "wattmesh.control.v1.ControlService",
    "wattmesh.control.v1.ExecutionService",
    "wattmesh.control.v1.OperatorService",
    "wattmesh.gateway.v1.GatewayLinkService",
)
_SCHEMA = "control"


@asynccontextmanager
async def wire(settings: ControlSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Open the database, take up what was known before, and put the parts together."""
    process = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    limits = DatabaseLimits.of(settings)
    async with Database(settings.database_url, _SCHEMA, limits=limits) as database:
        await migrate(database, "wattmesh_control")
        async with (
            Database(settings.database_url, _SCHEMA, limits=limits, by_key=True) as by_key,
            PostgresLeases(settings.database_url, _SCHEMA) as leases,
            PostgresNotices(settings.database_url, database, process) as notices,
        ):
            outside = _Outside(
                database=database,
                leases=leases,
                notices=notices,
                store=PostgresStore(by_key, process),
            )
            await number_from_now(database)
            parts = _Parts(settings, runtime, outside)
            await parts.follow_model.recall()
            needs = (database.dependency, leases.dependency, *parts.needs())
            yield replace(parts.service(), dependencies=needs)


@dataclass(frozen=True, kw_only=True)
class _Outside:
    """What has to be opened."""

    database: Database
    leases: Leases
    notices: PostgresNotices
    store: PostgresStore


class _Parts:
    """What the use cases share."""

    def __init__(self, settings: ControlSettings, runtime: Runtime, outside: _Outside) -> None:
        self._settings = settings
        self._runtime = runtime
        self._clock = clock = runtime.clock
        self._outside = outside
        self._metering = runtime.channel(settings.metering_target)
        self._archive = PostgresCommandArchive(outside.database)
        self._limits = PostgresLimitArchive(outside.database)
        self._due_times = PostgresDueTimes(outside.database)
        self._observations = TelemetryObservations(runtime.telemetry)
        self._heard, self._view = SiteModelView(clock), SiteModelView(clock)
        self._devices = Devices(self._view)
        self._links = GatewayLinks(self._observations)
        self._link_states = PostgresLinkStates(outside.database)
        self._clocks = CompareClocks(
            clock=clock,
            states=self._link_states,
            observations=self._observations,
            rule=settings.clock_rule(clock.rate),
            every_seconds=settings.clock_compare_seconds,
        )
        self._broadcast = CommandBroadcast(MOST_UNREAD)
        self._event_broadcast = EventBroadcast(MOST_UNREAD)
        self._effects = EffectParts(settings, clock, outside.database)
        self._shards = self._shards_of(settings)
        self._announce = Announce(
            shards=self._shards,
            links=self._links,
            broadcast=self._broadcast,
            notices=outside.notices,
            observations=self._observations,
        )
        self._unit_of_work = self._unit_of_work_of(settings)
        self._share = sharing_of(
            *(clock, self._devices, self._limits, self._unit_of_work),
            *(self._shards, self._broadcast, MeteringEnergyMeter(self._metering)),
        )
        self._keep_time = self._timekeeper()
        self._shards.taken = self._keep_time.catch_up
        self._announce.wake = self._keep_time.expect
        self._reports = RecordReports(self._unit_of_work, self._observations)
        reach = ReserveReach(
            clock=clock,
            devices=self._devices,
            links=self._links,
            reached=self._link_states,
            is_lost=self._reports.is_lost,
        )
        self._signal_reserves = SignalReserves(self._devices, self._links, outside.notices, reach)
        self.follow_model = FollowModel(
            clock=clock,
            heard=self._heard,
            view=self._view,
            store=PostgresSiteModel(outside.database),
            due_times=self._due_times,
            shards=self._shards,
            keep_time=self._keep_time,
        )

    def service(self) -> Service:
        """Return what is served, and what runs beside it."""
        control = ControlServicer(self._use_cases())
        execution = ExecutionServicer(self._effects.use_cases(self._archive, self._event_broadcast))
        operator = OperatorServicer(self._operator_use_cases())
        link = GatewayLinkServicer(self._clock, self._serve_gateway(), ReadLinks(self._link_states))
        return Service(
            name="control",
            register=(
                lambda server: control_pb2_grpc.add_ControlServiceServicer_to_server(
                    control, server
                ),
                lambda server: execution_pb2_grpc.add_ExecutionServiceServicer_to_server(
                    execution, server
                ),
                lambda server: operator_pb2_grpc.add_OperatorServiceServicer_to_server(
                    operator, server
                ),
                lambda server: gateway_link_pb2_grpc.add_GatewayLinkServiceServicer_to_server(
                    link, server
                ),
            ),
            service_names=SERVICE_NAMES,
            tasks=self._tasks(),
        )

    def needs(self) -> tuple[Dependency, ...]:
        """Return what control depends on, besides what has to be opened."""
        stale = "the site model is the last known one, and no effect is metered"
        return (
            Dependency(name="site_model", probe=self._know_sites),
            Dependency(
                name="gateway_clocks",
                probe=self._clocks.check,
                without="times of that gateway's readings are off; far off, it gets no commands",
            ),
            self._runtime.peer("metering", self._settings.metering_target, without=stale),
            self._effects.dependency,
        )

    async def _know_sites(self) -> None:
        if not self._view.known:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "no site model was ever heard of")

    def _shards_of(self, settings: ControlSettings) -> Shards:
        return Shards(
            clock=self._clock,
            leases=self._outside.leases,
            devices=self._devices,
            notices=self._outside.notices,
            observations=self._observations,
            poll_seconds=settings.shard_poll_seconds,
        )

    def _unit_of_work_of(self, settings: ControlSettings) -> UnitOfWork:
        reconcile = Reconcile(
            clock=self._clock,
            devices=self._devices,
            lease=settings.lease,
            tolerance_ratio=settings.read_back_tolerance_ratio,
        )
        return UnitOfWork(
            clock=self._clock,
            store=self._outside.store,
            reconcile=reconcile,
            announce=self._announce,
        )

    def _timekeeper(self) -> KeepTime:
        return KeepTime(
            clock=self._clock,
            due_times=self._due_times,
            shards=self._shards,
            unit_of_work=self._unit_of_work,
            goes_out=self._links.takes,
            set_aside=SetAside(
                clock=self._clock, store=self._outside.store, observations=self._observations
            ),
        )

    def _use_cases(self) -> ControlUseCases:
        clock, devices, unit_of_work = self._clock, self._devices, self._unit_of_work
        return ControlUseCases(
            submit_schedule=SubmitSchedule(clock=clock, devices=devices, unit_of_work=unit_of_work),
            issue_command=IssueCommand(
                clock=clock,
                devices=devices,
                unit_of_work=unit_of_work,
                archive=self._archive,
                shards=self._shards,
                goes_out=self._links.takes,
            ),
            cancel_command=CancelCommand(archive=self._archive, unit_of_work=unit_of_work),
            read_commands=ReadCommands(self._archive, self._broadcast),
            set_limit=SetLimit(
                clock=clock, devices=devices, unit_of_work=unit_of_work, share=self._share
            ),
            read_limits=ReadLimits(clock, self._limits),
            watch_limits=WatchLimits(clock, self._limits),
            delete_limit=DeleteLimit(
                clock=clock, archive=self._limits, unit_of_work=unit_of_work, share=self._share
            ),
            signal_reserves=self._signal_reserves,
        )

    def _operator_use_cases(self) -> OperatorUseCases:
        database = self._outside.database
        clock, devices, unit_of_work = self._clock, self._devices, self._unit_of_work
        archive = PostgresHoldArchive(database)
        read = ReadHolds(clock=clock, devices=devices, archive=archive, links=self._link_states)
        return OperatorUseCases(
            place_hold=PlaceHold(
                clock=clock, devices=devices, unit_of_work=unit_of_work, read=read
            ),
            release_hold=ReleaseHold(
                clock=clock, devices=devices, unit_of_work=unit_of_work, archive=archive, read=read
            ),
            read_holds=read,
            dry_run=DryRun(clock=clock, devices=devices, reader=PostgresOutlook(database)),
        )

    def _serve_gateway(self) -> ServeGateway:
        return ServeGateway(
            clock=self._clock,
            shards=self._shards,
            links=self._links,
            archive=self._archive,
            reports=self._reports,
            clocks=self._clocks,
            states=self._link_states,
        )

    def _tasks(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        hear = HearNotices(
            notices=self._outside.notices,
            archive=self._archive,
            shards=self._shards,
            links=self._links,
            announce=self._announce,
            broadcast=self._broadcast,
            events=self._effects.events,
            event_broadcast=self._event_broadcast,
            keep_time=self._keep_time,
            signal_reserves=self._signal_reserves,
        )
        effects = MeterEffects(
            clock=self._clock,
            archive=self._archive,
            meter=MeteringEnergyMeter(self._metering),
            observations=self._observations,
            shards=self._shards,
            rhythm=self._settings.effect_rhythm,
        )
        policies = policies_of(
            *(self._clock, self._links, self._devices, self._limits),
            *(self._outside.database, self._settings.loop),
        )
        judge = self._effects.judge(
            devices=self._devices,
            meter=MeteringPowerMeter(self._metering),
            store=self._outside.store,
            unit_of_work=self._unit_of_work,
            announce=self._announce,
            observations=self._observations,
            shards=self._shards,
        )
        return (
            SiteModelClient(self._metering, self._heard).run,
            self.follow_model,
            self.follow_model.keep,
            self._shards.run,
            self._keep_time,
            Dispatch(self._links, self._unit_of_work),
            self._reports,
            self._outside.notices.run,
            hear,
            SendLeftOver(clock=self._clock, archive=self._archive, links=self._links),
            effects,
            judge,
            policies,
            self._share,
            nodes_of(self._clock, self._devices, self._limits, self._shards, self._share),
        )
