"""An event: something that a programme asks for at a time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias, TypeVar

from wattmesh_demandresponse.domain.programme import LONGEST_EXTERNAL_ID, EventKind
from wattmesh_kernel.checks import (
    require,
    require_at_least,
    require_between,
    require_display_name,
    require_finite,
    require_text,
)
from wattmesh_kernel.programme_ids import EnrolmentId, EventId
from wattmesh_kernel.time import TimeRange

MOST_INTERVALS = 3000
LONGEST_NODE_ID = 64
Powers: TypeAlias = tuple[float, ...]
A = TypeVar("A")


class EventState(StrEnum):
    """Where an event is."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


OVER = frozenset({EventState.COMPLETED, EventState.CANCELLED})


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitAsked:
    """Most power at the grid connection [W] per interval; empty: no limit in that direction.

    With `node` it is that of a node of the topology; `phase` is of every single conductor.
    """

    max_import_w: Powers = ()
    max_export_w: Powers = ()
    node: str = ""
    max_phase_import_w: Powers = ()
    max_phase_export_w: Powers = ()

    def __post_init__(self) -> None:
        _require_magnitudes(self.max_import_w, "limit.max_import_powers_w")
        _require_magnitudes(self.max_export_w, "limit.max_export_powers_w")
        _require_magnitudes(self.max_phase_import_w, "limit.max_phase_import_powers_w")
        _require_magnitudes(self.max_phase_export_w, "limit.max_phase_export_powers_w")
        require_text(self.node, LONGEST_NODE_ID, "limit.node")
        named = not set(self.node) & set("/ \t\n")
        require(named, "INVALID_NAME", "a node is named by its id alone", "limit.node")
        require(
            any(columns(self)),
            "MISSING_FIELD",
            "a limit bounds import, export, or both",
            "limit",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceAsked:
    """Prices [currency/kWh] per interval; empty: as the tariff. `additional`: on top of it."""

    import_per_kwh: Powers = ()
    export_per_kwh: Powers = ()
    additional: bool = False

    def __post_init__(self) -> None:
        for value in (*self.import_per_kwh, *self.export_per_kwh):
            require_finite(value, "price")
        require(
            bool(self.import_per_kwh or self.export_per_kwh),
            "MISSING_FIELD",
            "an event of prices has some",
            "price",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ReductionAsked:
    """Reduction below the baseline [W] per interval, a magnitude; empty: as much as there is."""

    powers_w: Powers = ()
    price_per_kwh: float | None = None

    def __post_init__(self) -> None:
        _require_magnitudes(self.powers_w, "reduction.reduction_powers_w")
        require_at_least(self.price_per_kwh, 0, "reduction.price_per_kwh")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveAsked:
    """Power to be held ready by each who takes part [W] per interval; empty: none that way.

    Up is less import or more export.
    """

    up_w: Powers = ()
    down_w: Powers = ()

    def __post_init__(self) -> None:
        _require_magnitudes(self.up_w, "reserve.up_powers_w")
        _require_magnitudes(self.down_w, "reserve.down_powers_w")
        require(
            bool(self.up_w or self.down_w),
            "MISSING_FIELD",
            "a reserve is held up, down, or both",
            "reserve",
        )


Asked: TypeAlias = LimitAsked | PriceAsked | ReductionAsked | ReserveAsked
KINDS = {
    LimitAsked: EventKind.LIMIT,
    PriceAsked: EventKind.PRICE,
    ReductionAsked: EventKind.PAID_REDUCTION,
    ReserveAsked: EventKind.RESERVE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What is asked for over `range`, in intervals of `resolution` (None: one).

    `enrolments` are those it is for; empty: all of the programme. `cancel_time`: when it was called
    off. `told_state` is the state in which it was last told to those who follow it.
    """

    id: EventId
    range: TimeRange
    asked: Asked
    announce_time: datetime
    resolution: timedelta | None = None
    display_name: str = ""
    enrolments: tuple[EnrolmentId, ...] = ()
    priority: int = 0
    test: bool = False
    reason: str = ""
    external_id: str = ""
    modification_number: int = 0
    cancel_time: datetime | None = None
    told_state: EventState = field(default=EventState.SCHEDULED, compare=False)

    def __post_init__(self) -> None:
        require(not self.range.empty, "INVALID_RANGE", "an event lasts", "range")
        require_display_name(self.display_name)
        require_between(self.priority, 0, 100, "priority")
        require_text(self.reason, 1000, "reason")
        require_text(self.external_id, LONGEST_EXTERNAL_ID, "external_id")
        require_at_least(self.modification_number, 0, "modification_number")
        step = self.step
        require(
            step > timedelta(0) and not self.range.duration % step,
            "INVALID_RESOLUTION",
            "an event is a whole number of its intervals",
            "resolution",
        )
        require(
            self.count <= MOST_INTERVALS,
            "TOO_MANY_INTERVALS",
            f"at most {MOST_INTERVALS} intervals",
            "resolution",
        )
        for column in columns(self.asked):
            require(
                len(column) in (0, self.count),
                "INVALID_LENGTH",
                f"{len(column)} values for {self.count} intervals",
                self.kind.value,
            )
        for each in self.enrolments:
            require(
                each.programme == self.id.programme,
                "INVALID_NAME",
                f"{each} is of another programme",
                "enrolments",
            )

    @property
    def kind(self) -> EventKind:
        """What it asks for."""
        return KINDS[type(self.asked)]

    @property
    def step(self) -> timedelta:
        """The length of its intervals."""
        return self.range.duration if self.resolution is None else self.resolution

    @property
    def count(self) -> int:
        """How many intervals it has."""
        return self.range.count(self.step)

    @property
    def held(self) -> TimeRange:
        """When it holds: until it was called off."""
        if self.cancel_time is None:
            return self.range
        end = min(self.range.end, max(self.range.start, self.cancel_time))
        return TimeRange(self.range.start, end)

    def state(self, now: datetime) -> EventState:
        """Return where it is."""
        if self.cancel_time is not None:
            return EventState.CANCELLED
        if now < self.range.start:
            return EventState.SCHEDULED
        return EventState.ACTIVE if now < self.range.end else EventState.COMPLETED

    def told(self, state: EventState) -> "Event":
        """Return it as told to be in a state."""
        return replace(self, told_state=state)

    def over(self, now: datetime) -> bool:
        """Whether nothing of it changes any more."""
        return self.state(now) in OVER

    def concerns(self, enrolment: EnrolmentId) -> bool:
        """Whether it is for an enrolment of its programme."""
        return not self.enrolments or enrolment in self.enrolments


def columns(asked: Asked) -> Sequence[Powers]:
    """Return the columns of what is asked, in their order."""
    match asked:
        case LimitAsked():
            whole = (asked.max_import_w, asked.max_export_w)
            return (*whole, asked.max_phase_import_w, asked.max_phase_export_w)
        case PriceAsked():
            return (asked.import_per_kwh, asked.export_per_kwh)
        case ReductionAsked():
            return (asked.powers_w,)
        case ReserveAsked():
            return (asked.up_w, asked.down_w)


def _require_magnitudes(values: Powers, name: str) -> None:
    for value in values:
        require(
            math.isfinite(value) and value >= 0,
            "INVALID_VALUE",
            f"{name} are magnitudes, not {value:g}",
            name,
        )
