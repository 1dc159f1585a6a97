"""Builds the gateway out of its parts."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from wattmesh.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from wattmesh_gateway.adapters.command_journal import SqliteCommandJournal
from wattmesh_gateway.adapters.control import GrpcControlLink
from wattmesh_gateway.adapters.device_cache import SqliteDeviceCache
from wattmesh_gateway.adapters.metering import GrpcMeteringUplink
from wattmesh_gateway.adapters.sites import GrpcSiteDirectory
from wattmesh_gateway.adapters.spool import SqliteSpool
from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.adapters.telemetry import StatusMetrics
from wattmesh_gateway.api.servicer import GatewayServicer
from wattmesh_gateway.app.carry_commands import CarryCommands
from wattmesh_gateway.app.fleet import Fleet
from wattmesh_gateway.app.forward_readings import ForwardReadings
from wattmesh_gateway.app.hold_link import HoldLink
from wattmesh_gateway.app.keep_devices import KeepDevices
from wattmesh_gateway.app.poll_devices import PollDevices
from wattmesh_gateway.app.presence import Presences
from wattmesh_gateway.app.receive_telegrams import ReceiveTelegrams
from wattmesh_gateway.app.reports import Reports
from wattmesh_gateway.app.tell_status import TellStatus
from wattmesh_gateway.drivers.drivers import ProfiledDrivers
from wattmesh_gateway.drivers.modbus import ModbusDriver
from wattmesh_gateway.drivers.mqtt import MqttDriver, parse_broker
from wattmesh_gateway.profiles import load_profiles
from wattmesh_gateway.settings import GatewaySettings
from wattmesh_kernel.ids import GatewayId
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_runtime.service import Runtime, Service

_LISTEN_SECONDS = 5.0
"""How long serving waits for the MQTT broker; the other devices do without it."""


@asynccontextmanager
async def wire(settings: GatewaySettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Open the spool, load the profiles, and hand over what runs."""
    # pymodbus logs every request that fails; the gateway says itself when a device is lost.
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
    gateway = GatewayId.parse(settings.gateway)
    clock = runtime.clock
    profiles = load_profiles(settings.profile_folder)
    metering = runtime.channel(settings.metering_target)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(SpoolDatabase(settings.spool_file))
        spool = await stack.enter_async_context(SqliteSpool(database, settings.spool_limit))
        modbus = await stack.enter_async_context(
            ModbusDriver(clock, settings.modbus_timeout_seconds)
        )
        background = await stack.enter_async_context(BackgroundTasks())
        presences = Presences(clock)
        telegrams = ReceiveTelegrams(spool, presences, clock)
        mqtt = MqttDriver(
            parse_broker(settings.mqtt_url), f"wattmesh-{gateway.segment}", telegrams.take
        )
        polls = PollDevices(spool, presences, clock, background)
        drivers = ProfiledDrivers(profiles, modbus)
        fleet = Fleet(drivers, mqtt, polls, telegrams, presences)
        journal = SqliteCommandJournal(database)
        reports = Reports(journal, clock)
        carry = CarryCommands(fleet, journal, reports, clock, background)
        link = GrpcControlLink(runtime.channel(settings.control_target), gateway)
        devices = KeepDevices(
            GrpcSiteDirectory(metering, gateway),
            SqliteDeviceCache(database),
            fleet,
            timedelta(seconds=settings.device_refresh_seconds),
        )
        # Whoever waits for this gateway to serve may publish then: the broker keeps it for us.
        background.start(mqtt.run())
        await devices.start()
        await mqtt.wait_until_listening(_LISTEN_SECONDS)
        tell_status = TellStatus(gateway, spool, presences)
        servicer = GatewayServicer(tell_status)
        yield Service(
            name="gateway",
            register=(
                lambda server: gateway_pb2_grpc.add_GatewayServiceServicer_to_server(
                    servicer, server
                ),
            ),
            service_names=(gateway_pb2.DESCRIPTOR.services_by_name["GatewayService"].full_name,),
            tasks=(
                background.watch,
                devices.run,
                telegrams.watch_silence,
                ForwardReadings(spool, GrpcMeteringUplink(metering, gateway)).run,
                HoldLink(link, carry, reports, journal, presences, clock).run,
                StatusMetrics(runtime.telemetry, tell_status).run,
            ),
        )
