"""Somebody else's VTN that speaks OpenADR 2.0b, asked as a VEN, or calling it."""

import logging
from collections.abc import Mapping, Sequence
from typing import NoReturn

from wattmesh_demandresponse.adapters.openadr2_line import Line, Party
from wattmesh_demandresponse.adapters.openadr2_messages import Message
from wattmesh_demandresponse.adapters.openadr2_opts import EventOut, Oadr2Opts
from wattmesh_demandresponse.adapters.openadr2_pushed import Pushed
from wattmesh_demandresponse.adapters.openadr2_reports import Oadr2Reports
from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.offer import Answer, Offer, OptOut, Place
from wattmesh_demandresponse.domain.openadr2_events import Event2b, event_from_2b
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, Unavailable
from wattmesh_kernel.programme_ids import ProgrammeId

_log = logging.getLogger(__name__)

_MOST_MESSAGES = 20
"""Of those that wait at the VTN, in one turn."""
_MOST_ANSWERS = 200
_NOT_REGISTERED = (452, 463)
_SELDOM = 10
"""Of so many turns of a VEN that is called, one asks in any case: a call may be lost."""
_OK = {"response_code": 200, "response_description": "OK"}
_Said = tuple[int, bool, bool]
"""Modification number, cancelled, opted in."""


class Oadr2Vtn:
    """Polls, or takes what was pushed, and answers.

    Every distribution has all events: one that is not in it any more is called off (OpenADR 2.0b
    Profile Specification, section 8.1). What nobody here takes part in is opted out of, and so is
    what makes no sense, or is of a market that is no programme's.
    """

    def __init__(
        self,
        line: Line,
        party: Party,
        reports: Oadr2Reports,
        opts: Oadr2Opts,
        clock: Clock,
        pushed: Pushed | None = None,
    ) -> None:
        self._opts = opts
        self._pushed = pushed
        self._turns = 0
        self._was_in: set[tuple[str, int]] = set()
        self._line = line
        self._party = party
        self._reports = reports
        self._clock = clock
        self._synced = ""
        self._events: dict[str, Event2b] = {}
        self._asked: dict[str, tuple[int, str]] = {}
        self._told: dict[str, _Said] = {}

    @property
    def poll_seconds(self) -> float | None:
        """How often the VTN wants to be asked [s]; None: it does not say."""
        return self._party.poll_seconds

    def forget(self) -> None:
        """Ask for all events anew: another process may have followed meanwhile."""
        self._synced = ""

    async def offers(
        self, programmes: Sequence[Programme]
    ) -> Mapping[ProgrammeId, Sequence[Offer]]:
        """Ask what is new; return all events of each of these programmes. Error: Unavailable."""
        if self._pushed is not None:
            await self._take_pushed(self._pushed)
        known = await self._party.registered()
        if self._synced != known.registration_id:
            await self._request()
        if self._pushed is None:
            await self._poll()
        return {
            each.id: [
                _offer(event, each, answered=event.id in self._asked)
                for event in self._events.values()
                if event.market_context == each.external_id
            ]
            for each in programmes
        }

    async def answer(self, answers: Sequence[Answer]) -> None:
        """Tell about every event that an answer is required for, once. Error: Unavailable."""
        opted_in = {each.external_id: each.opted_in for each in answers}
        new: list[tuple[str, _Said]] = []
        for event_id, (number, _) in self._asked.items():
            event = self._events.get(event_id)
            cancelled = event is not None and event.cancelled
            said = (number, cancelled, opted_in.get(event_id, False))
            if self._told.get(event_id) != said:
                new.append((event_id, said))
        for at in range(0, len(new), _MOST_ANSWERS):
            await self._say(new[at : at + _MOST_ANSWERS])
        outs = [out for each in answers for out in await self._outs(each)]
        self._opts.of_events(outs, self._current())

    def _current(self) -> set[tuple[str, int]]:
        return {(event_id, number) for event_id, (number, _) in self._asked.items()}

    async def _outs(self, answer: Answer) -> list[EventOut]:
        """Return what is told by `EiOpt`, too, of an event that was answered.

        By the profile an event is answered once, and opted out of later by a message of its own
        (section 8.4); of several resources those that stay out are told as well.
        """
        event = self._events.get(answer.external_id)
        if event is None or event.cancelled or event.id not in self._asked:
            return []
        at = (event.id, self._asked[event.id][0])
        if answer.opted_in:
            self._was_in.add(at)
            return [_out(event, at[1], each) for each in answer.outs if each.resource]
        reason = answer.outs[0].reason if answer.outs else None
        whole = _out(event, at[1], OptOut(resource="", reason=reason))
        return [whole] if at in self._was_in or await self._opts.knows(whole) else []

    async def _request(self) -> None:
        known = await self._party.registered()
        message = await self._line.ask("EiEvent", "oadrRequestEvent", ven_id=known.ven_id)
        if message.kind == "oadrRequestReregistration" or message.code in _NOT_REGISTERED:
            self._forgotten()
        self._distributed(message)
        self._synced = known.registration_id

    def _forgotten(self) -> NoReturn:
        self._party.forget()
        raise Unavailable("DEPENDENCY_UNAVAILABLE", "the VTN does not know us any more")

    async def _take_pushed(self, pushed: Pushed) -> None:
        """Take what the VTN called us with; what events there are is asked for anew."""
        self._turns += 1
        if not self._turns % _SELDOM:
            self._synced = ""
        for key, message in await pushed.waiting():
            if message.kind == "oadrDistributeEvent":
                self._synced = ""
            else:
                await self._take(message, answered=True)
            await pushed.taken(key)

    async def _poll(self) -> None:
        """Take what waits at the VTN, one message after the other."""
        for _ in range(_MOST_MESSAGES):
            known = await self._party.registered()
            self._synced = ""  # until its answer is here: the VTN may think that it is
            message = await self._line.ask("OadrPoll", "oadrPoll", ven_id=known.ven_id)
            if message.code in _NOT_REGISTERED:
                self._forgotten()
            if message.kind not in ("", "oadrResponse"):
                await self._take(message)
            self._synced = known.registration_id
            if message.kind in ("", "oadrResponse"):
                return

    async def _take(self, message: Message, *, answered: bool = False) -> None:
        match message.kind:
            case "oadrDistributeEvent":
                self._distributed(message)
            case "oadrRequestReregistration":
                self._party.forget()
            case "oadrCancelPartyRegistration":
                await self._dismissed(message, answered=answered)
            case "oadrCreateReport":
                await self._reports.want(message, answered=answered)
            case "oadrCancelReport":
                await self._reports.cancel(message, answered=answered)
            case _:
                _log.warning("the VTN sent %s, which is not served", message.kind)

    async def _dismissed(self, message: Message, *, answered: bool) -> None:
        known = await self._party.registered()
        await self._party.dismiss()
        if answered:
            return
        await self._line.ask(
            "EiRegisterParty",
            "oadrCanceledPartyRegistration",
            ven_id=known.ven_id,
            registration_id=known.registration_id,
            response={**_OK, "request_id": message.request_id},
        )

    def _distributed(self, message: Message) -> None:
        """Take all events: those that are not among them are not any more."""
        before, now = self._events, self._clock.now()
        self._events, self._asked = {}, {}
        for part in message.events():
            number = part.modification_number
            try:
                event = part.read(now)
            except InvalidArgument as error:
                _log.warning("event %s of the VTN makes no sense: %s", part.id[:128], error.message)
            else:
                kept = before.get(part.id)
                newer = kept is None or kept.modification_number <= number
                self._events[part.id] = event if newer or kept is None else kept
            if part.answer_required:
                self._asked[part.id] = (number, message.request_id)
        self._told = {each: said for each, said in self._told.items() if each in self._asked}
        self._was_in &= self._current()

    async def _say(self, new: Sequence[tuple[str, _Said]]) -> None:
        answer = await self._line.ask(
            "EiEvent",
            "oadrCreatedEvent",
            ven_id=await self._party.ven_id(),
            response={**_OK, "request_id": ""},
            event_responses=[
                {
                    **_OK,
                    "request_id": self._asked[event_id][1],
                    "event_id": event_id,
                    "modification_number": number,
                    "opt_type": "optIn" if opted_in else "optOut",
                }
                for event_id, (number, _, opted_in) in new
            ],
        )
        if answer.code != 200 and len(new) > 1:  # one is not as the VTN knows it: not all wait
            for each in new:
                await self._say([each])
            return
        if answer.code != 200:
            _log.warning("the VTN refuses the answer to %s: %s", new[0][0][:128], answer.code)
        self._told.update(new)


def _out(event: Event2b, modification_number: int, out: OptOut) -> EventOut:
    return EventOut(
        event_id=event.id,
        modification_number=modification_number,
        market_context=event.market_context,
        resource=out.resource,
        reason=out.reason,
    )


def _offer(event: Event2b, programme: Programme, *, answered: bool) -> Offer:
    def make(place: Place) -> Event:
        return event_from_2b(event, programme, place)

    return Offer(
        external_id=event.id,
        content=event,
        make=make,
        resources=event.resources,
        cancelled=event.cancelled,
        answered=answered,
    )
