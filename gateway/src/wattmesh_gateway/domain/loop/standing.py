"""Where a member of a loop stands, and the bounds that the loop keeps."""

import math
from dataclasses import dataclass

from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.loop_policy import LoopMember
from wattmesh_kernel.setpoints import Channel, SetpointKind
from wattmesh_kernel.sites import Phase
from wattmesh_kernel.worth import StoredWorth

Slot = tuple[DeviceId, Channel]
"""What can be steered of one device by one setpoint at a time."""

_CAPS = frozenset(
    {
        SetpointKind.CURRENT_A,
        SetpointKind.GENERATION_LIMIT_W,
        SetpointKind.CONSUMPTION_LIMIT_W,
        SetpointKind.ON_OFF,
    }
)
"""Setpoints that bound a power: the device may stay below."""


def slot_of(member: LoopMember) -> Slot:
    """Return the slot of a member."""
    return (member.device, member.channel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One member as it stands; powers into it [W].

    `now_w`: what it was told. `least_w`, `most_w`: between which it was when the meter measured.
    `asked_w`: what its leased command asks; None: it has none. `drawn_w`: what its own meter shows
    of late. `served_turns`: how often it had its turn, for those that have to take turns. `stored`:
    what energy is worth in its store; None: its command is kept as it is.
    """

    member: LoopMember
    now_w: float
    least_w: float
    most_w: float
    asked_w: float | None = None
    drawn_w: float | None = None
    soc_ratio: float | None = None
    served_turns: int = 0
    stored: StoredWorth | None = None

    @property
    def slot(self) -> Slot:
        """What it is a member with."""
        return slot_of(self.member)

    @property
    def limits_only(self) -> bool:
        """Whether it has no part in a target."""
        return self.member.limits_only

    @property
    def idle_w(self) -> float:
        """Where it is when nobody wants anything of it."""
        return self.member.power_w(self.member.idle_value)

    def inside(self, power_w: float) -> float:
        """Return the nearest power that it can have."""
        least, most = self.member.powers_w
        return self.out_of_gap(min(max(power_w, least), most))

    def out_of_gap(self, power_w: float) -> float:
        """Return a power that is none it cannot have: less of it, nearer to nothing."""
        gap = self.member.gap_w
        if gap is None or not gap[0] < power_w < gap[1]:
            return power_w
        return min(gap, key=abs)

    def ramped(self, power_w: float, seconds: float) -> float:
        """Return how far it may come towards a power within a time."""
        ramp = self.member.max_ramp_w_per_second
        if ramp is None:
            return power_w
        step = ramp * seconds
        return min(max(power_w, self.now_w - step), self.now_w + step)

    def share(self, phase: Phase) -> float:
        """Return which part of its power flows through a conductor; THREE: all of it."""
        return 1.0 if phase is Phase.THREE else self.member.phase.share(phase)

    def as_drawn(self) -> tuple[float, float, float]:
        """Return what it is told, least and most, by its own meter if it may stay below.

        A charge point that may draw 11 kW and draws 3 kW gives nothing back at 8 kW.
        """
        told = (self.now_w, self.least_w, self.most_w)
        if self.drawn_w is None or self.member.kind not in _CAPS:
            return told
        low, high = min(0.0, self.now_w), max(0.0, self.now_w)
        drawn = min(max(self.drawn_w, low), high)
        return (drawn, drawn, drawn)

    def charge_room(self) -> float:
        """Return how far it is from full, 0 to 1; 1 when it does not say."""
        return self._room(1)

    def discharge_room(self) -> float:
        """Return how far it is from empty, 0 to 1; 1 when it does not say."""
        return self._room(-1)

    def _room(self, direction: int) -> float:
        least, most = self.member.min_soc_ratio, self.member.max_soc_ratio
        if self.soc_ratio is None or (least is None and most is None):
            return 1.0
        low, high = least or 0.0, 1.0 if most is None else most
        if high <= low:
            return 0.0
        filled = min(max((self.soc_ratio - low) / (high - low), 0.0), 1.0)
        return 1.0 - filled if direction > 0 else filled


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """A bound of what the meter may show [W], importing positive; infinite: none."""

    id: str
    phase: Phase = Phase.THREE
    least_w: float = -math.inf
    most_w: float = math.inf

    def exceeded(self, power_w: float) -> bool:
        """Return whether a power is outside."""
        return not self.least_w <= power_w <= self.most_w

    def with_margin(self, margin_w: float) -> tuple[float, float]:
        """Return the bounds with something to spare; what there is of it, between close ones."""
        spare = min(margin_w, max(self.most_w - self.least_w, 0.0) / 2)
        return self.least_w + spare, self.most_w - spare
