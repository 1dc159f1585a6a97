"""wattmesh.demandresponse.v1.DemandResponseService: events, participations, baselines."""
# ruff: noqa: N802 (the method names are those of the contract)

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from zoneinfo import ZoneInfo

from wattmesh.demandresponse.v1 import demand_response_service_pb2 as pb
from wattmesh.demandresponse.v1 import demand_response_service_pb2_grpc
from wattmesh_contracts.values import series_to_proto, time_range_from_proto, timestamp_to_proto
from wattmesh_demandresponse.api.convert_events import (
    event_from_proto,
    event_merge,
    event_to_proto,
)
from wattmesh_demandresponse.api.convert_participations import (
    commitment_from_proto,
    decision_from_proto,
    known_by_from_proto,
    participation_to_proto,
    pieces_from_changes,
    settlement_from_proto,
)
from wattmesh_demandresponse.api.convert_programmes import baseline_from_proto
from wattmesh_demandresponse.api.convert_reserves import passed_on_to_proto, said_from_proto
from wattmesh_demandresponse.api.programme_rpcs import ProgrammeRpcs
from wattmesh_demandresponse.api.use_cases import Context, UseCases, principal
from wattmesh_demandresponse.app.ports import Query
from wattmesh_demandresponse.domain.records import Parent
from wattmesh_kernel.time import local_day


class DemandResponseServicer(
    ProgrammeRpcs, demand_response_service_pb2_grpc.DemandResponseServiceServicer
):
    """Converts, calls the use case, converts back; programmes and enrolments are inherited."""

    def __init__(self, use: UseCases) -> None:
        self._use = use

    async def CreateEvent(
        self, request: pb.CreateEventRequest, context: Context
    ) -> pb.CreateEventResponse:
        """Call an event."""
        event = event_from_proto(request.event, self._now())
        record = await self._use.events.create(event, request.request_id)
        return pb.CreateEventResponse(event=event_to_proto(record, self._now()))

    async def GetEvent(self, request: pb.GetEventRequest, context: Context) -> pb.GetEventResponse:
        """Return an event."""
        record = await self._use.events.get(request.name)
        return pb.GetEventResponse(event=event_to_proto(record, self._now()))

    async def ListEvents(
        self, request: pb.ListEventsRequest, context: Context
    ) -> pb.ListEventsResponse:
        """List events by start."""
        span = time_range_from_proto(request.range) if request.HasField("range") else None
        query = Query(parent=Parent.of_programme(request.parent), span=span)
        records, token = await self._use.events.list(query, request.page_size, request.page_token)
        now = self._now()
        return pb.ListEventsResponse(
            events=[event_to_proto(each, now) for each in records], next_page_token=token
        )

    async def UpdateEvent(
        self, request: pb.UpdateEventRequest, context: Context
    ) -> pb.UpdateEventResponse:
        """Change an event that is not over."""
        given = request.event
        record = await self._use.events.update(
            given.name,
            event_merge(given, request.update_mask.paths, self._now()),
            etag=given.etag,
            allow_missing=request.allow_missing,
        )
        return pb.UpdateEventResponse(event=event_to_proto(record, self._now()))

    async def DeleteEvent(
        self, request: pb.DeleteEventRequest, context: Context
    ) -> pb.DeleteEventResponse:
        """Call an event off."""
        await self._use.events.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteEventResponse()

    async def GetParticipation(
        self, request: pb.GetParticipationRequest, context: Context
    ) -> pb.GetParticipationResponse:
        """Return what an enrolment makes of an event."""
        record = await self._use.participations.get(request.name)
        return pb.GetParticipationResponse(participation=participation_to_proto(record))

    async def ListParticipations(
        self, request: pb.ListParticipationsRequest, context: Context
    ) -> pb.ListParticipationsResponse:
        """List participations by name."""
        query = Query(parent=Parent.of_event(request.parent), subject=request.subject)
        records, token = await self._use.participations.list(
            query, request.page_size, request.page_token
        )
        return pb.ListParticipationsResponse(
            participations=map(participation_to_proto, records), next_page_token=token
        )

    async def DecideParticipation(
        self, request: pb.DecideParticipationRequest, context: Context
    ) -> pb.DecideParticipationResponse:
        """Opt in to an event, or out of it."""
        decision = decision_from_proto(request.decision, principal(), self._now())
        record = await self._use.participations.decide(request.name, decision, request.request_id)
        return pb.DecideParticipationResponse(participation=participation_to_proto(record))

    async def CommitParticipation(
        self, request: pb.CommitParticipationRequest, context: Context
    ) -> pb.CommitParticipationResponse:
        """Take what a plan promises."""
        commitment = commitment_from_proto(request.commitment, self._now())
        record = await self._use.participations.commit(request.name, commitment)
        return pb.CommitParticipationResponse(participation=participation_to_proto(record))

    async def SettleParticipation(
        self, request: pb.SettleParticipationRequest, context: Context
    ) -> pb.SettleParticipationResponse:
        """Take what was metered and is paid."""
        settlement = settlement_from_proto(request.settlement, self._now())
        record = await self._use.participations.settle(request.name, settlement)
        return pb.SettleParticipationResponse(participation=participation_to_proto(record))

    async def ComputeBaseline(
        self, request: pb.ComputeBaselineRequest, context: Context
    ) -> pb.ComputeBaselineResponse:
        """Work out what a subject would have used."""
        found = await self._use.baselines(
            request.subject,
            baseline_from_proto(request.baseline),
            time_range_from_proto(request.range),
            known_by=known_by_from_proto(request),
        )
        zone: ZoneInfo = self._use.baselines.zone(request.subject)
        return pb.ComputeBaselineResponse(
            power_w=series_to_proto(found.power_w),
            counted_day_times=[
                timestamp_to_proto(local_day(each, zone).start) for each in found.days
            ],
        )

    async def WatchEvents(
        self, request: pb.WatchEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        """Follow events and participations."""
        changes = self._use.watch.run(Parent.of_programme(request.parent))
        async with aclosing(changes) as stream:
            async for change in stream:
                for piece in pieces_from_changes(change, self._now()):
                    yield piece

    async def SignalReserve(
        self, request_iterator: AsyncIterator[pb.SignalReserveRequest], context: Context
    ) -> AsyncIterator[pb.SignalReserveResponse]:
        """Pass the signal of reserves on, request by request."""
        async for request in request_iterator:
            said = said_from_proto(request, self._now())
            yield passed_on_to_proto(await self._use.signal_reserve(request.event, said))

    def _now(self) -> datetime:
        return self._use.clock.now()
