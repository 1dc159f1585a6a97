"""What somebody else's VTN asks, before it is an event here, and what it is told about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.participation import OptOutReason
from wattmesh_kernel.programme_ids import EnrolmentId, EventId


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an event goes: its id here, whom it is for, and how often it has changed."""

    event_id: EventId
    now: datetime
    enrolments: tuple[EnrolmentId, ...] = ()
    modification_number: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """An event there. `content` tells whether it has changed.

    `resources`: the external ids of the enrolments it is for; empty: all. `answered`: the VTN wants
    to know who takes part. `make` raises InvalidArgument for what is not served.
    """

    external_id: str
    content: object
    make: Callable[[Place], Event] = field(compare=False, repr=False)
    resources: tuple[str, ...] = ()
    cancelled: bool = False
    answered: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OptOut:
    """Who was told to stay out of an event, by its external id (empty: it has none), and why."""

    resource: str
    reason: OptOutReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Whether anybody here takes part in an event there; `outs`: who does not, by a word."""

    external_id: str
    opted_in: bool
    outs: tuple[OptOut, ...] = ()
