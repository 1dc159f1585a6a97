"""Events: called, changed and called off within the rules of their programme."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from wattmesh_demandresponse.app.keep import Keep, programme_of, put_one
from wattmesh_demandresponse.app.ports import Change, Records
from wattmesh_demandresponse.domain.due import event_due, settle_due
from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.participation import Participation, begun, withdrawn
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_demandresponse.domain.records import Kind, Record
from wattmesh_demandresponse.domain.rules import called_off, changed, check_allowed
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.programme_ids import EventId
from wattmesh_kernel.time import TimeRange

_YEAR = timedelta(days=367)


class KeepEvents(Keep[Event]):
    """Events, each with the participations of who is enrolled."""

    def __init__(self, records: Records, clock: Clock) -> None:
        super().__init__(Kind.EVENT, EventId.parse, records)
        self._clock = clock

    async def _put(
        self, change: Change, resource: Event, kept: Record[Event] | None
    ) -> Record[Event]:
        programme = await programme_of(change, resource.id.programme)
        if kept is None:
            return await self._call(change, resource, programme)
        return await self._change(change, resource, kept, programme)

    async def _call(self, change: Change, event: Event, programme: Programme) -> Record[Event]:
        """Call a new event. One that somebody else's system called keeps its announcement."""
        now = self._clock.now()
        if not event.external_id or event.announce_time > now:
            event = replace(event, announce_time=now)
        await self._check(change, event, programme)
        event = replace(event, told_state=event.state(now))
        enrolments = await self._concerned(change, event)
        record = await put_one(change, event, event_due(event))
        await take_part(change, event, enrolments)
        return record

    async def _change(
        self, change: Change, wanted: Event, kept: Record[Event], programme: Programme
    ) -> Record[Event]:
        """Change an event that is not over; an older change changes nothing."""
        now, before = self._clock.now(), kept.resource
        wanted = replace(wanted, announce_time=before.announce_time, cancel_time=before.cancel_time)
        after = changed(before, wanted, now)
        if after == before:
            return kept
        moved = after.range.start != before.range.start
        announced = now if moved and not after.external_id else before.announce_time
        await self._check(change, replace(after, announce_time=announced), programme)
        enrolments = await self._concerned(change, after)
        after = replace(after, told_state=after.state(now))
        record = await put_one(change, after, event_due(after))
        if _asks_otherwise(before, after):
            await take_part(change, after, enrolments, begun_before=now >= after.range.start)
        return record

    async def _end(self, change: Change, kept: Record[Event]) -> None:
        """Call an event off: it stays as cancelled, and what was delivered is settled."""
        now = self._clock.now()
        event = called_off(kept.resource, now)
        if event is kept.resource:
            return
        event = replace(event, told_state=event.state(now))
        parts = await change.participations(event.id)
        await change.put([(event, None), *((each, settle_due(each, event)) for each in parts)])

    async def _check(self, change: Change, event: Event, programme: Programme) -> None:
        others: Sequence[Event] = ()
        if programme.most_events_per_day or programme.most_events_per_year:
            start = event.range.start
            others = await change.events(programme.id, TimeRange(start - _YEAR, start + _YEAR))
        check_allowed(event, programme, others, self._clock.now())

    async def _concerned(self, change: Change, event: Event) -> Sequence[Enrolment]:
        """Return the enrolments that an event is for. Error: NotFound for one that is named."""
        known = {each.id: each for each in await change.enrolments(event.id.programme)}
        for each in event.enrolments:
            if each not in known:
                raise NotFound("ENROLMENT_NOT_FOUND", f"there is no {each}")
        return [known[each] for each in event.enrolments] or list(known.values())


async def take_part(
    change: Change, event: Event, enrolments: Sequence[Enrolment], *, begun_before: bool = False
) -> None:
    """Keep what each enrolment makes of an event that is new or has changed.

    Once the event has begun, promises stay as they are. Who it is not for any more is out.
    """
    left = {each.enrolment: each for each in await change.participations(event.id)}
    parts = list[Participation]()
    for enrolment in enrolments:
        known = left.pop(enrolment.id, None)
        if known is None or not begun_before:
            known = begun(event, enrolment, known)
        parts.append(known)
    parts.extend(withdrawn(each) for each in left.values())
    await change.put([(each, settle_due(each, event)) for each in parts])


async def concern(change: Change, event: Event, enrolment: Enrolment, *, ended: bool) -> None:
    """Keep what an enrolment that is new, has changed or was ended makes of an event to come."""
    kept = {each.enrolment: each for each in await change.participations(event.id)}
    part = begun(event, enrolment, kept.get(enrolment.id))
    if ended:
        part = withdrawn(part)
    if kept.get(enrolment.id) != part:
        await change.put([(part, settle_due(part, event))])


def _asks_otherwise(before: Event, after: Event) -> bool:
    return (before.range, before.asked, before.resolution, before.enrolments) != (
        after.range,
        after.asked,
        after.resolution,
        after.enrolments,
    )
