"""Participations: read, answered, promised, settled."""

from collections.abc import Callable
from typing import cast

from wattmesh_demandresponse.app.keep import (
    check_request_id,
    not_found,
    programme_of,
    put_one,
    required,
)
from wattmesh_demandresponse.app.ports import Change, Query, Records
from wattmesh_demandresponse.domain.due import settle_due
from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.participation import (
    Commitment,
    Decision,
    Participation,
    Settlement,
    committed,
    decided,
    settled,
)
from wattmesh_demandresponse.domain.records import Kind, Record
from wattmesh_kernel import paging
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.programme_ids import ParticipationId

_MOST_IN_PAGE = 1000


class Participations:
    """What enrolments make of events."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def get(self, name: str) -> Record[Participation]:
        """Return one participation. Error: NotFound."""
        ParticipationId.parse(name)
        record = await self._records.get(name)
        if record is None:
            raise not_found(Kind.PARTICIPATION, name)
        return cast(Record[Participation], record)

    async def list(
        self, query: Query, page_size: int, after: str
    ) -> tuple[list[Record[Participation]], str]:
        """Return a page by name, and the name after which the next one begins."""
        limit = paging.page_size(page_size, _MOST_IN_PAGE, _MOST_IN_PAGE)
        found = await self._records.list(Kind.PARTICIPATION, query, after, limit + 1)
        page = [cast(Record[Participation], each) for each in found[:limit]]
        return page, page[-1].name if len(found) > limit else ""

    async def decide(self, name: str, decision: Decision, request_id: str) -> Record[Participation]:
        """Take somebody's answer; a repeat of the request changes nothing.

        Errors: NotFound; FailedPrecondition `EVENT_IS_OVER`, `OPT_OUT_NOT_ALLOWED`.
        """
        check_request_id(request_id)
        async with self._records.change() as change:
            kept = await self._found(change, name)
            if request_id and await _answered_before(change, request_id, name):
                return kept
            event = await _event_of(change, kept.resource)
            programme = await programme_of(change, event.id.programme)
            part = decided(kept.resource, decision, event, programme, self._clock.now())
            return await put_one(change, part, settle_due(part, event))

    async def commit(self, name: str, commitment: Commitment) -> Record[Participation]:
        """Take what a plan promises.

        Errors: NotFound; FailedPrecondition `EVENT_IS_OVER`, `EVENT_HAS_BEGUN`, `NOT_TAKING_PART`.
        """
        return await self._changed(
            name, lambda part, event: committed(part, commitment, event, self._clock.now())
        )

    async def settle(self, name: str, settlement: Settlement) -> Record[Participation]:
        """Take what was metered and is paid; the newest counts.

        Errors: NotFound; FailedPrecondition `EVENT_NOT_OVER`.
        """

        def after(part: Participation, event: Event) -> Participation:
            if not event.over(self._clock.now()):
                raise FailedPrecondition("EVENT_NOT_OVER", f"{event.id} goes on")
            return settled(part, settlement)

        return await self._changed(name, after)

    async def _changed(
        self, name: str, make: Callable[[Participation, Event], Participation]
    ) -> Record[Participation]:
        async with self._records.change() as change:
            kept = await self._found(change, name)
            event = await _event_of(change, kept.resource)
            part = make(kept.resource, event)
            if part == kept.resource:
                return kept
            return await put_one(change, part, settle_due(part, event))

    async def _found(self, change: Change, name: str) -> Record[Participation]:
        ParticipationId.parse(name)
        return cast(Record[Participation], await required(change, Kind.PARTICIPATION, name))


async def _event_of(change: Change, part: Participation) -> Event:
    return cast(Event, (await required(change, Kind.EVENT, part.id.event.name)).resource)


async def _answered_before(change: Change, request_id: str, name: str) -> bool:
    return await change.first_answer(Kind.PARTICIPATION, request_id, name) is not None
