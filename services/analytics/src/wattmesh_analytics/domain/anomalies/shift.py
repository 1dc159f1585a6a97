"""When a daily figure has moved away from what it used to be, and stays there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_analytics.domain.energy import Floats

Ints = NDArray[np.int64]

_SIGMA = 1.4826
"""From the median absolute deviation to a normal distribution's standard deviation."""
_OF_MEDIAN = 1.2533
"""A median's standard error beside a mean's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """How a figure is watched; lengths in days.

    `least_ratio`: so much of a change matters. `up`, `down`: which ways count. `gap`: between what
    is judged and what it is judged by; long for what creeps. `sigmas`: how sure one has to be.
    `least_share`: of the days on both sides that have to be known.
    """

    least_ratio: float
    up: bool = True
    down: bool = True
    recent: int = 7
    reference: int = 28
    gap: int = 0
    sigmas: float = 3.5
    least_share: float = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """A figure moved on day `since`, seen on day `found`, back on day `ended` (None: it stays).

    Days are indices. `ratio`: what it is beside what it used to be, 1.2 for a fifth more.
    """

    since: int
    found: int
    ended: int | None
    usual: float
    now: float

    @property
    def ratio(self) -> float:
        """What it is beside what it used to be."""
        return self.now / self.usual


def shifts(daily: Floats, watch: Watch, kinds: Ints | None = None) -> list[Shift]:
    """Return the shifts of a daily figure, oldest first; NaN: not known that day.

    `kinds`: days of one kind are held against days of that kind alone, as working days and days
    off. Each day's figure is divided by the median of its kind in the reference; the median of the
    recent ones has shifted when it is further from 1 than `least_ratio` and than `sigmas` of its
    standard error. From then on what is usual is learned anew, so that a second shift on top is
    seen; the first ends with the days that are back, less than half of the way from where it began.
    """
    kinds = np.zeros(len(daily), dtype=np.int64) if kinds is None else kinds
    found = list[_Seen]()
    begin = 0
    for day in range(watch.recent, len(daily) + 1):
        recent = slice(day - watch.recent, day)
        end = recent.start - watch.gap
        usual = slice(max(end - watch.reference, begin), max(end, begin))
        ratios, spread = _against(daily, kinds, recent, usual, watch)
        if ratios is None:
            continue
        moved = float(np.median(ratios)) - 1
        if abs(moved) >= max(watch.least_ratio, watch.sigmas * spread):
            begin = _since(daily, kinds, usual, day, moved)
            found.append(_Seen(since=begin, found=day - 1, usual=usual, moved=moved))
    counting = [each for each in found if _counts(each.moved, watch)]
    return [_shift(daily, kinds, each, watch) for each in counting]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    since: int
    found: int
    usual: slice
    moved: float


def _counts(moved: float, watch: Watch) -> bool:
    return watch.up if moved > 0 else watch.down


def _against(
    daily: Floats, kinds: Ints, recent: slice, usual: slice, watch: Watch
) -> tuple[Floats | None, float]:
    """Return recent days beside the usual ones, and the standard error of their median."""
    levels = _levels(daily, kinds, usual)
    before = _ratios(daily, kinds, usual, levels)
    ratios = _ratios(daily, kinds, recent, levels)
    if len(ratios) < watch.recent * watch.least_share or len(before) < max(
        watch.reference * watch.least_share, 2
    ):
        return None, 0.0
    deviation = _SIGMA * float(np.median(np.abs(before - np.median(before))))
    return ratios, _OF_MEDIAN * deviation * float(np.sqrt(1 / len(ratios) + 1 / len(before)))


def _levels(daily: Floats, kinds: Ints, usual: slice) -> dict[int, float]:
    values, which = daily[usual], kinds[usual]
    found = dict[int, float]()
    for kind in set(which.tolist()):
        known = values[(which == kind) & np.isfinite(values)]
        if len(known) >= 2 and np.median(known) > 0:
            found[kind] = float(np.median(known))
    return found


def _ratios(daily: Floats, kinds: Ints, days: slice, levels: dict[int, float]) -> Floats:
    by = np.array([levels.get(kind, np.nan) for kind in kinds[days].tolist()])
    ratios = daily[days] / by
    return np.asarray(ratios[np.isfinite(ratios)], dtype=np.float64)


def _since(daily: Floats, kinds: Ints, usual: slice, day: int, moved: float) -> int:
    """Return the first of the days in a row that are past half of the way."""
    levels = _levels(daily, kinds, usual)
    first = day - 1
    for index in range(day - 1, usual.stop - 1, -1):
        level = levels.get(int(kinds[index]))
        if level is None or not np.isfinite(daily[index]):
            continue
        if (daily[index] / level - 1) / moved < 0.5:
            break
        first = index
    return first


def _first_back(
    daily: Floats, kinds: Ints, day: int, levels: dict[int, float], moved: float
) -> int:
    """Return the first day from `day` on that is known and less than half of the way."""
    for index in range(day, len(daily)):
        level = levels.get(int(kinds[index]))
        known = level is not None and bool(np.isfinite(daily[index]))
        if known and (daily[index] / level - 1) / moved < 0.5:
            return index
    return day


def _shift(daily: Floats, kinds: Ints, seen: _Seen, watch: Watch) -> Shift:
    levels = _levels(daily, kinds, seen.usual)
    ended = None
    for day in range(seen.found + 1, len(daily) - watch.recent + 1):
        later = _ratios(daily, kinds, slice(day, day + watch.recent), levels)
        if (
            len(later) >= watch.recent * watch.least_share
            and (np.median(later) - 1) / seen.moved < 0.5
        ):
            ended = _first_back(daily, kinds, day, levels, seen.moved)
            break
    ratios = _ratios(
        daily, kinds, slice(seen.since, len(daily) if ended is None else ended), levels
    )
    level = float(np.mean(list(levels.values())))
    now = float(np.median(ratios)) if len(ratios) else 1 + seen.moved
    return Shift(since=seen.since, found=seen.found, ended=ended, usual=level, now=level * now)
