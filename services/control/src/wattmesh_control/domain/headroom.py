"""How a limit of a site or a group is shared among the devices that can be steered there."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from wattmesh_control.domain.controllable import ControllableDevice
from wattmesh_control.domain.envelope import Envelope
from wattmesh_control.domain.proposal import Proposal
from wattmesh_control.domain.setpoint import Channel, channel_of
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Phase

_BOUNDING = frozenset(
    {SetpointKind.CURRENT_A, SetpointKind.CONSUMPTION_LIMIT_W, SetpointKind.GENERATION_LIMIT_W}
)
"""Setpoints that bound a power: the device may stay below."""
_IDLE = -1
"""The priority of what nobody asks for: it is cut first."""
_OWN = frozenset({Phase.THREE})
CONDUCTORS = (Phase.L1, Phase.L2, Phase.L3)
BALANCED = tuple(Phase.THREE.share(each) for each in CONDUCTORS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What one device is about to do, and could do; powers into it [W].

    It will be between `least_w` and `most_w`, as it was told, or as it pleases when nobody steers
    it; whatever it is told, it is between `able_least_w` and `able_most_w`. `phases`: the
    conductors of what it was told, where they are fewer than its own. `parts`: which part of its
    power flows in L1, L2 and L3.
    """

    device: DeviceId
    least_w: float
    most_w: float
    able_least_w: float
    able_most_w: float
    priority: int = _IDLE
    phases: frozenset[Phase] = _OWN
    parts: tuple[float, ...] = BALANCED

    def within(self, part: float) -> "Need":
        """Return a part of it."""
        return replace(
            self,
            least_w=self.least_w * part,
            most_w=self.most_w * part,
            able_least_w=self.able_least_w * part,
            able_most_w=self.able_most_w * part,
        )

    def mirrored(self) -> "Need":
        """Return it with power out of it positive."""
        return replace(
            self,
            least_w=-self.most_w,
            most_w=-self.least_w,
            able_least_w=-self.able_most_w,
            able_most_w=-self.able_least_w,
        )


def parts_of(phases: Collection[Phase]) -> tuple[float, ...]:
    """Return which part of a device's power may flow in L1, L2 and L3.

    Of assets on different conductors each may have it all: more than can be, but never less.
    """
    if len(set(phases)) == 1:
        (phase,) = set(phases)
        return tuple(phase.share(each) for each in CONDUCTORS)
    return tuple(max((each.share(one) > 0) * 1.0 for each in phases) for one in CONDUCTORS)


def need_of(device: ControllableDevice, winners: Sequence[Proposal]) -> Need | None:
    """Return what a device does by the proposals that go first in its channels.

    None when no power follows from anything that it can be told.
    """
    envelopes = {
        kind: steering.envelope
        for kind, steering in device.steerings.items()
        if steering.envelope.watts_per_unit is not None
    }
    if not envelopes:
        return None
    ends = [end for each in envelopes.values() for end in _powers_w(each)]
    able_least_w, able_most_w = min(ends), max(ends)
    least_w, most_w = _as_it_pleases(envelopes, able_least_w, able_most_w)
    priority, phases = _IDLE, set[Phase]()
    for winner in winners:
        if winner.kind in envelopes:
            least_w, most_w = _told_w(winner, envelopes[winner.kind].on(winner.phase))
            phases.add(winner.phase)
        elif channel_of(winner.kind) is Channel.TEMPERATURE:
            least_w, most_w = able_least_w, able_most_w
        else:
            continue
        priority = max(priority, winner.priority)
    return Need(
        device=device.device,
        least_w=max(least_w, able_least_w),
        most_w=min(most_w, able_most_w),
        able_least_w=able_least_w,
        able_most_w=able_most_w,
        priority=priority,
        phases=frozenset(phases) or _OWN,
    )


def _powers_w(envelope: Envelope) -> tuple[float, float]:
    factor = envelope.watts_per_unit
    assert factor is not None, "chosen by that"
    ends = (envelope.low * factor, envelope.high * factor)
    return min(ends), max(ends)


def _as_it_pleases(
    envelopes: Mapping[SetpointKind, Envelope], least_w: float, most_w: float
) -> tuple[float, float]:
    """Return what it does when nobody steers it: a battery or generator stands still."""
    power = envelopes.get(SetpointKind.ACTIVE_POWER_W)
    to_the_letter = power is not None and power.low < 0 and SetpointKind.CURRENT_A not in envelopes
    return (0.0, 0.0) if to_the_letter else (min(least_w, 0.0), max(most_w, 0.0))


def _told_w(told: Proposal, envelope: Envelope) -> tuple[float, float]:
    factor = envelope.watts_per_unit
    assert factor is not None, "chosen by that"
    value = min(max(told.value, envelope.low), envelope.high)
    power_w = value * factor
    if told.kind in _BOUNDING:
        return min(0.0, power_w), max(0.0, power_w)
    return power_w, power_w


def share_out(budget_w: float, needs: Sequence[Need]) -> dict[DeviceId, float]:
    """Return the most power that each device may have [W]; together no more than `budget_w`.

    Everybody gets what it is about to have, and of what is left in proportion to what it could
    have. Where there is too little, what others are told to give out counts, as far as it is
    needed; then the lowest priorities go without first, and those of one priority get the same
    share of what they asked. Of 4 kW, two that ask 3 kW get 2 kW each; with a third that is told
    to give out 1 kW, 2.5 kW each. Nobody is made to give out what it was not told to.
    """
    asked_w = sum(max(each.most_w, 0.0) for each in needs)
    if asked_w <= budget_w:
        return _with_the_rest(budget_w - asked_w, needs)
    given_w = sum(max(-each.most_w, 0.0) for each in needs)
    used_w = min(given_w, asked_w - budget_w)
    shares = {each.device: -used_w * (-each.most_w / given_w) for each in needs if each.most_w < 0}
    return shares | _by_priority(
        max(budget_w + used_w, 0.0), [each for each in needs if each.most_w >= 0]
    )


def _with_the_rest(rest_w: float, needs: Sequence[Need]) -> dict[DeviceId, float]:
    rooms = {each.device: each.able_most_w - max(each.most_w, 0.0) for each in needs}
    whole_w = sum(rooms.values())
    part = min(rest_w / whole_w, 1.0) if whole_w > 0 else 1.0
    return {each.device: max(each.most_w, 0.0) + part * rooms[each.device] for each in needs}


def _by_priority(left_w: float, needs: Sequence[Need]) -> dict[DeviceId, float]:
    levels = defaultdict[int, list[Need]](list)
    for each in needs:
        levels[each.priority].append(each)
    shares: dict[DeviceId, float] = {}
    for _, level in sorted(levels.items(), reverse=True):
        asked_w = sum(each.most_w for each in level)
        part = min(left_w / asked_w, 1.0) if asked_w > 0 else 1.0
        shares |= {each.device: part * each.most_w for each in level}
        left_w -= part * asked_w
    return shares


def still_good(
    before: Mapping[DeviceId, float],
    after: Mapping[DeviceId, float],
    needs: Sequence[Need],
    worth_w: float,
) -> bool:
    """Return whether shares may stay as they were: they keep the limit, and nobody lacks much.

    A device that is not in `before` had as much as it can have. `worth_w`: for less, together, no
    device is told anything else.
    """
    had_w = {each.device: before.get(each.device, each.able_most_w) for each in needs}
    if sum(had_w.values()) > sum(after.values()) + 1.0:
        return False
    gains_w = (min(each.most_w, after[each.device]) - had_w[each.device] for each in needs)
    return sum(max(gain_w, 0.0) for gain_w in gains_w) <= worth_w
