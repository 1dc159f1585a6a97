"""Takes part in others' programmes: what their VTN asks becomes events of ours."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from wattmesh_demandresponse.app.events import KeepEvents
from wattmesh_demandresponse.app.keep import MOST_IN_PAGE
from wattmesh_demandresponse.app.ports import Query
from wattmesh_demandresponse.app.programmes import KeepProgrammes
from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.openadr_events import event_from_json
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_demandresponse.domain.records import Parent
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_kernel.programme_ids import EventId

_log = logging.getLogger(__name__)


class OtherVtn(Protocol):
    """Somebody else's VTN."""

    async def events(self, program_id: str) -> Sequence[Mapping[str, Any]]:
        """Return all events of one of its programs. Error: Unavailable."""


class FollowVtn:
    """Asks for the events of every programme of ours that has an id in their system.

    An event that is new there is called here, one that has changed is changed, one that is gone is
    called off. What we have no word for is said once in the log, and left alone.
    """

    def __init__(
        self, vtn: OtherVtn, programmes: KeepProgrammes, events: KeepEvents, clock: Clock
    ) -> None:
        self._vtn = vtn
        self._programmes = programmes
        self._events = events
        self._clock = clock
        self._refused: dict[str, str] = {}
        self._seen: dict[EventId, Mapping[str, Any]] = {}

    async def __call__(self) -> None:
        """Ask once. Error: Unavailable."""
        page, _ = await self._programmes.list(Query(), MOST_IN_PAGE, "")
        for record in page:
            if record.resource.external_id:
                await self._follow(record.resource)

    async def _follow(self, programme: Programme) -> None:
        given = await self._vtn.events(programme.external_id)
        kept = {each.id: each for each in await self._own_events(programme)}
        there = set()
        for document in given:
            event_id = _id_of(programme, str(document.get("id") or ""))
            there.add(event_id)
            if self._seen.get(event_id) != document:
                await self._take(document, event_id, kept.get(event_id))
                self._seen[event_id] = document
        for event_id, event in kept.items():
            ours = event.external_id and not event.over(self._clock.now())
            if ours and event_id not in there:
                await self._events.delete(event_id.name, allow_missing=True)
                self._seen.pop(event_id, None)

    async def _take(
        self, document: Mapping[str, Any], event_id: EventId, kept: Event | None
    ) -> None:
        number = 0 if kept is None else kept.modification_number
        now = self._clock.now()
        try:
            wanted = event_from_json(document, event_id, now, modification_number=number)
            if kept is None and wanted.range.end <= now:
                return
            await self._events.update(event_id.name, lambda _: wanted, allow_missing=True)
        except (InvalidArgument, FailedPrecondition) as error:
            if self._refused.get(event_id.name) != error.message:
                self._refused[event_id.name] = error.message
                _log.warning("%s is not taken part in: %s", event_id, error)

    async def _own_events(self, programme: Programme) -> list[Event]:
        found: list[Event] = []
        after = ""
        while True:
            query = Query(parent=Parent(programme=programme.id))
            page, after = await self._events.list(query, MOST_IN_PAGE, after)
            found += [each.resource for each in page]
            if not after:
                return found


def _id_of(programme: Programme, external_id: str) -> EventId:
    """Return the id here of an event there: the same one each time, whatever it is called."""
    digest = hashlib.blake2s(external_id.encode(), digest_size=8).hexdigest()
    return EventId(programme.id, f"vtn-{digest}")
