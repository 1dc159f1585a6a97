"""Builds the gateway out of its parts."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from wattmesh.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from wattmesh_gateway.adapters.command_journal import SqliteCommandJournal
from wattmesh_gateway.adapters.control import GrpcControlLink
from wattmesh_gateway.adapters.journal_move import move_journal
from wattmesh_gateway.adapters.loop_policies import SqliteLoopPolicies
from wattmesh_gateway.adapters.metering import GrpcMeteringUplink
from wattmesh_gateway.adapters.quarantine import SqliteQuarantine
from wattmesh_gateway.adapters.session_outbox import SqliteSessionOutbox
from wattmesh_gateway.adapters.spool import SqliteSpool
from wattmesh_gateway.adapters.spool_database import JOURNAL_MIGRATIONS, SpoolDatabase
from wattmesh_gateway.adapters.telemetry import StatusMetrics
from wattmesh_gateway.adapters.usage import GrpcSessionUplink
from wattmesh_gateway.api.servicer import GatewayServicer
from wattmesh_gateway.app.arbiter import Arbiter
from wattmesh_gateway.app.carry_commands import CarryCommands
from wattmesh_gateway.app.follow_site_model import FollowSiteModel
from wattmesh_gateway.app.follow_stays import FollowStays
from wattmesh_gateway.app.forward_readings import ForwardReadings
from wattmesh_gateway.app.fresh_readings import FreshReadings
from wattmesh_gateway.app.hold_link import HoldLink
from wattmesh_gateway.app.loop.run_loops import RunLoops
from wattmesh_gateway.app.poll_devices import PollDevices
from wattmesh_gateway.app.ports import Driver
from wattmesh_gateway.app.quarantine import QuarantinedTelegrams
from wattmesh_gateway.app.reachability import Reachability
from wattmesh_gateway.app.receive_telegrams import ReceiveTelegrams
from wattmesh_gateway.app.report_sessions import KeepSessions, ReportSessions
from wattmesh_gateway.app.reports import Reports
from wattmesh_gateway.app.roster import Roster
from wattmesh_gateway.app.tell_profiles import TellProfiles
from wattmesh_gateway.app.tell_status import TellStatus
from wattmesh_gateway.drivers.kind import Surroundings
from wattmesh_gateway.drivers.registry import DRIVER_KINDS, SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_gateway.settings import GatewaySettings
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import GatewayId
from wattmesh_kernel.steady_clock import steady
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_runtime.readiness import Dependency
from wattmesh_runtime.service import Runtime, Service
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.file import SiteModelFile
from wattmesh_sitemodel.view import SiteModelView

log = logging.getLogger(__name__)

SPOOL_RESERVE_BYTES = 8 * 2**20
"""Kept free on the spool's disk: what metering acknowledges is deleted though it is full."""
_HEAR_SECONDS = 0.5
"""How long a driver that hears nothing has to hear again before it counts as deaf [s]."""
_LISTEN_SECONDS = 5.0
"""How long serving waits for the MQTT broker; the other devices do without it."""


@asynccontextmanager
async def wire(settings: GatewaySettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Open the spool, load the profiles, start the drivers, and hand over what runs."""
    gateway = GatewayId.parse(settings.gateway)
    clock = runtime.clock
    profiles = load_profiles(SCHEMAS, settings.profile_folder)
    metering = runtime.channel(settings.metering_target)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            SpoolDatabase(settings.spool_file, reserve_bytes=SPOOL_RESERVE_BYTES)
        )
        journal_database = await stack.enter_async_context(
            SpoolDatabase(settings.journal_file, JOURNAL_MIGRATIONS)
        )
        await move_journal(database, journal_database)
        spool = await stack.enter_async_context(SqliteSpool(database, settings.spool_limit))
        background = await stack.enter_async_context(BackgroundTasks())
        reachability = Reachability(clock)
        fresh = FreshReadings()
        telegrams = ReceiveTelegrams(spool, reachability, clock, fresh.hear)
        outbox = SqliteSessionOutbox(database)
        sessions = KeepSessions(outbox)
        surroundings = Surroundings(
            gateway=gateway,
            clock=clock,
            inbox=telegrams,
            background=background,
            sessions=sessions,
            stays=FollowStays(outbox, sessions),
            spool_file=settings.spool_file,
        )
        drivers = await _start_drivers(stack, settings, surroundings)
        polls = PollDevices(spool, reachability, clock, background, fresh.hear)
        roster = Roster(drivers, profiles, polls, telegrams, reachability, clock)
        uplink = GrpcSessionUplink(
            runtime.channel(settings.usage_target or settings.metering_target)
        )
        report = ReportSessions(outbox, sessions.news, uplink, roster.asset_of, clock)
        journal = SqliteCommandJournal(journal_database)
        reports = Reports(journal, clock)
        leases = steady(clock)
        arbiter = Arbiter()
        carry = CarryCommands(
            *(roster, journal, reports, leases, background, settings.reread_seconds, arbiter)
        )
        policies = SqliteLoopPolicies(journal_database)
        loops = RunLoops(policies, arbiter, roster, reports, clock, leases, background)
        fresh.listener = loops.hear
        link = GrpcControlLink(runtime.channel(settings.control_target), gateway, clock, leases)
        view = SiteModelView(clock)
        site_model = SiteModelClient(metering, view, SiteModelFile(settings.site_model_file))
        follow = FollowSiteModel(view, gateway, roster)
        await site_model.recall()
        background.start(site_model.run())
        await follow.start()
        await carry.resume()
        await loops.resume()
        # Whoever waits for this gateway to serve may publish then: the broker keeps it for us.
        for protocol, driver in drivers.items():
            if not await driver.wait_ready(_LISTEN_SECONDS):
                log.warning("%s: not everything that devices say is heard yet", protocol)
        tell_status = TellStatus(
            *(gateway, spool, reachability, roster.misses_nothing),
            dropped=lambda: telegrams.telegrams_dropped,
        )
        quarantine = QuarantinedTelegrams(SqliteQuarantine(database), spool, roster.listened_to)
        servicer = GatewayServicer(tell_status, TellProfiles(profiles), quarantine)
        yield Service(
            name="gateway",
            register=(
                lambda server: gateway_pb2_grpc.add_GatewayServiceServicer_to_server(
                    servicer, server
                ),
            ),
            service_names=(gateway_pb2.DESCRIPTOR.services_by_name["GatewayService"].full_name,),
            dependencies=(
                *(_hearing(protocol, driver) for protocol, driver in drivers.items()),
                *_peers(settings, runtime),
            ),
            tasks=(
                background.watch,
                follow.run,
                telegrams.watch_silence,
                report.run,
                ForwardReadings(spool, GrpcMeteringUplink(metering, gateway)).run,
                HoldLink(link, carry, reports, journal, reachability, loops, clock).run,
                StatusMetrics(runtime.telemetry, tell_status).run,
            ),
        )


def _hearing(protocol: str, driver: Driver) -> Dependency:
    """Return a driver as something that the gateway is not ready without."""

    async def probe() -> None:
        if not await driver.wait_ready(_HEAR_SECONDS):
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "what devices say is not heard")

    return Dependency(name=protocol, probe=probe)


def _peers(settings: GatewaySettings, runtime: Runtime) -> tuple[Dependency, ...]:
    kept = "readings are kept in the spool"
    left = "devices go on with the commands they have, until the leases end"
    return (
        runtime.peer("metering", settings.metering_target, without=kept),
        runtime.peer("control", settings.control_target, without=left),
    )


async def _start_drivers(
    stack: AsyncExitStack, settings: GatewaySettings, surroundings: Surroundings
) -> Mapping[str, Driver]:
    """Start the driver of every protocol; return them by the protocols' names."""
    return {
        kind.protocol: await stack.enter_async_context(kind.start(settings, surroundings))
        for kind in DRIVER_KINDS
    }
