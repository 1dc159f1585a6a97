"""What to do in a slot: compare who goes first with what the device was last told."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, assert_never

from wattmesh_control.domain.command import Command
from wattmesh_control.domain.life import CommandState
from wattmesh_control.domain.limits import Accepted, Answer, Clamped, Refused
from wattmesh_control.domain.proposal import Proposal


@dataclass(frozen=True, slots=True)
class Keep:
    """Everything is as it should be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Make:
    """A command must be made; it takes the place of the live one."""

    proposal: Proposal
    value: float
    message: str
    start: datetime
    """From when it counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forbid:
    """The limits leave no value for the proposal: say so, and recall what is live."""

    proposal: Proposal
    reason: str
    recorded: bool
    """Whether a command of this proposal exists already, so that none is stored for the refusal."""


@dataclass(frozen=True, slots=True)
class Recall:
    """Nobody wants the live command any more: the device goes to its safe state."""

    reason: str


Decision: TypeAlias = Keep | Make | Forbid | Recall


def decide(
    *,
    winner: Proposal | None,
    answer: Answer | None,
    last: Command | None,
    now: datetime,
    up: datetime,
) -> Decision:
    """Return what to do in a slot at `now`.

    Parameters: `winner` as arbitrated, `answer` what the limits say to its value, `last` the
    newest command of the slot that came of a proposal, `up` since when control runs.
    """
    if winner is None or answer is None:
        if last is not None and last.life.live and now < last.span.end:
            return Recall("it is no longer wanted")
        return Keep()
    match answer:
        case Refused(reason):
            return _forbid(winner, reason, last)
        case Accepted(value):
            return _make(winner, value, "", last, now, up)
        case Clamped(value, reason):
            return _make(winner, value, reason, last, now, up)
        case _:
            assert_never(answer)


def _forbid(winner: Proposal, reason: str, last: Command | None) -> Decision:
    recorded = last is not None and last.proposal == winner.number
    if recorded and last is not None and not last.life.live:
        return Keep()
    return Forbid(proposal=winner, reason=reason, recorded=recorded)


def _make(
    winner: Proposal, value: float, message: str, last: Command | None, now: datetime, up: datetime
) -> Decision:
    if (
        last is not None
        and last.proposal == winner.number
        and last.value == value
        and now < last.span.end
        and _stands(last)
    ):
        return Keep()
    start = _start(winner, last, now, up)
    return Make(proposal=winner, value=value, message=message, start=start)


def _stands(last: Command) -> bool:
    """Tell whether a command said its value to the device: one that failed is not repeated."""
    return last.lease_expire_time is not None and last.life.state is not CommandState.CANCELLED


def _start(winner: Proposal, last: Command | None, now: datetime, up: datetime) -> datetime:
    """Return from when a new command counts.

    A command made at its turn counts from the proposal's own start, however long waking up took;
    one that comes late, after another ended early, or after a restart counts from then.
    """
    if last is not None and last.proposal == winner.number:
        return min(now, last.held.end) if last.life.live else now
    earliest = [winner.span.start, winner.accept_time, up]
    if last is not None:
        earliest.append(last.held.end)
    return min(now, max(earliest))
