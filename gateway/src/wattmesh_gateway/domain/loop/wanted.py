"""What members should be told if there were no limits: their commands, then the target."""

from collections.abc import Sequence

from wattmesh_gateway.domain.loop.meters import Shown
from wattmesh_gateway.domain.loop.reserves import moved
from wattmesh_gateway.domain.loop.sharing import Taker, share_out
from wattmesh_gateway.domain.loop.standing import Slot, Standing
from wattmesh_gateway.domain.loop.trim import trimmed
from wattmesh_kernel.loop_policy import NetPower, SharedPower, Target
from wattmesh_kernel.sites import Phase
from wattmesh_kernel.worth import EnergyWorth

_SAME_W = 0.5


def wanted(
    standings: Sequence[Standing],
    target: Target | None,
    shown: Shown,
    dead_band_w: float,
    seconds: float,
    *,
    afresh: bool,
    worth: EnergyWorth | None = None,
    reserve_w: float | None = None,
) -> dict[Slot, float]:
    """Return the power that each member should be told [W].

    `seconds` have passed since it was last worked out, which bounds what ramps. Commands, moved by
    what energy is worth, go before the target, which those share that have none: `afresh`, or only
    when their sum changes. A reserve moves all that by `reserve_w`; while it is activated nobody
    follows the meter, or the site would make up for what it asks.
    """
    asked = {each.slot: each.inside(each.asked_w) for each in standings if each.asked_w is not None}
    if worth is not None and reserve_w is None:
        asked |= trimmed(standings, worth, shown.powers_w[Phase.THREE], dead_band_w)
    free = [each for each in standings if each.asked_w is None]
    if reserve_w is not None and isinstance(target, NetPower) and _followers(free):
        target, reserve_w = NetPower(power_w=target.power_w + reserve_w), None
    result = asked | _of_the_free(free, standings, asked, target, shown, dead_band_w, afresh=afresh)
    if reserve_w is not None:
        result = moved(standings, result, reserve_w)
    return {each.slot: each.ramped(result[each.slot], seconds) for each in standings}


def _followers(free: Sequence[Standing]) -> list[Standing]:
    return [each for each in free if not each.limits_only]


def _of_the_free(
    free: Sequence[Standing],
    standings: Sequence[Standing],
    asked: dict[Slot, float],
    target: Target | None,
    shown: Shown,
    dead_band_w: float,
    *,
    afresh: bool,
) -> dict[Slot, float]:
    apart = [each for each in free if target is None or each.limits_only]
    idle = {each.slot: each.idle_w for each in apart}
    free = [each for each in free if each.slot not in idle]
    standings = [each for each in standings if each.slot not in idle]
    now_w = sum(each.now_w for each in free)
    match target:
        case None:
            return idle
        case SharedPower(power_w=power_w):
            low = high = power_w
        case NetPower(power_w=power_w):
            # Where the members may be, they leave the rest of the site in an interval.
            rest = power_w - shown.powers_w[Phase.THREE] - sum(asked.values())
            low = rest + sum(each.least_w for each in standings)
            high = rest + sum(each.most_w for each in standings)
    spare_w = dead_band_w if isinstance(target, NetPower) else _SAME_W
    if not afresh and low - spare_w <= now_w <= high + spare_w:
        return idle | {each.slot: each.now_w for each in free}
    return idle | split(min(max(now_w, low), high), free)


def split(total_w: float, members: Sequence[Standing]) -> dict[Slot, float]:
    """Share a power among members: by what they are able to, and how full they are.

    Of 3 kW for two equal batteries, one that is three quarters full is charged with 0.75 kW and one
    that is a quarter full with 2.25 kW; none of them below its efficient power, if fewer can do it.
    """
    sign = 1.0 if total_w >= 0 else -1.0
    takers = [_taker(each, sign) for each in members]
    shares = share_out(abs(total_w), takers)
    return {slot: sign * share_w for slot, share_w in shares.items()}


def _taker(standing: Standing, sign: float) -> Taker[Slot]:
    least, most = standing.member.powers_w
    able_w = most if sign > 0 else -least
    room = standing.charge_room() if sign > 0 else standing.discharge_room()
    gap = standing.member.gap_w
    strict = gap is not None
    least_w = max(map(abs, gap)) if gap else standing.member.efficient_ratio * able_w
    running = float(sign * standing.now_w > 0)
    return Taker(
        key=standing.slot,
        most_w=able_w if room > 0 else 0.0,
        weight=max(able_w, 0.0) * room,
        least_w=least_w,
        strict=strict,
        preference=(-float(standing.served_turns), running, room, able_w),
    )
