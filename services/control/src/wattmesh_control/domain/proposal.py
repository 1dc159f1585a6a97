"""Proposals: what owners want of a device, and which of them goes first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wattmesh_control.domain.setpoint import Slot, channel_of, check_value
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Phase
from wattmesh_kernel.time import TimeRange

HIGHEST_PRIORITY = 1000
_LONGEST_TEXT = 200


class Origin(StrEnum):
    """How a proposal came: each owner has one schedule and one override a slot."""

    SCHEDULE = "schedule"
    OVERRIDE = "override"
    HOLD = "hold"
    """What a person holds: it ends with the hold."""
    LIMIT = "limit"
    """What a limit asks of a device that nobody steers: it goes behind every other."""
    UNKNOWN = "unknown"
    """Of a newer version beside this one: a value with its priority, and more is not known."""

    @classmethod
    def of(cls, text: str) -> "Origin":
        """Return how a stored proposal came."""
        try:
            return cls(text)
        except ValueError:
            return cls.UNKNOWN


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """One value wanted on one device over one range.

    `number` grows with every proposal that is stored; 0 before. `accept_time` is when control took
    it. `phase`: the conductors that carry what is wanted, where they are fewer than the device's;
    three: its own. Error: InvalidArgument when a part makes no sense.
    """

    number: int = 0
    origin: Origin
    device: DeviceId
    kind: SetpointKind
    owner: str
    priority: int
    source: str
    request_id: str
    span: TimeRange
    value: float
    accept_time: datetime
    phase: Phase = Phase.THREE

    def __post_init__(self) -> None:
        check_text(self.owner, "owner")
        check_text(self.source, "source")
        check_value(self.value, self.kind)
        if self.span.empty:
            raise InvalidArgument("INVALID_RANGE", "a proposal needs a duration", field="range")
        if not 0 <= self.priority <= HIGHEST_PRIORITY:
            raise InvalidArgument(
                "INVALID_PRIORITY",
                f"{self.priority} is not between 0 and {HIGHEST_PRIORITY}",
                field="priority",
            )

    @property
    def slot(self) -> Slot:
        """Where it contests other proposals."""
        return Slot(self.device, channel_of(self.kind))


def check_text(text: str, field: str, longest: int = _LONGEST_TEXT) -> None:
    """Raise InvalidArgument when a required text is absent, too long or not one printable line."""
    if not (0 < len(text) <= longest and text.isprintable()):
        raise InvalidArgument(
            "INVALID_TEXT",
            f"{field} is required, one line of at most {longest} characters",
            field=field,
        )


def arbitrate(proposals: Iterable[Proposal], moment: datetime) -> Proposal | None:
    """Return who goes first at `moment`: the highest priority, among equals the newest.

    What a limit asks of an idle device goes last, whatever its priority.
    """
    valid = (proposal for proposal in proposals if proposal.span.contains(moment))
    return max(valid, key=_rank, default=None)


def _rank(proposal: Proposal) -> tuple[bool, int, int]:
    return (proposal.origin is not Origin.LIMIT, proposal.priority, proposal.number)


def outranking(proposals: Iterable[Proposal], asked: Proposal, moment: datetime) -> Proposal | None:
    """Return who goes before `asked` at `moment`; None when `asked` would go first."""
    rivals = (
        proposal
        for proposal in proposals
        if proposal.slot == asked.slot and proposal.priority > asked.priority
    )
    return arbitrate(rivals, moment)
