"""The life of a command: states that only move forward, moved by what happens."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, assert_never

from wattmesh_control.domain.release import Release, ReleaseState
from wattmesh_kernel.errors import InvalidArgument


class CommandState(StrEnum):
    """Where a command is in its life."""

    PENDING = "pending"
    DISPATCHED = "dispatched"
    APPLIED = "applied"
    VERIFIED = "verified"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


_S = CommandState

_ENDS = frozenset({_S.REFUSED, _S.FAILED, _S.EXPIRED, _S.SUPERSEDED, _S.CANCELLED})

MOVES: dict[CommandState, frozenset[CommandState]] = {
    _S.PENDING: frozenset({_S.DISPATCHED, _S.APPLIED, _S.VERIFIED}) | _ENDS,
    _S.DISPATCHED: frozenset({_S.APPLIED, _S.VERIFIED}) | _ENDS,
    _S.APPLIED: frozenset({_S.VERIFIED, _S.FAILED, _S.CANCELLED}),
    _S.VERIFIED: frozenset({_S.CANCELLED}),
    **dict.fromkeys(_ENDS, frozenset[CommandState]()),
}
"""From each state the states it may move to; nothing leads back."""

UNACKNOWLEDGED = frozenset({_S.PENDING, _S.DISPATCHED})
"""States of a command of which no device has said anything."""
UNFINISHED = frozenset({_S.PENDING, _S.DISPATCHED, _S.APPLIED})
"""States of a command that is sent again when its gateway comes back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What a command must live up to: its value, read back within a tolerance, by an end."""

    value: float
    tolerance: float
    end: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """The command went out on its gateway's stream."""

    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """The gateway said what became of the command at the device.

    Error: InvalidArgument for a state that no gateway can see.
    """

    state: CommandState
    time: datetime
    value: float | None = None
    message: str = ""

    def __post_init__(self) -> None:
        if self.state in UNACKNOWLEDGED:
            raise InvalidArgument(
                "INVALID_REPORT", f"a gateway cannot report {self.state.value}", field="state"
            )


@dataclass(frozen=True, slots=True)
class Troubled:
    """The gateway said why it cannot carry the command out for now."""

    message: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """A newer command took its place."""

    time: datetime


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Nobody wants it any more, or the limits forbid it."""

    time: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class LeaseEnded:
    """The lease ran out without a newer command."""

    time: datetime


@dataclass(frozen=True, slots=True)
class Recalled:
    """The gateway is to have the device let go of it."""

    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseSeen:
    """The gateway said whether the device has let go of it."""

    state: ReleaseState
    time: datetime
    message: str = ""


LifeEvent: TypeAlias = (
    Sent | Reported | Troubled | Replaced | Withdrawn | LeaseEnded | Recalled | ReleaseSeen
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandLife:
    """Where a command is, how it came there, and since when it is no longer live."""

    state: CommandState = CommandState.PENDING
    message: str = ""
    """Why clamped, refused or failed, in words."""
    trouble: str = ""
    """The gateway's last reason for not carrying it out."""
    dispatch_time: datetime | None = None
    dispatch_count: int = 0
    apply_time: datetime | None = None
    verify_time: datetime | None = None
    read_back_value: float | None = None
    cut_time: datetime | None = None
    """When it was replaced or withdrawn before the end of its range."""
    close_time: datetime | None = None
    """Since when it is no longer the device's command; None while it is live."""
    release: Release | None = None
    """Whether the device let go of it; None: it was never to."""

    @property
    def live(self) -> bool:
        """Whether the device is, or is about to be, under this command."""
        return self.close_time is None

    def advance(self, event: LifeEvent, expected: Expectation) -> "CommandLife":
        """Return the life after `event`; the same life when the event changes nothing.

        Late, repeated and out-of-order events change nothing, or fill in when a step that was
        passed by took place.
        """
        match event:
            case Sent():
                return self._sent(event)
            case Reported():
                return self._reported(event, expected)
            case Troubled():
                return self._troubled(event)
            case Replaced():
                return self._replaced(event, expected)
            case Withdrawn():
                return self._withdrawn(event, expected)
            case LeaseEnded():
                return self._lease_ended(event)
            case Recalled():
                return self._recalled(event)
            case ReleaseSeen():
                return self._release_seen(event)
            case _:
                assert_never(event)

    def _sent(self, event: Sent) -> "CommandLife":
        state = CommandState.DISPATCHED if self.state is CommandState.PENDING else self.state
        count = self.dispatch_count + 1
        return replace(self, state=state, dispatch_time=event.time, dispatch_count=count)

    def _troubled(self, event: Troubled) -> "CommandLife":
        told = self.state not in UNFINISHED or self.trouble == event.message
        return self if told else replace(self, trouble=event.message)

    def _reported(self, event: Reported, expected: Expectation) -> "CommandLife":
        if event.state is CommandState.APPLIED and self.state is CommandState.VERIFIED:
            return self._applied_earlier(event.time)
        if event.state is CommandState.VERIFIED and not _agrees(event.value, expected):
            event = _mismatch(event, expected)
        if event.state is CommandState.CANCELLED and not self.live:
            return self._let_go(event)
        if not self._may(event.state):
            return self
        match event.state:
            case CommandState.APPLIED:
                words = "; ".join(filter(None, (self.message, event.message)))
                return replace(self, state=event.state, apply_time=event.time, message=words)
            case CommandState.VERIFIED:
                return self._verified(event)
            case CommandState.FAILED:
                failed = self._ended(event.state, event.message, event.time)
                return replace(failed, read_back_value=event.value)
            case _:
                return self._ended(event.state, event.message, event.time)

    def _applied_earlier(self, time: datetime) -> "CommandLife":
        if self.apply_time is None or time < self.apply_time:
            return replace(self, apply_time=time)
        return self

    def _verified(self, event: Reported) -> "CommandLife":
        return replace(
            self,
            state=CommandState.VERIFIED,
            apply_time=self.apply_time or event.time,
            verify_time=event.time,
            read_back_value=event.value,
        )

    def _replaced(self, event: Replaced, expected: Expectation) -> "CommandLife":
        if not self.live:
            return self
        early = event.time < expected.end
        life = replace(self, cut_time=event.time) if early else self
        match self.state:
            case CommandState.PENDING | CommandState.DISPATCHED if early:
                return life._ended(CommandState.SUPERSEDED, "a newer command came", event.time)
            case CommandState.PENDING | CommandState.DISPATCHED:
                return life._ended(CommandState.EXPIRED, self._unanswered("its range"), event.time)
            case CommandState.APPLIED if not early:
                return life._ended(CommandState.FAILED, self._unread("its range"), event.time)
            case _:
                return replace(life, close_time=event.time)

    def _withdrawn(self, event: Withdrawn, expected: Expectation) -> "CommandLife":
        if not self.live or not self._may(CommandState.CANCELLED):
            return self
        ended = self._ended(CommandState.CANCELLED, event.reason, event.time)
        return replace(ended, cut_time=event.time) if event.time < expected.end else ended

    def _lease_ended(self, event: LeaseEnded) -> "CommandLife":
        if not self.live:
            return self
        match self.state:
            case CommandState.PENDING | CommandState.DISPATCHED:
                return self._ended(CommandState.EXPIRED, self._unanswered("its lease"), event.time)
            case CommandState.APPLIED:
                return self._ended(CommandState.FAILED, self._unread("its lease"), event.time)
            case _:
                return replace(self, close_time=event.time)

    def _recalled(self, event: Recalled) -> "CommandLife":
        """Have it released; what was never sent no device can hold."""
        if not self.dispatch_count or self.release is not None:
            return self
        pending = Release(state=ReleaseState.PENDING, change_time=event.time)
        return replace(self, release=pending)

    def _let_go(self, event: Reported) -> "CommandLife":
        """Take the gateway's word that a command which was recalled is released."""
        if self.release is None:
            return self
        seen = ReleaseSeen(
            state=ReleaseState.RELEASED, time=event.time, message=event.message or "released"
        )
        return self._release_seen(seen)

    def _release_seen(self, event: ReleaseSeen) -> "CommandLife":
        before = self.release
        if before is not None and before.state is ReleaseState.RELEASED:
            return self
        if before is not None and (before.state, before.message) == (event.state, event.message):
            return self
        after = Release(state=event.state, change_time=event.time, message=event.message)
        return replace(self, release=after)

    def _ended(self, state: CommandState, message: str, time: datetime) -> "CommandLife":
        words = message or self.trouble or self.message
        return replace(self, state=state, message=words, close_time=self.close_time or time)

    def _may(self, state: CommandState) -> bool:
        return state in MOVES[self.state]

    def _unanswered(self, within: str) -> str:
        sent = "not acknowledged" if self.dispatch_count else self._unsent
        return f"{sent} within {within}" + (f": {self.trouble}" if self.trouble else "")

    @property
    def _unsent(self) -> str:
        return "not sent" if self.trouble else "its gateway was not connected"

    def _unread(self, within: str) -> str:
        return f"not read back within {within}" + (f": {self.trouble}" if self.trouble else "")


def _agrees(value: float | None, expected: Expectation) -> bool:
    return value is None or abs(value - expected.value) <= expected.tolerance


def _mismatch(event: Reported, expected: Expectation) -> Reported:
    words = f"the device reads back {event.value:.6g} instead of {expected.value:.6g}"
    return replace(event, state=CommandState.FAILED, message=words)
