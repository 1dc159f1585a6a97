"""Builds demand response out of its parts."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from wattmesh.demandresponse.v1 import (
    demand_response_service_pb2,
    demand_response_service_pb2_grpc,
)
from wattmesh_demandresponse.adapters.control import GrpcLimits
from wattmesh_demandresponse.adapters.metering import GrpcMeter
from wattmesh_demandresponse.adapters.postgres import PostgresRecords
from wattmesh_demandresponse.adapters.postgres_signals import PostgresSignals
from wattmesh_demandresponse.adapters.reserve_line import GrpcReserveLine
from wattmesh_demandresponse.adapters.sites import ModelSites
from wattmesh_demandresponse.api.servicer import DemandResponseServicer
from wattmesh_demandresponse.api.use_cases import UseCases
from wattmesh_demandresponse.app.baselines import Baselines
from wattmesh_demandresponse.app.events import KeepEvents
from wattmesh_demandresponse.app.keep_time import KeepLimits, MoveEvents, SettleEvents
from wattmesh_demandresponse.app.participations import Participations
from wattmesh_demandresponse.app.ports import Limits, Meter, Records, Sites
from wattmesh_demandresponse.app.programmes import KeepEnrolments, KeepProgrammes
from wattmesh_demandresponse.app.signal_reserve import ReserveLine, SignalReserve, Signals
from wattmesh_demandresponse.app.watch import WatchEvents
from wattmesh_demandresponse.settings import DemandResponseSettings
from wattmesh_demandresponse.wiring_openadr import OpenAdr, Turn
from wattmesh_kernel.clock import Clock
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.leased_work import LeasedWork
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.aio.losses import LossLog, retry
from wattmesh_runtime.aio.tasks import together
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.postgres_leases import PostgresLeases
from wattmesh_runtime.readiness import Dependency
from wattmesh_runtime.service import Runtime, Service
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.file import SiteModelFile
from wattmesh_sitemodel.view import SiteModelView

_log = logging.getLogger(__name__)

SCHEMA = "demandresponse"
_LEASE = "events"
_SERVICE = demand_response_service_pb2.DESCRIPTOR.services_by_name["DemandResponseService"]
_LOOK_SECONDS = 0.5
"""How often events, settlements and limits are looked at [s of the wall]."""


@asynccontextmanager
async def wire(settings: DemandResponseSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give demand response, ready to serve; its database pool is closed at the end."""
    limits = DatabaseLimits.of(settings)
    async with Database(settings.database_url, SCHEMA, limits=limits) as database:
        await migrate(database, "wattmesh_demandresponse")
        async with PostgresLeases(settings.database_url, SCHEMA) as leases:
            follower, sites = await _site_model(settings, runtime)
            meter = GrpcMeter(runtime.channel(settings.metering_target))
            records = PostgresRecords(database)
            signals = PostgresSignals(database)
            use = use_cases(
                *(records, sites, meter, runtime.clock, signals), _line(settings, runtime)
            )
            openadr = OpenAdr.of(settings, use, records, database)
            by_itself = ByItself(
                records,
                runtime.clock,
                use.baselines,
                signals,
                limits=_limits(settings, runtime),
                others=openadr.turns,
            )
            work = LeasedWork(leases, by_itself.run)
            work.want([_LEASE])
            add = demand_response_service_pb2_grpc.add_DemandResponseServiceServicer_to_server
            async with openadr.web:
                yield Service(
                    name="demandresponse",
                    register=(partial(add, DemandResponseServicer(use)),),
                    service_names=(_SERVICE.full_name,),
                    dependencies=(database.dependency, *_peers(settings, runtime)),
                    tasks=(follower.run, work.run, *openadr.tasks),
                )


def use_cases(
    records: Records,
    sites: Sites,
    meter: Meter,
    clock: Clock,
    signals: Signals,
    line: ReserveLine | None = None,
) -> UseCases:
    """Return the use cases on a store; without a `line` signals of reserves reach nobody."""
    return UseCases(
        clock=clock,
        programmes=KeepProgrammes(records),
        enrolments=KeepEnrolments(records, clock),
        events=KeepEvents(records, clock),
        participations=Participations(records, clock),
        baselines=Baselines(clock, sites, meter, records),
        watch=WatchEvents(records),
        signal_reserve=SignalReserve(records, line, signals, clock),
    )


class ByItself:
    """What one process does for all: events begin and end, are settled, and limits are kept."""

    def __init__(
        self,
        records: Records,
        clock: Clock,
        baselines: Baselines,
        signals: Signals,
        *,
        limits: Limits | None = None,
        others: Sequence[Turn] = (),
    ) -> None:
        self._others = others
        self._move = MoveEvents(records, clock)
        self._settle = SettleEvents(records, clock, baselines, signals)
        self._limits = None if limits is None else KeepLimits(records, clock, limits)

    async def run(self, lease: Lease) -> None:
        """Do it until cancelled; what is away is waited for, each for itself."""
        loops = [
            _again(self._move, "the database of events"),
            _again(self._settle, "what was metered"),
        ]
        if self._limits is not None:
            self._limits.forget()
            loops.append(_again(self._limits, "control"))
        for each in self._others:
            each.forget()
        loops += [_again(each.work, each.what, each.seconds) for each in self._others]
        await together(*loops)


async def _again(
    work: Callable[[], Awaitable[None]],
    what: str,
    seconds: Callable[[], float] = lambda: _LOOK_SECONDS,
) -> None:
    loss = LossLog(_log, what)
    while True:
        await retry(work, loss, Backoff(most_seconds=max(2.0, seconds())))
        await asyncio.sleep(seconds())


async def _site_model(
    settings: DemandResponseSettings, runtime: Runtime
) -> tuple[SiteModelClient, Sites]:
    view, file = SiteModelView(runtime.clock), settings.site_model_file
    client = SiteModelClient(
        runtime.channel(settings.metering_target),
        view,
        None if file is None else SiteModelFile(file),
    )
    await client.recall()
    return client, ModelSites(view)


def _limits(settings: DemandResponseSettings, runtime: Runtime) -> Limits | None:
    target = settings.control_target
    return None if target is None else GrpcLimits(runtime.channel(target))


def _line(settings: DemandResponseSettings, runtime: Runtime) -> ReserveLine | None:
    target = settings.control_target
    return None if target is None else GrpcReserveLine(runtime.channel(target))


def _peers(settings: DemandResponseSettings, runtime: Runtime) -> tuple[Dependency, ...]:
    later = "baselines are refused, and what is over is settled later"
    planned = "limits of events are kept by plans alone"
    control = settings.control_target
    return (
        runtime.peer("metering", settings.metering_target, without=later),
        *(() if control is None else (runtime.peer("control", control, without=planned),)),
    )
