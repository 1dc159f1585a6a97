"""A demand response service on a database, with sites and meters in memory, and its callers."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import numpy as np

from tests.fakes.manual_clock import ManualClock
from wattmesh.demandresponse.v1 import (
    demand_response_service_pb2 as pb,
)
from wattmesh.demandresponse.v1 import (
    demand_response_service_pb2_grpc,
    event_pb2,
    programme_pb2,
)
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_demandresponse.adapters.postgres import PostgresRecords
from wattmesh_demandresponse.adapters.postgres_signals import PostgresSignals
from wattmesh_demandresponse.api.servicer import DemandResponseServicer
from wattmesh_demandresponse.api.use_cases import UseCases
from wattmesh_demandresponse.app.keep_time import KeepLimits, MoveEvents, SettleEvents
from wattmesh_demandresponse.app.ports import MeteredSite
from wattmesh_demandresponse.app.signal_reserve import ToldSites
from wattmesh_demandresponse.domain.site_limits import SiteLimit
from wattmesh_demandresponse.wiring import use_cases
from wattmesh_kernel.errors import FailedPrecondition, NotFound
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.reserve_signal import ReserveSignal
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database
from wattmesh_runtime.errors import rpc_errors
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.testing import channel_for_test, serve_for_test

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
NOW = datetime(2024, 5, 15, 10, tzinfo=UTC)
"""A Wednesday, noon in Berlin."""
EVENING = NOW + 5 * HOUR
"""17 h in Berlin."""
P = "programmes/street"
HOME = "sites/home-1"
GROUP = "groups/street"
GROUP_SITES = (HOME, "sites/home-2")
PART = f"{P}/events/e1/participations/home-1"


class MeteredInMemory:
    """Sites with a constant power, and what was metered in single hours instead [W]."""

    def __init__(self) -> None:
        self.power_w = 3_000.0
        self.hours: dict[datetime, float] = {}

    def of(self, subject: str) -> Sequence[MeteredSite]:
        names = GROUP_SITES if subject == GROUP else (subject,)
        if not set(names) <= {HOME, *GROUP_SITES}:
            raise NotFound("SITE_NOT_FOUND", f"there is no {subject}")
        sites = map(SiteId.parse, names)
        return [
            MeteredSite(site=each, connection=AssetId(each, "grid"), zone=BERLIN) for each in sites
        ]

    async def net_power_w(
        self,
        connections: Collection[AssetId],
        span: TimeRange,
        resolution: timedelta,
        known_by: datetime | None,
    ) -> Series:
        values = [self.hours.get(each, self.power_w) for each in span.starts(resolution)]
        return Series(span.start, resolution, np.array(values))


class LimitsInMemory:
    """Keeps what is placed."""

    def __init__(self) -> None:
        self.limits: dict[str, SiteLimit] = {}
        self.unknown: set[str] = set()
        """Nodes that are not there: what limits them is refused."""
        self.asked: list[str] = []

    async def placed(self) -> Mapping[str, str]:
        return {subject: f"limits/{subject}" for subject in self.limits}

    async def place(self, limit: SiteLimit) -> str:
        self.asked.append(limit.subject)
        if limit.subject in self.unknown:
            raise FailedPrecondition("UNKNOWN_NODE", f"there is no {limit.subject}")
        self.limits[limit.subject] = limit
        return f"limits/{limit.subject}"

    async def withdraw(self, name: str) -> None:
        self.limits.pop(name.removeprefix("limits/"), None)


class LineInMemory:
    """Keeps what is passed on; every gateway hears it."""

    def __init__(self) -> None:
        self.passed_on: list[ReserveSignal] = []

    async def pass_on(self, signals: Sequence[ReserveSignal]) -> ToldSites:
        self.passed_on += signals
        return ToldSites(told={each.site for each in signals})


class DemandResponseWorld:
    """A service on a database of its own, and what it does by itself, done when told."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        records: PostgresRecords,
        clock: ManualClock,
        meter: MeteredInMemory,
        use: UseCases,
        signals: PostgresSignals,
        line: LineInMemory,
    ) -> None:
        self.signals = signals
        self.line = line
        self.channel = channel
        self.stub: Any = demand_response_service_pb2_grpc.DemandResponseServiceStub(channel)
        self.records = records
        self.clock = clock
        self.meter = meter
        self.limits = LimitsInMemory()
        self.use = use
        self._keep_limits = KeepLimits(records, clock, self.limits)

    async def call(self, method: str, request: Any) -> Any:
        with rpc_errors():
            return await getattr(self.stub, method)(request)

    async def at(self, moment: datetime) -> None:
        """Let time pass until then, with what happens by itself."""
        self.clock.set(moment)
        await MoveEvents(self.records, self.clock)()
        await SettleEvents(self.records, self.clock, self.use.baselines, self.signals)()
        await self._keep_limits()

    async def programme(self, **fields: Any) -> programme_pb2.Programme:
        request = pb.CreateProgrammeRequest(programme=programme(**fields))
        return (await self.call("CreateProgramme", request)).programme  # type: ignore[no-any-return]

    async def enrol(self, **fields: Any) -> programme_pb2.Enrolment:
        request = pb.CreateEnrolmentRequest(enrolment=enrolment(**fields))
        return (await self.call("CreateEnrolment", request)).enrolment  # type: ignore[no-any-return]

    async def create(self, request_id: str = "", **fields: Any) -> event_pb2.Event:
        request = pb.CreateEventRequest(event=event(**fields), request_id=request_id)
        return (await self.call("CreateEvent", request)).event  # type: ignore[no-any-return]

    async def update(self, *paths: str, **fields: Any) -> event_pb2.Event:
        request = pb.UpdateEventRequest(event=event(**fields))
        request.update_mask.paths.extend(paths)
        return (await self.call("UpdateEvent", request)).event  # type: ignore[no-any-return]

    async def cancel(self, name: str = f"{P}/events/e1") -> None:
        await self.call("DeleteEvent", pb.DeleteEventRequest(name=name))

    async def event(self, name: str = f"{P}/events/e1") -> event_pb2.Event:
        return (await self.call("GetEvent", pb.GetEventRequest(name=name))).event  # type: ignore[no-any-return]

    async def part(self, name: str = PART) -> event_pb2.Participation:
        answer = await self.call("GetParticipation", pb.GetParticipationRequest(name=name))
        return answer.participation  # type: ignore[no-any-return]

    async def decide(self, *, opted_in: bool, request_id: str = "") -> event_pb2.Participation:
        decision = event_pb2.OptDecision(opted_in=opted_in)
        if not opted_in:
            decision.reason, decision.message = event_pb2.OPT_OUT_REASON_COMFORT, "a baby sleeps"
        request = pb.DecideParticipationRequest(name=PART, decision=decision, request_id=request_id)
        return (await self.call("DecideParticipation", request)).participation  # type: ignore[no-any-return]

    async def commit(
        self,
        *powers_w: float,
        baseline_w: float = 3_000.0,
        up_powers_w: Sequence[float] = (),
        down_powers_w: Sequence[float] = (),
        sites: Sequence[event_pb2.SiteHolding] = (),
    ) -> Any:
        commitment = event_pb2.EventCommitment(
            plan="plans/home-1-20240515t1500z",
            baseline_powers_w=[baseline_w] * len(powers_w),
            committed_powers_w=powers_w,
            confidence_ratio=0.9,
            up_powers_w=up_powers_w,
            down_powers_w=down_powers_w,
            sites=sites,
        )
        request = pb.CommitParticipationRequest(name=PART, commitment=commitment)
        return (await self.call("CommitParticipation", request)).participation


def programme(kind: Any = programme_pb2.EVENT_KIND_PAID_REDUCTION, **fields: Any) -> Any:
    """A programme that pays 0.20 a kWh below high 5 of 10 and takes 0.40 for what is missing."""
    given = {
        "name": P,
        "event_kind": kind,
        "time_zone": "Europe/Berlin",
        "notice_duration": duration_to_proto(2 * HOUR),
        "opt_out_allowed": True,
        "baseline": programme_pb2.Baseline(
            method=programme_pb2.BASELINE_METHOD_HIGH_OF_RECENT_DAYS
        ),
        "payment": programme_pb2.ProgrammePayment(
            currency_code="EUR", price_per_kwh=0.2, price_per_kw=1.0, penalty_price_per_kwh=0.4
        ),
    }
    return programme_pb2.Programme(**{**given, **fields})


def enrolment(name: str = "home-1", *, of: str = P, **fields: Any) -> programme_pb2.Enrolment:
    given = {
        "name": f"{of}/enrolments/{name}",
        "subject": HOME,
        "start_time": timestamp_to_proto(NOW - 24 * HOUR),
        "opted_in_by_default": True,
    }
    return programme_pb2.Enrolment(**{**given, **fields})


def event(
    name: str = "e1", *, start: datetime = EVENING, hours: int = 2, **fields: Any
) -> event_pb2.Event:
    """A reduction by 2 kW from 17 to 19 h, by the hour."""
    given: dict[str, Any] = {
        "name": f"{P}/events/{name}",
        "range": time_range_to_proto(TimeRange.of(start, hours * HOUR)),
        "resolution": duration_to_proto(HOUR),
    }
    if not {"limit", "price", "reduction", "reserve"} & set(fields):
        given["reduction"] = event_pb2.EventReduction(reduction_powers_w=[2_000.0] * hours)
    return event_pb2.Event(**{**given, **fields})


def limit(*max_import_w: float) -> event_pb2.EventLimit:
    return event_pb2.EventLimit(max_import_powers_w=max_import_w)


@asynccontextmanager
async def demandresponse_world(database_url: str) -> AsyncIterator[DemandResponseWorld]:
    """Serve demand response on a database, at NOW."""
    async with Database(database_url, "demandresponse") as database:
        await migrate(database, "wattmesh_demandresponse")
        records, clock, meter = PostgresRecords(database), ManualClock(NOW), MeteredInMemory()
        signals, line = PostgresSignals(database), LineInMemory()
        use = use_cases(records, meter, meter, clock, signals, line)
        add = demand_response_service_pb2_grpc.add_DemandResponseServiceServicer_to_server
        register = partial(add, DemandResponseServicer(use))
        async with serve_for_test(register) as target, channel_for_test(target) as channel:
            yield DemandResponseWorld(channel, records, clock, meter, use, signals, line)
