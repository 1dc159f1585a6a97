"""Builds usage out of its parts."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from wattmesh.usage.v1 import usage_service_pb2, usage_service_pb2_grpc
from wattmesh_kernel.clock import Clock
from wattmesh_runtime.aio.losses import LossLog, retry
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.service import Runtime, Service
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.view import SiteModelView
from wattmesh_usage.adapters.postgres import PostgresRecords
from wattmesh_usage.adapters.site_zones import SiteZones
from wattmesh_usage.api.servicer import UsageServicer
from wattmesh_usage.api.use_cases import UsageUseCases
from wattmesh_usage.app.charging import ExpireNeeds, KeepNeeds, KeepVehicles, ReportSessions
from wattmesh_usage.app.ports import Records, Zones
from wattmesh_usage.app.settle import Settle
from wattmesh_usage.app.watch import WatchUsage
from wattmesh_usage.app.wishes import ExpireRuns, KeepOccupancies, KeepRuns, KeepZoneSchedules
from wattmesh_usage.settings import UsageSettings

_log = logging.getLogger(__name__)

SCHEMA = "usage"


@asynccontextmanager
async def wire(settings: UsageSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give usage, ready to serve; its database pool is closed at the end."""
    async with Database(
        settings.database_url, SCHEMA, limits=DatabaseLimits.of(settings)
    ) as database:
        await migrate(database, "wattmesh_usage")
        records, view = PostgresRecords(database), SiteModelView(runtime.clock)
        site_model = SiteModelClient(runtime.channel(settings.metering_target), view)
        use = use_cases(records, SiteZones(view), runtime.clock)
        servicer = UsageServicer(use, runtime.clock)
        needs = ExpireNeeds(records, runtime.clock)
        runs = ExpireRuns(records, runtime.clock)
        known = "days are those of UTC for sites not known yet"
        yield Service(
            name="usage",
            register=(
                partial(usage_service_pb2_grpc.add_UsageServiceServicer_to_server, servicer),
            ),
            service_names=(
                usage_service_pb2.DESCRIPTOR.services_by_name["UsageService"].full_name,
            ),
            dependencies=(
                database.dependency,
                runtime.peer("metering", settings.metering_target, without=known),
            ),
            tasks=(site_model.run, partial(_expire, (needs, runs), settings, runtime.clock)),
        )


def use_cases(records: Records, zones: Zones, clock: Clock) -> UsageUseCases:
    """Return the use cases on a store."""
    settle = Settle(zones)
    return UsageUseCases(
        vehicles=KeepVehicles(records),
        sessions=ReportSessions(records, settle),
        needs=KeepNeeds(records, settle),
        schedules=KeepZoneSchedules(records),
        occupancies=KeepOccupancies(records, clock),
        runs=KeepRuns(records),
        watch=WatchUsage(records),
    )


async def _expire(
    expiries: "tuple[ExpireNeeds, ExpireRuns]", settings: UsageSettings, clock: Clock
) -> None:
    """End needs and runs whose time has come, for ever."""
    loss = LossLog(_log, "the database of needs")
    while True:
        for expire in expiries:
            await retry(expire, loss)
        await clock.sleep(settings.expiry_interval)
