"""The law of a loop: what its members are told for the meter to show what it should.

A meter shows P, the sum of what the members draw and of the rest of the site. A member that was
told something of late may be anywhere between what it was told before and now; so the rest of the
site is known to lie in an interval, and what the members must do together too. The loop does the
least of it: it moves to the nearest end of that interval, and not at all within. A change of the
rest shows at once; what is still on its way is not corrected twice, so nothing overshoots whatever
the delay is, as long as it is within the settling time. Afterwards the interval is a point again,
and what a member did not do is found in the rest, and done by all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from wattmesh_gateway.domain.loop.meters import Shown
from wattmesh_gateway.domain.loop.sharing import Taker, share_out
from wattmesh_gateway.domain.loop.standing import Bound, Slot, Standing
from wattmesh_gateway.domain.loop.wanted import wanted
from wattmesh_kernel.loop_policy import Target
from wattmesh_kernel.worth import EnergyWorth

_EPSILON_W = 1e-3
_MOST_ROUNDS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What members are told [W], and the bounds that make some of that another than wanted."""

    powers_w: dict[Slot, float]
    limited: dict[Slot, Bound] = field(default_factory=dict)
    exceeded: frozenset[str] = frozenset()
    """Bounds that the meter shows to be exceeded."""


def decide(
    standings: Sequence[Standing],
    bounds: Sequence[Bound],
    target: Target | None,
    shown: Shown,
    *,
    dead_band_w: float,
    seconds: float,
    afresh: bool,
    worth: EnergyWorth | None = None,
    reserve_w: float | None = None,
) -> Decision:
    """Return what members are told: their commands and the target, as far as bounds let them.

    A reserve that is activated moves that by `reserve_w`; None: none is.
    """
    powers_w = wanted(
        *(standings, target, shown, dead_band_w, seconds),
        afresh=afresh,
        worth=worth,
        reserve_w=reserve_w,
    )
    limited: dict[Slot, Bound] = {}
    known = [each for each in bounds if each.phase in shown.powers_w]
    for _ in range(_MOST_ROUNDS):
        moved = [_keep(bound, standings, powers_w, shown, dead_band_w) for bound in known]
        for bound, slots in zip(known, moved, strict=True):
            limited |= dict.fromkeys(slots, bound)
        if not any(moved):
            break
    exceeded = frozenset(each.id for each in known if each.exceeded(shown.powers_w[each.phase]))
    powers_w = {each.slot: each.inside(powers_w[each.slot]) for each in standings}
    if not exceeded:
        _stay(standings, powers_w, limited, dead_band_w)
    return Decision(powers_w=powers_w, limited=limited, exceeded=exceeded)


def _stay(
    standings: Sequence[Standing],
    powers_w: dict[Slot, float],
    limited: dict[Slot, Bound],
    dead_band_w: float,
) -> None:
    """Leave limited members where they are if the difference is not worth a write."""
    held = [each for each in standings if each.slot in limited]
    if sum(abs(powers_w[each.slot] - each.now_w) for each in held) <= dead_band_w:
        powers_w |= {each.slot: each.now_w for each in held}


def _keep(
    bound: Bound,
    standings: Sequence[Standing],
    powers_w: dict[Slot, float],
    shown: Shown,
    dead_band_w: float,
) -> list[Slot]:
    """Move members as far as a bound needs it; return those that were."""
    low, high = _together(bound, standings, shown, dead_band_w)
    sum_w = sum(powers_w[each.slot] * each.share(bound.phase) for each in standings)
    if sum_w > high + _EPSILON_W:
        return _lower(standings, powers_w, bound, sum_w - high)
    if sum_w < low - _EPSILON_W:
        return _raise(standings, powers_w, bound, low - sum_w)
    return []


def _together(
    bound: Bound, standings: Sequence[Standing], shown: Shown, dead_band_w: float
) -> tuple[float, float]:
    """Return least and most power that the members may be told together, in its conductor [W]."""
    power_w = shown.powers_w[bound.phase]
    exceeded = bound.exceeded(power_w)
    now_w = least_w = most_w = 0.0
    for each in standings:
        share = each.share(bound.phase)
        now, least, most = each.as_drawn() if exceeded else (each.now_w, each.least_w, each.most_w)
        now_w, least_w, most_w = now_w + share * now, least_w + share * least, most_w + share * most
    ends = []
    for end_w in bound.with_margin(dead_band_w):
        nearest = min(max(now_w, end_w - power_w + least_w), end_w - power_w + most_w)
        still = not exceeded and abs(nearest - now_w) <= dead_band_w
        ends.append(now_w if still else nearest)
    return ends[0], ends[1]


def _lower(
    standings: Sequence[Standing], powers_w: dict[Slot, float], bound: Bound, excess_w: float
) -> list[Slot]:
    """Have members draw less, those of a low rank first."""
    moved: list[Slot] = []
    for rank in sorted({each.member.rank for each in standings}):
        peers = [each for each in standings if each.member.rank == rank and each.share(bound.phase)]
        before = dict(powers_w)
        _lower_some([each for each in peers if not each.member.gap], powers_w, bound, excess_w)
        excess_w -= _less(peers, before, powers_w, bound)
        between = dict(powers_w)
        if excess_w > _EPSILON_W:
            _pause_some([each for each in peers if each.member.gap], powers_w, bound, excess_w)
        excess_w -= _less(peers, between, powers_w, bound)
        moved += [each.slot for each in peers if powers_w[each.slot] < before[each.slot]]
        if excess_w <= _EPSILON_W:
            break
    return moved


def _lower_some(
    peers: Sequence[Standing], powers_w: dict[Slot, float], bound: Bound, excess_w: float
) -> None:
    takers = []
    for each in peers:
        room_w = (powers_w[each.slot] - each.member.powers_w[0]) * each.share(bound.phase)
        weight = room_w * (0.05 + each.discharge_room())
        takers.append(Taker(key=each.slot, most_w=max(room_w, 0.0), weight=max(weight, 0.0)))
    for each, part_w in zip(peers, share_out(excess_w, takers).values(), strict=True):
        powers_w[each.slot] -= part_w / each.share(bound.phase)


def _pause_some(
    peers: Sequence[Standing], powers_w: dict[Slot, float], bound: Bound, excess_w: float
) -> None:
    """Share what is left among those that cannot have any power: fairly, or in turns."""
    shares = {each.slot: each.share(bound.phase) for each in peers}
    left_w = sum(powers_w[slot] * share for slot, share in shares.items()) - excess_w
    takers = [
        Taker(
            key=each.slot,
            most_w=max(powers_w[each.slot], 0.0) * shares[each.slot],
            weight=1.0,
            least_w=max(each.member.gap_w or (0.0,)) * shares[each.slot],
            strict=True,
            preference=(-float(each.served_turns), float(each.now_w > 0)),
        )
        for each in peers
    ]
    for slot, part_w in share_out(max(left_w, 0.0), takers).items():
        powers_w[slot] = min(powers_w[slot], part_w / shares[slot])


def _raise(
    standings: Sequence[Standing], powers_w: dict[Slot, float], bound: Bound, lack_w: float
) -> list[Slot]:
    """Have members draw more, or give out less, those of a low rank first."""
    moved: list[Slot] = []
    for rank in sorted({each.member.rank for each in standings}):
        peers = [each for each in standings if each.member.rank == rank and each.share(bound.phase)]
        takers = []
        for each in peers:
            room_w = (each.member.powers_w[1] - powers_w[each.slot]) * each.share(bound.phase)
            weight = room_w * (0.05 + each.charge_room())
            takers.append(Taker(key=each.slot, most_w=max(room_w, 0.0), weight=max(weight, 0.0)))
        for each, part_w in zip(peers, share_out(lack_w, takers).values(), strict=True):
            raised_w = each.out_of_gap(powers_w[each.slot] + part_w / each.share(bound.phase))
            if raised_w > powers_w[each.slot] + _EPSILON_W:
                lack_w -= (raised_w - powers_w[each.slot]) * each.share(bound.phase)
                powers_w[each.slot] = raised_w
                moved.append(each.slot)
        if lack_w <= _EPSILON_W:
            break
    return moved


def _less(
    peers: Sequence[Standing],
    before: dict[Slot, float],
    after: dict[Slot, float],
    bound: Bound,
) -> float:
    return sum((before[each.slot] - after[each.slot]) * each.share(bound.phase) for each in peers)
