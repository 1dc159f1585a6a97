"""Resources as rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import OVER, Event
from wattmesh_demandresponse.domain.participation import Participation, ParticipationState
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_demandresponse.domain.records import KINDS, Kind, Record, Resource
from wattmesh_runtime.documents import DocumentCodec

COLUMNS = "kind, document, revision"

_CODECS: Mapping[Kind, DocumentCodec[Any]] = {
    Kind.PROGRAMME: DocumentCodec[Programme](Programme),
    Kind.ENROLMENT: DocumentCodec[Enrolment](Enrolment),
    Kind.EVENT: DocumentCodec[Event](Event),
    Kind.PARTICIPATION: DocumentCodec[Participation](Participation),
}
ROW = (
    *("name", "kind", "programme", "event", "subject", "start_time", "end_time", "place"),
    *("open", "due_time", "document"),
)


def record_from_row(row: tuple[Any, ...]) -> Record[Resource]:
    """Return the record of a row with `COLUMNS`."""
    kind, document, revision = row
    return Record(resource=_CODECS[Kind(kind)].from_document(document), revision=revision)


def row_of(resource: Resource, due: datetime | None) -> dict[str, Any]:
    """Return the columns of a resource, but for its revision."""
    kind = KINDS[type(resource)]
    return {
        "name": resource.id.name,
        "kind": kind.value,
        "due_time": due,
        "document": _CODECS[kind].to_json(resource).decode(),
        **_places(resource, due),
    }


def _places(resource: Resource, due: datetime | None) -> dict[str, Any]:
    match resource:
        case Programme():
            return _columns(programme=resource.id.name, open_=True)
        case Enrolment():
            return _columns(
                programme=resource.id.programme.name,
                subject=resource.subject,
                start=resource.start_time,
                end=resource.end_time,
                open_=True,
            )
        case Event():
            return _columns(
                programme=resource.id.programme.name,
                event=resource.id.name,
                start=resource.range.start,
                end=resource.held.end,
                place=resource.range.start.timestamp(),
                open_=resource.told_state not in OVER,
            )
        case Participation():
            return _columns(
                programme=resource.id.event.programme.name,
                event=resource.id.event.name,
                subject=resource.subject,
                open_=resource.state is not ParticipationState.SETTLED or due is not None,
            )


def _columns(
    *,
    programme: str,
    open_: bool,
    event: str | None = None,
    subject: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    place: float = 0.0,
) -> dict[str, Any]:
    return {
        "programme": programme,
        "event": event,
        "subject": subject,
        "start_time": start,
        "end_time": end,
        "place": place,
        "open": open_,
    }
