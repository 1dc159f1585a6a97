"""Programmes and enrolments: what each has of its own."""

from wattmesh_demandresponse.app.events import concern
from wattmesh_demandresponse.app.keep import Keep, programme_of, put_one
from wattmesh_demandresponse.app.ports import Change, Records
from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_demandresponse.domain.records import Kind, Record
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.programme_ids import EnrolmentId, ProgrammeId


class KeepProgrammes(Keep[Programme]):
    """Programmes: what their events are never changes."""

    def __init__(self, records: Records) -> None:
        super().__init__(Kind.PROGRAMME, ProgrammeId.parse, records)

    async def _put(
        self, change: Change, resource: Programme, kept: Record[Programme] | None
    ) -> Record[Programme]:
        require(
            kept is None or kept.resource.event_kind is resource.event_kind,
            "IMMUTABLE_FIELD",
            "what the events of a programme are never changes",
            "event_kind",
        )
        return await put_one(change, resource)

    async def _end(self, change: Change, kept: Record[Programme]) -> None:
        """Delete it, unless there is an event to come."""
        if await change.events(kept.resource.id, None):
            raise FailedPrecondition("EVENTS_TO_COME", f"{kept.name} has events to come")
        await change.delete(kept.name)


class KeepEnrolments(Keep[Enrolment]):
    """Enrolments: a subject takes part once at a time, in events to come as well."""

    def __init__(self, records: Records, clock: Clock) -> None:
        super().__init__(Kind.ENROLMENT, EnrolmentId.parse, records)
        self._clock = clock

    async def _put(
        self, change: Change, resource: Enrolment, kept: Record[Enrolment] | None
    ) -> Record[Enrolment]:
        require(
            kept is None or kept.resource.subject == resource.subject,
            "IMMUTABLE_FIELD",
            "who takes part never changes",
            "subject",
        )
        programme = await programme_of(change, resource.id.programme)
        for other in await change.enrolments(programme.id):
            if other.id != resource.id and other.overlaps(resource):
                raise FailedPrecondition(
                    "ALREADY_ENROLLED", f"{other.id} has {resource.subject} take part at that time"
                )
        record = await put_one(change, resource)
        await self._concern(change, resource)
        return record

    async def _end(self, change: Change, kept: Record[Enrolment]) -> None:
        """End it now: who takes part in an event that is active does so to its end."""
        await self._concern(change, kept.resource, ended=True)
        await change.delete(kept.name)

    async def _concern(self, change: Change, enrolment: Enrolment, *, ended: bool = False) -> None:
        """Have it take part in the events that are to come, or not any more."""
        now = self._clock.now()
        for event in await change.events(enrolment.id.programme, None):
            if event.range.start > now and event.concerns(enrolment.id):
                await concern(change, event, enrolment, ended=ended)
