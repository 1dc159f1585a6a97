"""What is kept: a resource, and the revision at which it last changed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.participation import Participation
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import ANY
from wattmesh_kernel.programme_ids import EventId, ProgrammeId

Resource: TypeAlias = Programme | Enrolment | Event | Participation
R = TypeVar("R", bound=Resource, covariant=True)


class Kind(StrEnum):
    """What a resource is."""

    PROGRAMME = "programme"
    ENROLMENT = "enrolment"
    EVENT = "event"
    PARTICIPATION = "participation"


KINDS: dict[type, Kind] = {
    Programme: Kind.PROGRAMME,
    Enrolment: Kind.ENROLMENT,
    Event: Kind.EVENT,
    Participation: Kind.PARTICIPATION,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Record(Generic[R]):
    """A resource as it is kept; the same content has the same revision."""

    resource: R
    revision: int

    @property
    def name(self) -> str:
        """The resource name."""
        return self.resource.id.name

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return f"{self.revision:x}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """Events and participations that changed up to `revision`."""

    revision: int
    events: tuple[Record[Event], ...] = ()
    participations: tuple[Record[Participation], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent:
    """Whose resources a list is of; None: all."""

    programme: ProgrammeId | None = None
    event: EventId | None = None

    @classmethod
    def of_programme(cls, name: str) -> "Parent":
        """Read `programmes/{programme}`, where `-` is all."""
        if name == f"programmes/{ANY}":
            return cls()
        return cls(programme=ProgrammeId.parse(name, "parent"))

    @classmethod
    def of_event(cls, name: str) -> "Parent":
        """Read `programmes/{programme}/events/{event}`, where both may be `-`."""
        programme, _, event = name.partition("/events/")
        if not event:
            raise InvalidArgument(
                "INVALID_PARENT",
                f"{name!r} is no `programmes/{{programme}}/events/{{event}}`",
                field="parent",
            )
        of = cls.of_programme(programme)
        if event == ANY:
            return of
        if of.programme is None:
            raise InvalidArgument(
                "INVALID_PARENT", "an event is named with its programme", field="parent"
            )
        return cls(programme=of.programme, event=EventId.parse(name, "parent"))
