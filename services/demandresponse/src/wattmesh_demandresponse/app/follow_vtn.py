"""Takes part in others' programmes: what their VTN asks becomes events of ours."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from wattmesh_demandresponse.app.events import KeepEvents
from wattmesh_demandresponse.app.keep import MOST_IN_PAGE
from wattmesh_demandresponse.app.participations import Participations
from wattmesh_demandresponse.app.ports import Query
from wattmesh_demandresponse.app.programmes import KeepEnrolments, KeepProgrammes
from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.offer import Answer, Offer, OptOut, Place
from wattmesh_demandresponse.domain.participation import Participation, ParticipationState
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_demandresponse.domain.records import Parent
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_kernel.programme_ids import EnrolmentId, EventId, ProgrammeId

_log = logging.getLogger(__name__)


class OtherVtn(Protocol):
    """Somebody else's VTN, whichever version of OpenADR it speaks."""

    async def offers(
        self, programmes: Sequence[Programme]
    ) -> Mapping[ProgrammeId, Sequence[Offer]]:
        """Return all events of each of these programmes. Error: Unavailable."""

    async def answer(self, answers: Sequence[Answer]) -> None:
        """Tell who takes part, where it wants to know. Error: Unavailable."""


class FollowVtn:
    """Asks for the events of every programme of ours that has an id in their system.

    An event that is new there is called here, one that has changed is changed, one that is gone is
    called off. What we have no word for is said once in the log, and left alone.
    """

    def __init__(
        self,
        vtn: OtherVtn,
        programmes: KeepProgrammes,
        enrolments: KeepEnrolments,
        events: KeepEvents,
        participations: Participations,
        clock: Clock,
    ) -> None:
        self._vtn = vtn
        self._programmes = programmes
        self._enrolments = enrolments
        self._events = events
        self._participations = participations
        self._clock = clock
        self._refused: dict[str, str] = {}
        self._seen: dict[EventId, object] = {}

    async def __call__(self) -> None:
        """Ask once. Error: Unavailable."""
        page, _ = await self._programmes.list(Query(), MOST_IN_PAGE, "")
        programmes = [each.resource for each in page if each.resource.external_id]
        offered = await self._vtn.offers(programmes)
        answers: list[Answer] = []
        for each in programmes:
            if each.id in offered:
                answers += await self._follow(each, offered[each.id])
        await self._vtn.answer(answers)

    async def _follow(self, programme: Programme, offers: Sequence[Offer]) -> list[Answer]:
        kept = {each.id: each for each in await self._own_events(programme)}
        there, answers = set[EventId](), list[Answer]()
        for offer in offers:
            event_id = _id_of(programme, offer.external_id)
            if not offer.cancelled:
                there.add(event_id)
                await self._take(offer, event_id, kept.get(event_id))
        # who says no to what an event has become does not go on with what it was
        answered = {_id_of(programme, each.external_id) for each in offers if each.answered}
        opted_out = {each for each in answered if each.name in self._refused}
        for event_id, event in kept.items():
            ours = event.external_id and not event.over(self._clock.now())
            if ours and event_id not in there - opted_out:
                await self._events.delete(event_id.name, allow_missing=True)
                self._seen.pop(event_id, None)
        names = {each.id: each.external_id for each in await self._enrolled(programme.id)}
        for offer in offers:
            if offer.answered:
                event_id = _id_of(programme, offer.external_id)
                parts = await self._parts(event_id)
                before = kept.get(event_id)
                ended = before is not None and before.cancel_time is not None
                in_it = not ended and event_id.name not in self._refused and _anybody(parts)
                answers.append(
                    Answer(
                        external_id=offer.external_id,
                        opted_in=offer.cancelled or in_it,
                        outs=_outs(parts, names),
                    )
                )
        return answers

    async def _take(self, offer: Offer, event_id: EventId, kept: Event | None) -> None:
        now = self._clock.now()
        if self._seen.get(event_id) == offer.content or (kept is not None and kept.over(now)):
            return
        try:
            place = Place(
                event_id=event_id,
                now=now,
                enrolments=await self._named(event_id.programme, offer.resources),
                modification_number=0 if kept is None else kept.modification_number,
            )
            wanted = offer.make(place)
            if kept is not None or wanted.range.end > now:
                await self._events.update(event_id.name, lambda _: wanted, allow_missing=True)
            self._refused.pop(event_id.name, None)
            self._seen[event_id] = offer.content
        except (InvalidArgument, FailedPrecondition) as error:
            if self._refused.get(event_id.name) != error.message:
                self._refused[event_id.name] = error.message
                _log.warning("%s is not taken part in: %s", event_id, error)

    async def _named(
        self, programme: ProgrammeId, resources: Sequence[str]
    ) -> tuple[EnrolmentId, ...]:
        """Return the enrolments of resources; none: all. InvalidArgument where nobody is."""
        if not resources:
            return ()
        named = tuple(
            each.id for each in await self._enrolled(programme) if each.external_id in resources
        )
        require(bool(named), "UNKNOWN_VALUE", "none of its resources is enrolled", "resources")
        return named

    async def _enrolled(self, programme: ProgrammeId) -> list[Enrolment]:
        found: list[Enrolment] = []
        after = ""
        while True:
            query = Query(parent=Parent(programme=programme))
            page, after = await self._enrolments.list(query, MOST_IN_PAGE, after)
            found += [each.resource for each in page]
            if not after:
                return found

    async def _parts(self, event_id: EventId) -> list[Participation]:
        query = Query(parent=Parent(programme=event_id.programme, event=event_id))
        page, _ = await self._participations.list(query, 0, "")
        return [each.resource for each in page]

    async def _own_events(self, programme: Programme) -> list[Event]:
        found: list[Event] = []
        after = ""
        while True:
            query = Query(parent=Parent(programme=programme.id))
            page, after = await self._events.list(query, MOST_IN_PAGE, after)
            found += [each.resource for each in page]
            if not after:
                return found


def _anybody(parts: Sequence[Participation]) -> bool:
    """Whether anybody takes part, or did."""
    return any(each.takes_part or each.state is ParticipationState.SETTLED for each in parts)


def _outs(parts: Sequence[Participation], names: Mapping[EnrolmentId, str]) -> tuple[OptOut, ...]:
    """Return who was told to stay out, the newest word first."""
    said = [
        (
            each.decision.decide_time,
            OptOut(resource=names.get(each.enrolment, ""), reason=each.decision.reason),
        )
        for each in parts
        if each.decision is not None and not each.decision.opted_in
    ]
    return tuple(out for _, out in sorted(said, key=lambda each: each[0], reverse=True))


def _id_of(programme: Programme, external_id: str) -> EventId:
    """Return the id here of an event there: the same one each time, whatever it is called."""
    digest = hashlib.blake2s(external_id.encode(), digest_size=8).hexdigest()
    return EventId(programme.id, f"vtn-{digest}")
