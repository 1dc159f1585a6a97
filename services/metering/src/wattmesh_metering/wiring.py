"""Builds metering out of its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import site_pb2, site_pb2_grpc
from wattmesh_metering.adapters.ingest_meter import TelemetryIngestMeter
from wattmesh_metering.adapters.postgres_announcements import PostgresAnnouncements
from wattmesh_metering.adapters.postgres_assets import PostgresMeteredAssets
from wattmesh_metering.adapters.postgres_catalog import PostgresCatalog
from wattmesh_metering.adapters.postgres_ingest import PostgresIngestStore
from wattmesh_metering.adapters.postgres_readings import PostgresReadingStore
from wattmesh_metering.adapters.postgres_statistics import PostgresStatistics
from wattmesh_metering.adapters.postgres_tariffs import PostgresPriceBook, TariffShelf
from wattmesh_metering.adapters.shelves import AssetShelf, DeviceShelf, GroupShelf, SiteShelf
from wattmesh_metering.api.metering_servicer import MeteringServicer, MeteringUseCases
from wattmesh_metering.api.site_servicer import SiteServicer, SiteUseCases
from wattmesh_metering.app.catalog import KeepCatalog
from wattmesh_metering.app.commit_batches import CommitBatches
from wattmesh_metering.app.ingest import CommitQueue, Ingest
from wattmesh_metering.app.ingest_statistics import GetIngestStatistics
from wattmesh_metering.app.latest_readings import GetLatestReadings
from wattmesh_metering.app.query_energy import QueryEnergy
from wattmesh_metering.app.query_series import QuerySeries
from wattmesh_metering.app.tariff_prices import TariffPrices
from wattmesh_metering.app.watch_readings import WatchReadings
from wattmesh_metering.settings import MeteringSettings
from wattmesh_runtime.database import Database
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.service import Runtime, Service


@asynccontextmanager
async def wire(settings: MeteringSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give metering, ready to serve; at the end what is queued is committed and the pool closed."""
    pool = Database(settings.database_url, "metering", max_size=settings.database_connections)
    async with pool as database:
        await migrate(database, "wattmesh_metering")
        commit = CommitBatches(
            PostgresIngestStore(database),
            runtime.clock,
            TelemetryIngestMeter(runtime.telemetry),
            future_tolerance=timedelta(seconds=settings.future_tolerance_seconds),
        )
        announcements = PostgresAnnouncements(database)
        async with CommitQueue(commit, group_rows=settings.ingest_group_rows) as queue:
            sites = SiteServicer(_site_use_cases(settings, runtime, database))
            metering = MeteringServicer(
                _metering_use_cases(settings, database, queue, announcements)
            )
            yield Service(
                name="metering",
                register=(
                    partial(site_pb2_grpc.add_SiteServiceServicer_to_server, sites),
                    partial(metering_pb2_grpc.add_MeteringServiceServicer_to_server, metering),
                ),
                service_names=(
                    site_pb2.DESCRIPTOR.services_by_name["SiteService"].full_name,
                    metering_pb2.DESCRIPTOR.services_by_name["MeteringService"].full_name,
                ),
                tasks=(announcements.run,),
            )


def _site_use_cases(
    settings: MeteringSettings, runtime: Runtime, database: Database
) -> SiteUseCases:
    tariffs = PostgresCatalog(database, TariffShelf())
    return SiteUseCases(
        sites=KeepCatalog("SITE", PostgresCatalog(database, SiteShelf()), lambda s: s.name),
        groups=KeepCatalog("GROUP", PostgresCatalog(database, GroupShelf()), lambda g: g.name),
        assets=KeepCatalog("ASSET", PostgresCatalog(database, AssetShelf()), lambda a: a.name),
        devices=KeepCatalog("DEVICE", PostgresCatalog(database, DeviceShelf()), lambda d: d.name),
        tariffs=KeepCatalog("TARIFF", tariffs, lambda t: t.id.name),
        tariff_prices=TariffPrices(
            tariffs,
            PostgresPriceBook(database),
            runtime.clock,
            timedelta(seconds=settings.future_tolerance_seconds),
        ),
    )


def _metering_use_cases(
    settings: MeteringSettings,
    database: Database,
    queue: CommitQueue,
    announcements: PostgresAnnouncements,
) -> MeteringUseCases:
    store = PostgresReadingStore(database)
    longest_gap = timedelta(seconds=settings.longest_gap_seconds)
    return MeteringUseCases(
        ingest=Ingest(queue, batches_in_flight=settings.ingest_batches_in_flight),
        query_series=QuerySeries(store, longest_gap),
        query_energy=QueryEnergy(
            PostgresMeteredAssets(database),
            store,
            longest_gap=longest_gap,
            tolerance_wh=settings.balance_tolerance_wh,
        ),
        latest_readings=GetLatestReadings(store),
        watch_readings=WatchReadings(store, announcements),
        statistics=GetIngestStatistics(PostgresStatistics(database)),
    )
