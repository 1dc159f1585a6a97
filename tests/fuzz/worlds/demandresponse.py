"""Demand response with a programme, a home that takes part in it, and an event this evening."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import grpc

from tests.fakes.analytics_world import HOME as METERED
from tests.fakes.analytics_world import START, HomeDays, analytics_world
from tests.fakes.demandresponse_world import P, enrolment, event, programme
from tests.fakes.eventually import eventually
from tests.fuzz.contents import Seeds
from tests.fuzz.world import HOUR, World, clock_from, unary_seeds
from wattmesh.demandresponse.v1 import (
    demand_response_service_pb2 as pb,
)
from wattmesh.demandresponse.v1 import (
    demand_response_service_pb2_grpc,
    event_pb2,
    programme_pb2,
)
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_demandresponse.settings import DemandResponseSettings
from wattmesh_demandresponse.wiring import wire
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.service import Runtime, Service

_SERVICE = "wattmesh.demandresponse.v1.DemandResponseService"
_NOW = START + timedelta(days=2, hours=1)
_BEGIN = _NOW + 5 * HOUR
_EVENT, _ENROLMENT = f"{P}/events/e1", f"{P}/enrolments/home-1"
_PART = f"{_EVENT}/participations/home-1"


class DemandResponseUnderFuzz(World):
    """Metering as it runs; limits of events are kept by nobody."""

    name: ClassVar[str] = "demandresponse"
    services: ClassVar[tuple[str, ...]] = (_SERVICE,)

    def __init__(self, database_url: str, metering: str) -> None:
        self._settings = {
            "database_url": database_url,
            "metering_target": metering,
            "clock": clock_from(_NOW),
        }

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    @property
    def settings_type(self) -> type[DemandResponseSettings]:
        return DemandResponseSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        """Have programme, enrolment and event there again, whatever was deleted."""
        stub = demand_response_service_pb2_grpc.DemandResponseServiceStub(channel)

        async def there() -> bool:
            for method, request in (
                ("CreateProgramme", pb.CreateProgrammeRequest(programme=programme())),
                ("CreateEnrolment", pb.CreateEnrolmentRequest(enrolment=_enrolment())),
                ("CreateEvent", pb.CreateEventRequest(event=_event())),
            ):
                try:
                    await getattr(stub, method)(request, wait_for_ready=True)
                except grpc.aio.AioRpcError as error:
                    if error.code() is grpc.StatusCode.ALREADY_EXISTS or turn:
                        continue
                    return False  # it has not heard of the home yet
            return True

        await eventually(there, 60)

    def seeds(self, turn: int) -> Seeds:
        span = time_range_to_proto(TimeRange.of(_NOW - 24 * HOUR, 72 * HOUR))
        baseline = programme_pb2.Baseline(method=programme_pb2.BASELINE_METHOD_HIGH_OF_RECENT_DAYS)
        later = _event(f"later-{turn}")
        by_name: dict[str, Sequence[Any]] = {
            "CreateProgramme": [pb.CreateProgrammeRequest(programme=programme())],
            "GetProgramme": [pb.GetProgrammeRequest(name=P)],
            "ListProgrammes": [pb.ListProgrammesRequest(page_size=1)],
            "UpdateProgramme": [pb.UpdateProgrammeRequest(programme=programme())],
            "DeleteProgramme": [pb.DeleteProgrammeRequest(name="programmes/none")],
            "CreateEnrolment": [pb.CreateEnrolmentRequest(enrolment=_enrolment())],
            "GetEnrolment": [pb.GetEnrolmentRequest(name=_ENROLMENT)],
            "ListEnrolments": [pb.ListEnrolmentsRequest(parent=P, subject=METERED)],
            "UpdateEnrolment": [pb.UpdateEnrolmentRequest(enrolment=_enrolment())],
            "DeleteEnrolment": [pb.DeleteEnrolmentRequest(name=_ENROLMENT)],
            "CreateEvent": [pb.CreateEventRequest(event=later)],
            "GetEvent": [pb.GetEventRequest(name=_EVENT)],
            "ListEvents": [pb.ListEventsRequest(parent=P, range=span, page_size=1)],
            "UpdateEvent": [pb.UpdateEventRequest(event=_event())],
            "DeleteEvent": [pb.DeleteEventRequest(name=later.name)],
            "GetParticipation": [pb.GetParticipationRequest(name=_PART)],
            "ListParticipations": [pb.ListParticipationsRequest(parent=_EVENT)],
            "DecideParticipation": [
                pb.DecideParticipationRequest(
                    name=_PART, decision=event_pb2.OptDecision(opted_in=True)
                )
            ],
            "CommitParticipation": [
                pb.CommitParticipationRequest(
                    name=_PART,
                    commitment=event_pb2.EventCommitment(
                        plan="plans/p1",
                        baseline_powers_w=[3000.0] * 2,
                        committed_powers_w=[1000.0] * 2,
                        confidence_ratio=0.9,
                    ),
                )
            ],
            "SettleParticipation": [pb.SettleParticipationRequest(name=_PART)],
            "ComputeBaseline": [
                pb.ComputeBaselineRequest(
                    subject=METERED,
                    baseline=baseline,
                    range=time_range_to_proto(TimeRange.of(_BEGIN, 2 * HOUR)),
                    known_by_time=timestamp_to_proto(_NOW),
                )
            ],
            "WatchEvents": [pb.WatchEventsRequest(), pb.WatchEventsRequest(parent=P)],
        }
        return unary_seeds(_SERVICE, by_name)

    def words(self, turn: int) -> Sequence[str]:
        return (P, _EVENT, _ENROLMENT, _PART, METERED)


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[DemandResponseUnderFuzz]:
    """Give the surroundings of demand response."""
    tariff = tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.2),
        export_rates=tariff_pb2.EnergyRates(base_per_kwh=0.05),
    )
    async with analytics_world(database_url, _NOW) as around:
        await around.add_home(tariff, HomeDays.of(7, 2))
        yield DemandResponseUnderFuzz(database_url, around.metering.target)


def _enrolment() -> programme_pb2.Enrolment:
    made = enrolment(subject=METERED, start_time=timestamp_to_proto(_NOW - 24 * HOUR))
    assert isinstance(made, programme_pb2.Enrolment)
    return made


def _event(name: str = "e1") -> event_pb2.Event:
    return event(name, start=_BEGIN)
