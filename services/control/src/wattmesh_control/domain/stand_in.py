"""Who follows a reserve in the place of a site of its pool that cannot: pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.reserve_signal import ReserveSignal


@dataclass(frozen=True, kw_only=True, slots=True)
class Able:
    """How far the batteries of a site that answer go [W], magnitudes."""

    charge_w: float
    discharge_w: float

    def most_w(self, asked_w: float) -> float:
        """Return the most that is followed of a signal of this sign."""
        return self.charge_w if asked_w > 0 else self.discharge_w


@dataclass(frozen=True, kw_only=True, slots=True)
class StoodIn:
    """The signals as they go out, whom others stand in for, and what is left to nobody [W]."""

    signals: tuple[ReserveSignal, ...]
    sites: tuple[SiteId, ...] = ()
    left_w: float = 0.0


def stand_in(signals: Sequence[ReserveSignal], able: dict[SiteId, Able | None]) -> StoodIn:
    """Ask of the others of a pool what some of its sites cannot follow.

    `able`: None for who cannot follow. Of -3 kW asked of three sites alike, one of which is gone,
    each of the others is asked for -1.5 kW, if its batteries give as much.
    """
    gone = [each for each in signals if each.pool and able.get(each.site) is None and each.power_w]
    if not gone:
        return StoodIn(signals=tuple(signals))
    found, left_w = list(signals), 0.0
    for pool, reserve in dict.fromkeys((each.pool, each.reserve) for each in gone):
        mine = [
            index
            for index, each in enumerate(found)
            if (each.pool, each.reserve) == (pool, reserve)
        ]
        asked = [found[index] for index in mine]
        powers, left = _shared(asked, able)
        left_w += left
        for index, power_w in zip(mine, powers, strict=True):
            found[index] = replace(found[index], power_w=power_w)
    sites = tuple(dict.fromkeys(each.site for each in gone))
    return StoodIn(signals=tuple(found), sites=sites, left_w=left_w)


def _shared(
    asked: Iterable[ReserveSignal], able: dict[SiteId, Able | None]
) -> tuple[list[float], float]:
    """Return what each is asked for instead, and what nobody can do [W]."""
    signals = list(asked)
    powers = [0.0 if able.get(each.site) is None else each.power_w for each in signals]
    sign = 1.0 if sum(each.power_w for each in signals) >= 0 else -1.0
    left = abs(sum(each.power_w for each in signals) - sum(powers))
    rooms = []
    for each, power_w in zip(signals, powers, strict=True):
        who = able.get(each.site)
        rooms.append(0.0 if who is None else max(0.0, who.most_w(sign) - abs(power_w)))
    whole = sum(rooms)
    taken = min(left, whole)
    shares = [taken * room / whole if whole else 0.0 for room in rooms]
    powers = [power + sign * share for power, share in zip(powers, shares, strict=True)]
    return powers, left - taken
