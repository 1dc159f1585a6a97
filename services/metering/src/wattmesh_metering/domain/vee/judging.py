"""Judges points' readings: which flags hold, and which of those that were raised hold no longer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.quantities import QUANTITIES, Kind
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, History, Ints, Mask
from wattmesh_metering.domain.vee.continuity import (
    HOUR_US,
    LONGEST_SPIKE,
    TOLERANCE,
    UNRATED_W,
    judge_register,
)
from wattmesh_metering.domain.vee.flags import Evidence, Flag, FlagKind, Limits
from wattmesh_metering.domain.vee.gauges import JUMPS, gaps, judge_gauge, stuck

NEIGHBOURS = 2 * LONGEST_SPIKE + 2
"""How many readings before and after those that changed have a say."""
_REACH = LONGEST_SPIKE + 1
"""How many readings before and after those that changed may be judged otherwise because of it."""

AT_ONCE = frozenset(FlagKind) - {
    FlagKind.STUCK,
    FlagKind.SUM,
    FlagKind.SIGN,
    FlagKind.CLOCK,
}
"""What is judged as readings come; the rest needs a long look back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RaisedFlag:
    """A flag as it is kept."""

    key: int
    flag: Flag


@dataclass(frozen=True, kw_only=True, slots=True)
class PointProfile:
    """What a point measures, for which device, and what it may show at most."""

    device: DeviceId
    quantity: str
    limits: Limits = field(default_factory=Limits)

    @property
    def register(self) -> bool:
        """Whether it is a register."""
        return QUANTITIES[self.quantity].kind is Kind.REGISTER


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Dossier:
    """One point, its readings around those that changed, and what was found there before.

    `compared`: what other meters show of it, for a whole look.
    """

    point_key: int
    profile: PointProfile
    history: History
    raised: Sequence[RaisedFlag] = ()
    compared: Sequence[Flag] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What is new about a point, and the keys of flags that hold no longer."""

    point_key: int
    raised: tuple[Flag, ...]
    cleared: tuple[int, ...]


def judge(dossier: Dossier, first_us: int, last_us: int, *, whole: bool = False) -> Judgement:
    """Judge a point whose readings between these times changed.

    `whole`: look for everything, between exactly these times; else for what readings show as they
    come, and as far around as it may have changed.
    """
    begin_us, end_us = (
        (first_us, last_us) if whole else _core(dossier.history.times_us, first_us, last_us)
    )
    doubted = _doubted(dossier, begin_us)
    history, limits = dossier.history, dossier.profile.limits
    evidence = Evidence.of(
        history.times_us[~doubted], history.values[~doubted], history.resets_us, limits
    )

    def concerns(flag: Flag) -> bool:
        """Whether this judgement has a say: of a gap only what changed in or beside it."""
        if flag.kind is FlagKind.GAP and not whole:
            return flag.first_us <= last_us and flag.last_us >= first_us
        return begin_us <= flag.first_us <= end_us

    kinds = frozenset(FlagKind) if whole else AT_ONCE
    judged = (*_find(dossier.profile, evidence, whole=whole), *dossier.compared)
    found = {flag.what: flag for flag in judged if concerns(flag)}
    kept = {
        raised.flag.what: raised.key
        for raised in dossier.raised
        if raised.flag.kind in kinds and concerns(raised.flag)
    }
    return Judgement(
        point_key=dossier.point_key,
        raised=tuple(flag for what, flag in found.items() if what not in kept),
        cleared=tuple(key for what, key in kept.items() if what not in found),
    )


def suspects(
    histories: Histories,
    profiles: Mapping[int, PointProfile],
    spans_us: Sequence[tuple[int, int]],
) -> set[int]:
    """Return which of the points, by place, may have something to be found in them at all.

    A cheap look at all of them at once, which never overlooks what `judge` would find at once in
    the spans that changed.
    """
    size = len(histories.ends)
    owners = np.repeat(np.arange(size), np.diff(histories.ends, prepend=0))
    registers = np.array([place in profiles and profiles[place].register for place in range(size)])
    rated, interval_us, jumps = _bounds(profiles, size)
    values, owner = histories.values, owners[:-1]
    steps, gap_us = np.diff(values), np.diff(histories.times_us)
    odd = steps < -TOLERANCE * np.abs(values[:-1])
    odd |= steps > np.where(np.isnan(rated), UNRATED_W, rated)[owner] * gap_us / HOUR_US
    odd &= registers[owner]
    odd |= ~registers[owner] & (np.abs(steps) > jumps[owner])
    firsts_us, lasts_us = np.array(spans_us, np.int64).reshape(-1, 2).T
    touched = histories.times_us[:-1] <= lasts_us[owner]
    touched &= histories.times_us[1:] >= firsts_us[owner]
    odd |= touched & (gap_us > 2.5 * interval_us[owner])
    odd &= np.diff(owners) == 0
    high = ~registers[owners] & (np.abs(values) > rated[owners])
    return {*owner[odd].tolist(), *owners[high].tolist()}


def _bounds(profiles: Mapping[int, PointProfile], size: int) -> tuple[Floats, Floats, Floats]:
    """Return rated values, intervals [us] and jumps of each, NaN or infinite where nobody says."""
    rated, interval_us, jumps = np.full(size, np.nan), np.full(size, np.inf), np.full(size, np.inf)
    for place, profile in profiles.items():
        if profile.limits.rated is not None:
            rated[place] = profile.limits.rated
        if profile.limits.interval_us is not None:
            interval_us[place] = profile.limits.interval_us
        jumps[place] = JUMPS.get(profile.quantity, np.inf)
    return rated, interval_us, jumps


def _find(profile: PointProfile, evidence: Evidence, *, whole: bool) -> Iterable[Flag]:
    if profile.register:
        yield from judge_register(evidence)
    else:
        yield from judge_gauge(profile.quantity, evidence)
    yield from gaps(evidence)
    if whole:
        yield from stuck(profile.quantity, evidence)


def _core(times_us: Ints, first_us: int, last_us: int) -> tuple[int, int]:
    """Return between which times the judgement may have changed."""
    if not len(times_us):
        return first_us, last_us
    first = max(0, int(np.searchsorted(times_us, first_us)) - _REACH)
    last = min(len(times_us), int(np.searchsorted(times_us, last_us, side="right")) + _REACH) - 1
    return min(first_us, int(times_us[min(first, last)])), max(last_us, int(times_us[last]))


def _doubted(dossier: Dossier, begin_us: int) -> Mask:
    """Return which readings before the judged ones are known not to be believed."""
    doubted: Mask = np.zeros(len(dossier.history.times_us), np.bool_)
    for raised in dossier.raised:
        flag = raised.flag
        if flag.excludes and flag.first_us < begin_us:
            times = dossier.history.times_us
            doubted |= (times >= flag.first_us) & (times <= flag.last_us)
    return doubted
