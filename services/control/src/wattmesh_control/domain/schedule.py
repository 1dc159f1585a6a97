"""How a newer schedule takes the place of the one that stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wattmesh_control.domain.setpoint import SetpointKind, Slot, channel_of, check_value
from wattmesh_control.domain.wish import Wish
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class Setpoint:
    """A value over a range, in the unit of its schedule's kind."""

    span: TimeRange
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceSchedule:
    """The setpoints of one device, in order of time.

    Error: InvalidArgument when they are out of order, overlap, are empty or not possible.
    """

    device: DeviceId
    kind: SetpointKind
    setpoints: tuple[Setpoint, ...]

    def __post_init__(self) -> None:
        for setpoint in self.setpoints:
            check_value(setpoint.value, self.kind)
            if setpoint.span.empty:
                raise InvalidArgument(
                    "INVALID_TIME_RANGE", "a setpoint needs a duration", field="schedules.setpoints"
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
class Replacement:
    """What becomes of the standing wishes, and which come new."""

    removed: tuple[int, ...]
    cut: tuple[tuple[int, datetime], ...]
    """Numbers of wishes that end earlier, and when."""
    added: tuple[Wish, ...]


def replace_schedule(
    standing: Sequence[Wish], wanted: Sequence[Wish], *, turn: datetime, now: datetime
) -> Replacement:
    """Return how `wanted` takes over from `turn` on, which is not before `now`.

    What stands for the time before `turn` stays, so that a plan made ahead leaves no hole. A
    running setpoint that is wanted again unchanged goes on as it is: no second command.
    """
    carried = [
        (old, new) for old in standing for new in wanted if turn == now and _same(old, new, now)
    ]
    kept = {old.number for old, _ in carried}
    continued = {id(new) for _, new in carried}
    return Replacement(
        removed=tuple(
            old.number
            for old in standing
            if old.number not in kept and (old.span.start >= turn or old.span.end <= now)
        ),
        cut=tuple(
            (old.number, turn)
            for old in standing
            if old.number not in kept and old.span.start < turn < old.span.end
        ),
        added=tuple(new for new in wanted if id(new) not in continued),
    )


def _same(old: Wish, new: Wish, now: datetime) -> bool:
    return (
        old.span.contains(now)
        and new.span.contains(now)
        and old.span.end == new.span.end
        and (old.kind, old.value, old.priority) == (new.kind, new.value, new.priority)
    )
