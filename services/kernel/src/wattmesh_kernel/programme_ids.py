"""Resource ids of demand response: programmes, and what is below them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self, TypeVar

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import check_segment, split_name

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class ProgrammeId:
    """`programmes/{programme}`: what somebody asks of sites, by which rules."""

    segment: str

    def __post_init__(self) -> None:
        check_segment("ProgrammeId", self.segment)

    @property
    def name(self) -> str:
        """The resource name."""
        return f"programmes/{self.segment}"

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Read a resource name; InvalidArgument naming `field` when it is not a programme's."""
        (segment,) = split_name("ProgrammeId", name, field, "programmes")
        return _at(field, lambda: cls(segment))

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, order=True)
class _ProgrammeChildId:
    """An id of a resource of a programme."""

    collection: ClassVar[str]

    programme: ProgrammeId
    segment: str

    def __post_init__(self) -> None:
        check_segment(type(self).__name__, self.segment)

    @property
    def name(self) -> str:
        """The resource name, `programmes/{programme}/{collection}/{segment}`."""
        return f"{self.programme.name}/{self.collection}/{self.segment}"

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Read a resource name; InvalidArgument naming `field` when it is not one of this kind."""
        programme, segment = split_name(cls.__name__, name, field, "programmes", cls.collection)
        return _at(field, lambda: cls(ProgrammeId(programme), segment))

    def __str__(self) -> str:
        return self.name


class EnrolmentId(_ProgrammeChildId):
    """`programmes/{programme}/enrolments/{enrolment}`: a site or group that takes part."""

    __slots__ = ()
    collection = "enrolments"


class EventId(_ProgrammeChildId):
    """`programmes/{programme}/events/{event}`: something that is asked for at a time."""

    __slots__ = ()
    collection = "events"


@dataclass(frozen=True, slots=True, order=True)
class ParticipationId:
    """`…/events/{event}/participations/{participation}`; the last part is the enrolment's."""

    event: EventId
    segment: str

    def __post_init__(self) -> None:
        check_segment("ParticipationId", self.segment)

    @property
    def name(self) -> str:
        """The resource name."""
        return f"{self.event.name}/participations/{self.segment}"

    @property
    def enrolment(self) -> EnrolmentId:
        """Who takes part."""
        return EnrolmentId(self.event.programme, self.segment)

    @classmethod
    def of(cls, event: EventId, enrolment: EnrolmentId) -> Self:
        """Return the id of an enrolment's part in an event."""
        return cls(event, enrolment.segment)

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Read a resource name; InvalidArgument naming `field` when it is none of a part."""
        programme, event, segment = split_name(
            "ParticipationId", name, field, "programmes", "events", "participations"
        )
        return _at(field, lambda: cls(EventId(ProgrammeId(programme), event), segment))

    def __str__(self) -> str:
        return self.name


def _at(field: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except InvalidArgument as error:
        raise InvalidArgument(error.reason, error.message, field=field) from None
