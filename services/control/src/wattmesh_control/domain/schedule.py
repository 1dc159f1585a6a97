"""How a newer schedule takes the place of the one that stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wattmesh_control.domain.proposal import Origin, Proposal
from wattmesh_control.domain.setpoint import Slot, channel_of, check_value
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Phase
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class Setpoint:
    """A value over a range, in the unit of its schedule's kind."""

    span: TimeRange
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceSchedule:
    """The setpoints of one device, in order of time.

    `phase`: the conductors that carry what is set, where they are fewer than the device's.
    Error: InvalidArgument when they are out of order, overlap, are empty or not possible.
    """

    device: DeviceId
    kind: SetpointKind
    setpoints: tuple[Setpoint, ...]
    phase: Phase = Phase.THREE

    def __post_init__(self) -> None:
        for setpoint in self.setpoints:
            check_value(setpoint.value, self.kind)
            if setpoint.span.empty:
                raise InvalidArgument(
                    "INVALID_RANGE", "a setpoint needs a duration", field="schedules.setpoints"
                )
        for earlier, later in zip(self.setpoints, self.setpoints[1:], strict=False):
            if later.span.start < earlier.span.end:
                raise InvalidArgument(
                    "SETPOINTS_OVERLAP",
                    f"{self.device}: {later.span} begins before {earlier.span} ends",
                    field="schedules.setpoints",
                )

    @property
    def slot(self) -> Slot:
        """What it steers."""
        return Slot(self.device, channel_of(self.kind))


@dataclass(frozen=True, kw_only=True, slots=True)
class Takeover:
    """A newer schedule of an owner takes the place of the one that stands in a slot.

    From `turn` on nothing of the older one stands, except the proposals `kept`, by number, which
    go on as they are; what it wants for the time before stays, so that a plan made ahead leaves no
    hole.
    """

    slot: Slot
    owner: str
    turn: datetime
    kept: frozenset[int] = frozenset()
    added: tuple[Proposal, ...] = ()

    def concerns(self, standing: Proposal) -> bool:
        """Return whether a proposal is of the schedule that is replaced."""
        mine = standing.origin is Origin.SCHEDULE and standing.owner == self.owner
        return mine and standing.slot == self.slot and standing.number not in self.kept

    def leaves(self, standing: Proposal) -> Proposal | None:
        """Return what is left of a standing proposal; None when nothing is."""
        if not self.concerns(standing) or standing.span.end <= self.turn:
            return standing
        if standing.span.start >= self.turn:
            return None
        return replace(standing, span=TimeRange(standing.span.start, self.turn))


def take_over(
    slot: Slot,
    owner: str,
    running: Iterable[Proposal],
    wanted: Sequence[Proposal],
    *,
    turn: datetime,
    now: datetime,
) -> Takeover:
    """Return how `wanted` takes over from `turn` on, which is not before `now`.

    `running` holds now. Of that, what is wanted again unchanged goes on: no second command.
    """
    whole = Takeover(slot=slot, owner=owner, turn=turn)
    carried = [
        (old, new)
        for old in running
        if turn == now and whole.concerns(old)
        for new in wanted
        if _same(old, new, now)
    ]
    continued = {id(new) for _, new in carried}
    return replace(
        whole,
        kept=frozenset(old.number for old, _ in carried),
        added=tuple(new for new in wanted if id(new) not in continued),
    )


def _same(old: Proposal, new: Proposal, now: datetime) -> bool:
    return (
        new.span.contains(now)
        and old.span.end == new.span.end
        and (old.kind, old.value, old.priority) == (new.kind, new.value, new.priority)
        and old.phase is new.phase
    )
