"""Leased setpoints and what becomes of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from wattmesh_kernel.ids import CommandId, DeviceId
from wattmesh_kernel.setpoints import Channel, SetpointKind, channel_of


class CommandState(Enum):
    """How far a command came at the device."""

    APPLIED = "applied"
    VERIFIED = "verified"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self is not CommandState.APPLIED


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A leased setpoint. `sequence` grows with every command to a device.

    `owner`: who proposed it; empty when nobody knows any more, as after a restart.
    """

    id: CommandId
    device: DeviceId
    kind: SetpointKind
    value: float
    lease_expire_time: datetime
    sequence: int
    owner: str = ""
    trace_parent: str = field(default="", compare=False)
    """The `traceparent` of whoever sent it; not kept over a restart."""

    @property
    def channel(self) -> Channel:
        """What of the device it steers."""
        return channel_of(self.kind)

    @property
    def slot(self) -> tuple[DeviceId, Channel]:
        """Where it contests other commands, and the loop."""
        return (self.device, self.channel)

    def lease_left(self, now: datetime) -> timedelta:
        """Return what is left of the lease; not positive when it has ended."""
        return self.lease_expire_time - now


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandReport:
    """What became of a command. `value`: written, or read back for VERIFIED.

    `overruled_by`: why that is not what the command asks; empty: it is.
    """

    command: CommandId
    state: CommandState
    report_time: datetime
    value: float | None = None
    message: str = ""
    overruled_by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandRecord:
    """A command and all reports on it, in order."""

    command: Command
    reports: Sequence[CommandReport]

    @property
    def verified(self) -> bool:
        """Whether it was read back as it was written."""
        return any(report.state is CommandState.VERIFIED for report in self.reports)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return any(report.state.final for report in self.reports)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadBack:
    """What a device says of a setpoint; `mismatch` is empty when it is what was written."""

    value: float | None
    mismatch: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldSetpoint:
    """A setpoint that a device holds, or may hold, by the newest command of its channel.

    `releasing`: it is to be released; `cancelled`: because its command was withdrawn, which is to
    be reported once it is.
    """

    command: Command
    releasing: bool = False
    cancelled: bool = False


class SetpointEventType(Enum):
    """What may happen to a setpoint that a device holds."""

    DRIFTED = "drifted"
    """The device holds something else within the lease."""

    REAPPLIED = "reapplied"
    """It was written again and read back."""

    RELEASE_PENDING = "release_pending"
    """The device is to be released and is not yet."""

    RELEASED = "released"
    """The device is in its safe state."""

    OVERRULED = "overruled"
    """The loop tells the device something else than the command."""

    RESTORED = "restored"
    """The device was told again what the command asks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointEvent:
    """Something that happened to a held setpoint; `value` is what the device holds."""

    command: Command
    type: SetpointEventType
    event_time: datetime
    value: float | None = None
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """From when on a loop told a device a power [W] in place of what its command asks."""

    time: datetime
    power_w: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointMoves:
    """What a loop told a device while a command was in force; `before`: so many came earlier."""

    command: Command
    before: int
    moves: tuple[Move, ...]
