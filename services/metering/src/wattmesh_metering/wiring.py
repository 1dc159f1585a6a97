"""Builds metering out of its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_kernel.clock import Clock
from wattmesh_metering.adapters.former_records import take_over
from wattmesh_metering.adapters.ingest_meter import TelemetryIngestMeter
from wattmesh_metering.adapters.partitions import PostgresRetention
from wattmesh_metering.adapters.postgres_announcements import PostgresAnnouncements
from wattmesh_metering.adapters.postgres_edits import PostgresEdits
from wattmesh_metering.adapters.postgres_ingest import PostgresIngestStore
from wattmesh_metering.adapters.postgres_model_history import PostgresModelHistory
from wattmesh_metering.adapters.postgres_prices import PostgresPriceBook
from wattmesh_metering.adapters.postgres_readings import PostgresReadingStore
from wattmesh_metering.adapters.postgres_records import PostgresRecords
from wattmesh_metering.adapters.postgres_rollups import PostgresRollups
from wattmesh_metering.adapters.postgres_statistics import PostgresStatistics
from wattmesh_metering.adapters.postgres_substitutes import PostgresSubstitutes
from wattmesh_metering.adapters.postgres_validation import PostgresValidationStore
from wattmesh_metering.api.metering_servicer import MeteringServicer, MeteringUseCases
from wattmesh_metering.api.site_servicer import SiteServicer, SiteUseCases
from wattmesh_metering.app.commit_batches import CommitBatches
from wattmesh_metering.app.compare_meters import CompareMeters
from wattmesh_metering.app.edit_readings import EditReadings
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ingest import CommitQueue, Ingest
from wattmesh_metering.app.ingest_statistics import GetIngestStatistics
from wattmesh_metering.app.keep_records import KeepRecords
from wattmesh_metering.app.latest_readings import GetLatestReadings
from wattmesh_metering.app.query_energy import QueryEnergy
from wattmesh_metering.app.query_series import QuerySeries
from wattmesh_metering.app.retain import Retain
from wattmesh_metering.app.roll_up import RollUp
from wattmesh_metering.app.substitute import MakeSubstitutes
from wattmesh_metering.app.tariff_prices import TariffPrices
from wattmesh_metering.app.validate import Validate
from wattmesh_metering.app.watch_readings import WatchReadings
from wattmesh_metering.app.watch_site_model import WatchSiteModel
from wattmesh_metering.domain.newest import NewestReadings
from wattmesh_metering.domain.recent import RecentReadings
from wattmesh_metering.domain.records import RecordKind
from wattmesh_metering.domain.vee.judging import NEIGHBOURS
from wattmesh_metering.settings import MeteringSettings
from wattmesh_runtime.aio.places import FairPlaces, PlaceLimits
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.service import Runtime, Service

INTAKE_CONNECTIONS = 7
"""Apart from all that is asked for: one commits readings (a second for an instant, when it opens a
partition), one judges them, one makes substitutes, one rolls them up, one listens, one follows the
model; who forgets old gauges takes turns with them."""
_QUERIES_WAITING = 2_000
_RETRY_AFTER = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Intake:
    """What keeps, judges and reads readings."""

    queue: CommitQueue
    validate: Validate
    substitutes: MakeSubstitutes
    clock: Clock
    store: PostgresReadingStore


@asynccontextmanager
async def wire(settings: MeteringSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give metering, ready to serve; at the end what is queued is committed, the pools closed."""
    async with (
        _database(settings, INTAKE_CONNECTIONS) as intake,
        _database(settings, settings.database_connections) as database,
    ):
        await migrate(intake, "wattmesh_metering")
        await take_over(intake)
        history = PostgresModelHistory(intake)
        follower = FollowSiteModel(history)
        await follower.catch_up()
        longest_gap = timedelta(seconds=settings.longest_gap_seconds)
        newest, recent = NewestReadings(), RecentReadings(NEIGHBOURS)
        announcements = PostgresAnnouncements(intake, follower.notice, newest, recent)
        store = PostgresReadingStore(database, _query_places(settings), newest)
        substitutes = MakeSubstitutes(
            PostgresSubstitutes(intake), store, follower, runtime.clock, longest_gap
        )
        validate = Validate(
            PostgresValidationStore(intake, announcements, recent),
            follower,
            runtime.clock,
            CompareMeters(follower, store, longest_gap).run,
            substitutes.wake,
        )
        roll_up = RollUp(
            PostgresRollups(intake),
            runtime.clock,
            longest_gap,
        )
        retain = Retain(
            PostgresRetention(intake), runtime.clock, timedelta(days=settings.keep_gauges_days)
        )
        commit = CommitBatches(
            PostgresIngestStore(intake, announcements, recent),
            runtime.clock,
            TelemetryIngestMeter(runtime.telemetry),
            future_tolerance=timedelta(seconds=settings.future_tolerance_seconds),
            longest_gap=longest_gap,
            committed=validate.wake,
            late=roll_up.wake,
        )
        async with CommitQueue(commit, group_rows=settings.ingest_group_rows) as queue:
            sites = SiteServicer(
                _site_use_cases(settings, runtime, database, follower, history), runtime.clock
            )
            metering = MeteringServicer(
                _metering_use_cases(
                    settings,
                    database,
                    follower,
                    announcements,
                    _Intake(
                        queue=queue,
                        validate=validate,
                        substitutes=substitutes,
                        clock=runtime.clock,
                        store=store,
                    ),
                )
            )
            yield Service(
                name="metering",
                register=(
                    partial(site_service_pb2_grpc.add_SiteServiceServicer_to_server, sites),
                    partial(metering_pb2_grpc.add_MeteringServiceServicer_to_server, metering),
                ),
                service_names=(
                    site_service_pb2.DESCRIPTOR.services_by_name["SiteService"].full_name,
                    metering_pb2.DESCRIPTOR.services_by_name["MeteringService"].full_name,
                ),
                dependencies=(intake.dependency,),
                tasks=(
                    announcements.run,
                    follower.run,
                    validate.run,
                    substitutes.run,
                    roll_up.run,
                    retain.run,
                ),
            )


def _database(settings: MeteringSettings, connections: int) -> Database:
    return Database(
        settings.database_url,
        "metering",
        max_size=connections,
        limits=DatabaseLimits.of(settings),
    )


def _query_places(settings: MeteringSettings) -> FairPlaces:
    """Return the connections of queries, of which one caller has at most half."""
    connections = settings.database_connections
    limits = PlaceLimits(
        places=connections,
        places_per_caller=max(1, connections // 2),
        queue=_QUERIES_WAITING,
        queue_per_caller=_QUERIES_WAITING // 2,
    )
    return FairPlaces("queries", limits, _RETRY_AFTER)


def _site_use_cases(
    settings: MeteringSettings,
    runtime: Runtime,
    database: Database,
    follower: FollowSiteModel,
    history: PostgresModelHistory,
) -> SiteUseCases:
    records = PostgresRecords(database)

    def keep(kind: RecordKind) -> KeepRecords:
        return KeepRecords(kind, records, follower, runtime.clock)

    return SiteUseCases(
        sites=keep(RecordKind.SITE),
        groups=keep(RecordKind.GROUP),
        assets=keep(RecordKind.ASSET),
        devices=keep(RecordKind.DEVICE),
        tariffs=keep(RecordKind.TARIFF),
        tariff_prices=TariffPrices(
            PostgresPriceBook(database),
            follower,
            runtime.clock,
            timedelta(seconds=settings.future_tolerance_seconds),
        ),
        watch=WatchSiteModel(follower, history),
    )


def _metering_use_cases(
    settings: MeteringSettings,
    database: Database,
    follower: FollowSiteModel,
    announcements: PostgresAnnouncements,
    intake: _Intake,
) -> MeteringUseCases:
    store = intake.store
    longest_gap = timedelta(seconds=settings.longest_gap_seconds)
    return MeteringUseCases(
        ingest=Ingest(intake.queue, batches_in_flight=settings.ingest_batches_in_flight),
        query_series=QuerySeries(follower, store, longest_gap),
        query_energy=QueryEnergy(
            follower,
            store,
            longest_gap=longest_gap,
            tolerance_wh=settings.balance_tolerance_wh,
        ),
        latest_readings=GetLatestReadings(follower, store),
        watch_readings=WatchReadings(follower, store, announcements),
        statistics=GetIngestStatistics(PostgresStatistics(database)),
        edit_readings=EditReadings(
            follower,
            PostgresEdits(database),
            intake.queue,
            intake.validate,
            intake.substitutes,
            intake.clock,
        ),
    )
