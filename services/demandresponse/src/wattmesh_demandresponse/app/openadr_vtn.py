"""What a VTN shows of programmes and events, and takes from business logic."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattmesh_demandresponse.app.events import KeepEvents
from wattmesh_demandresponse.app.keep import MOST_IN_PAGE
from wattmesh_demandresponse.app.ports import Query
from wattmesh_demandresponse.app.programmes import KeepEnrolments, KeepProgrammes
from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.openadr_clients import Client, ClientRole
from wattmesh_demandresponse.domain.openadr_events import event_from_json, event_to_json
from wattmesh_demandresponse.domain.openadr_time import duration_to_text, time_to_text
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_demandresponse.domain.records import Parent
from wattmesh_demandresponse.domain.subscriptions import target_values
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound, PermissionDenied
from wattmesh_kernel.programme_ids import EnrolmentId, EventId, ProgrammeId
from wattmesh_kernel.time import EPOCH

_SINCE = EPOCH
"""When a programme was made is not kept."""
_BETWEEN = "__"
"""Between programme and event in the id that an event has for others."""
Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Which part of a list; `targets`: names of what events are for, empty: whatever there is."""

    skip: int = 0
    limit: int = 50
    program_id: str = ""
    targets: tuple[str, ...] = ()


class Vtn:
    """Programmes and events for OpenADR's clients.

    A VEN sees the events that are for all, and those that name an enrolment whose external id is
    its own client id. Business logic sees all, and calls events of programmes that are there.
    """

    def __init__(
        self,
        programmes: KeepProgrammes,
        enrolments: KeepEnrolments,
        events: KeepEvents,
        clock: Clock,
    ) -> None:
        self._programmes = programmes
        self._enrolments = enrolments
        self._events = events
        self._clock = clock

    async def programs(self, page: Page) -> Sequence[Json]:
        """Return programmes by name."""
        found = await self._all_programmes()
        return [_program(each) for each in found[page.skip : page.skip + page.limit]]

    async def program(self, program_id: str) -> Json:
        """Return one programme. Error: NotFound."""
        return _program(await self._programme(program_id))

    async def events(self, client: Client, page: Page) -> Sequence[Json]:
        """Return the events that a client may see and that have not been called off, by start."""
        programmes = {each.id: each for each in await self._all_programmes()}
        parent = Parent()
        if page.program_id:
            parent = Parent(programme=(await self._programme(page.program_id)).id)
        names = await self._external_ids()
        shown: list[Json] = []
        for event in await self._all_events(parent):
            targets = _targets(event, names)
            hidden = event.cancel_time is not None or event.id.programme not in programmes
            wanted = not page.targets or set(page.targets) & set(targets)
            if not hidden and wanted and may_see(client, targets):
                shown.append(_event(event, programmes[event.id.programme], targets))
        return shown[page.skip : page.skip + page.limit]

    async def event(self, client: Client, event_id: str) -> Json:
        """Return one event. Error: NotFound, for one that is not the client's too."""
        event = await self._found(client, event_id)
        return await self._shown(event, await self._programme(event.id.programme.segment))

    async def call(self, client: Client, given: Json) -> Json:
        """Call an event of a programme that is there. Errors: as CreateEvent's."""
        _require_business(client)
        programme = await self._programme(str(given.get("programID") or ""))
        named = await self._named(programme.id, given.get("targets"))
        event_id = EventId(programme.id, uuid.uuid4().hex[:16])
        event = event_from_json(
            {**given, "id": "", "createdDateTime": ""},
            event_id,
            self._clock.now(),
            programme=programme,
            enrolments=named,
        )
        record = await self._events.create(event, "")
        return await self._shown(record.resource, programme)

    async def change(self, client: Client, event_id: str, given: Json) -> Json:
        """Change an event. Errors: as UpdateEvent's."""
        _require_business(client)
        kept = await self._found(client, event_id)
        named = await self._named(kept.id.programme, given.get("targets"))
        programme = await self._programme(kept.id.programme.segment)
        wanted = event_from_json(
            {**given, "id": kept.external_id, "createdDateTime": ""},
            kept.id,
            self._clock.now(),
            programme=programme,
            enrolments=named,
            modification_number=kept.modification_number,
        )
        record = await self._events.update(kept.id.name, lambda _: wanted)
        return await self._shown(record.resource, programme)

    async def call_off(self, client: Client, event_id: str) -> Json:
        """Call an event off; return it."""
        _require_business(client)
        shown = await self.event(client, event_id)
        await self._events.delete((await self._found(client, event_id)).id.name)
        return shown

    async def shown(self, event: Event) -> Json:
        """Return an event as it is read. Error: NotFound where its programme is gone."""
        return await self._shown(event, await self._programme(event.id.programme.segment))

    async def _shown(self, event: Event, programme: Programme) -> Json:
        return _event(event, programme, await self._targets_of(event))

    async def _targets_of(self, event: Event) -> list[str]:
        """Return the names of whom an event is for; empty: for all."""
        return _targets(event, await self._external_ids()) if event.enrolments else []

    async def _found(self, client: Client, event_id: str) -> Event:
        for candidate in _candidates(event_id):
            try:
                event = (await self._events.get(candidate.name)).resource
            except NotFound:
                continue
            if event.cancel_time is None and may_see(client, await self._targets_of(event)):
                return event
        raise NotFound("EVENT_NOT_FOUND", f"there is no event {event_id[:128]!r}")

    async def _programme(self, program_id: str) -> Programme:
        try:
            name = ProgrammeId(program_id).name
        except InvalidArgument:
            raise NotFound(
                "PROGRAMME_NOT_FOUND", f"there is no program {program_id[:128]!r}"
            ) from None
        return (await self._programmes.get(name)).resource

    async def _named(self, programme: ProgrammeId, targets: Any) -> tuple[EnrolmentId, ...]:
        """Return the enrolments that targets name, by their external id; of all where none is."""
        values = target_values(targets)
        said = targets is None or (isinstance(targets, list) and (bool(values) or not targets))
        require(said, "INVALID_VALUE", "targets are names, or say their values", "targets")
        if not values:
            return ()
        names = await self._external_ids()
        found = tuple(
            enrolment
            for enrolment, name in names.items()
            if enrolment.programme == programme and name in values
        )
        require(bool(found), "UNKNOWN_VALUE", "nobody is enrolled by these targets", "targets")
        return found

    async def _external_ids(self) -> Mapping[EnrolmentId, str]:
        found: dict[EnrolmentId, str] = {}
        after = ""
        while True:
            page, after = await self._enrolments.list(Query(), MOST_IN_PAGE, after)
            found |= {each.resource.id: each.resource.external_id for each in page}
            if not after:
                return found

    async def _all_programmes(self) -> list[Programme]:
        page, _ = await self._programmes.list(Query(), MOST_IN_PAGE, "")
        return [each.resource for each in page]

    async def _all_events(self, parent: Parent) -> list[Event]:
        found: list[Event] = []
        after = ""
        while True:
            page, after = await self._events.list(Query(parent=parent), MOST_IN_PAGE, after)
            found += [each.resource for each in page]
            if not after:
                return found


def _program(programme: Programme) -> Json:
    shown: dict[str, Any] = {
        "id": programme.id.segment,
        "createdDateTime": time_to_text(_SINCE),
        "modificationDateTime": time_to_text(_SINCE),
        "objectType": "PROGRAM",
        "programName": programme.display_name or programme.id.segment,
    }
    if programme.notice:
        shown["attributes"] = [{"type": "NOTICE", "values": [duration_to_text(programme.notice)]}]
    return shown


def _event(event: Event, programme: Programme, targets: Sequence[str]) -> Json:
    shown = dict(event_to_json(event, programme, _public_id(event)))
    if targets:
        shown["targets"] = list(targets)
    return shown


def _public_id(event: Event) -> str:
    return f"{event.id.programme.segment}{_BETWEEN}{event.id.segment}"


def _candidates(event_id: str) -> list[EventId]:
    """Return what an id may mean: names may have the separator in them, too."""
    found, at = [], event_id.find(_BETWEEN)
    while at >= 0 and len(event_id) <= 128:
        try:
            programme = ProgrammeId(event_id[:at])
            found.append(EventId(programme, event_id[at + len(_BETWEEN) :]))
        except InvalidArgument:
            pass
        at = event_id.find(_BETWEEN, at + 1)
    return found


def _targets(event: Event, names: Mapping[EnrolmentId, str]) -> list[str]:
    return sorted({names.get(each) or each.segment for each in event.enrolments})


def may_see(client: Client, targets: Sequence[str]) -> bool:
    """Whether an event for these, empty: for all, may be seen by a client."""
    return client.role is ClientRole.BUSINESS or not targets or client.client_id in targets


def _require_business(client: Client) -> None:
    if client.role is not ClientRole.BUSINESS:
        raise PermissionDenied("SCOPE_MISSING", f"{client.client_id} may not write events")
