"""Holds: what somebody at the controls has put before plans."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from wattmesh_control.domain.limits import LONGEST_OWNER, LONGEST_REASON
from wattmesh_control.domain.proposal import Origin, check_text
from wattmesh_control.domain.setpoint import check_value
from wattmesh_control.domain.subject import NodeName, subject_of
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId, HoldId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange

PEOPLE = 100
"""The priority of people: what has less gives way to an opt-out."""


class HoldKind(StrEnum):
    """What is held."""

    SETPOINT = "setpoint"
    OPT_OUT = "opt_out"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldSetpoint:
    """The value that a device keeps."""

    kind: SetpointKind
    value: float

    def __post_init__(self) -> None:
        check_value(self.value, self.kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """Who ended a hold, when, and why."""

    time: datetime
    owner: str
    reason: str

    def __post_init__(self) -> None:
        check_text(self.owner, "owner", LONGEST_OWNER)
        check_text(self.reason, "reason", LONGEST_REASON)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """Who holds what of whom, why, and until when; `expire_time` None: until it is released.

    Error: InvalidArgument when a part is missing, or does not belong to its kind.
    """

    hold: HoldId
    subject: str
    kind: HoldKind
    owner: str
    reason: str
    create_time: datetime
    expire_time: datetime | None = None
    setpoint: HeldSetpoint | None = None
    released: Released | None = None

    def __post_init__(self) -> None:
        check_text(self.owner, "hold.owner", LONGEST_OWNER)
        check_text(self.reason, "hold.reason", LONGEST_REASON)
        match subject_of(self.subject, "hold.subject"), self.kind:
            case DeviceId(), HoldKind.SETPOINT:
                self._check_setpoint()
            case NodeName(), _:
                raise _wrong("a hold is on a device, a site or a group", "subject")
            case _, HoldKind.SETPOINT:
                raise _wrong("a setpoint is held by one device", "subject")
            case _:
                self._check_refusal()
        if self.expire_time is not None and self.expire_time <= self.create_time:
            raise _wrong("it has expired already", "expire_time")

    def _check_setpoint(self) -> None:
        if self.setpoint is None:
            raise _wrong("a setpoint to be held has a kind and a value", "value")
        if self.expire_time is None:
            raise _wrong("a setpoint is held until some time", "expire_time")

    def _check_refusal(self) -> None:
        if self.setpoint is not None:
            raise _wrong(f"a hold of the kind {self.kind.value} has no value", "value")
        if self.kind is HoldKind.STOP and self.expire_time is not None:
            raise _wrong("an emergency stop holds until it is released", "expire_time")

    def in_force(self, moment: datetime) -> bool:
        """Return whether it holds at `moment`."""
        begun = self.released is None and self.create_time <= moment
        return begun and (self.expire_time is None or moment < self.expire_time)

    def covers(self, span: TimeRange) -> bool:
        """Return whether it is in force, as things stand, from the start to the end of `span`."""
        lasts = self.expire_time is None or span.end <= self.expire_time
        return self.in_force(span.start) and lasts

    def keeps_off(self, priority: int, origin: Origin) -> bool:
        """Return whether it refuses what somebody wants of a device that it is about."""
        match self.kind:
            case HoldKind.STOP:
                return True
            case HoldKind.OPT_OUT:
                return priority < PEOPLE and origin is not Origin.LIMIT
            case HoldKind.SETPOINT:
                return False

    def release(self, released: Released) -> "Hold":
        """Return it released; as it is when it is over already."""
        return replace(self, released=released) if self.in_force(released.time) else self

    def __str__(self) -> str:
        what = "the emergency stop" if self.kind is HoldKind.STOP else "the opt-out"
        return f"{what} of {self.subject} by {self.owner} ({self.reason})"


def _wrong(why: str, field: str) -> InvalidArgument:
    return InvalidArgument("INVALID_HOLD", why, field=f"hold.{field}")
