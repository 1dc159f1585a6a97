"""What meters say of each other: sums that contradict, swapped directions, clocks that are off.

Days and weeks in UTC that lie wholly in what is looked at are judged each by itself, so the same
finding is the same flag however often, and over whichever span, it is looked for.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, Mask
from wattmesh_metering.domain.rollups import DAY_US, QUARTER_US, QUARTERS
from wattmesh_metering.domain.spans import EVER, FOREVER
from wattmesh_metering.domain.vee.flags import Flag, FlagKind

SUM_RATIO = 0.03
"""By how much two meters may differ in a day: each is right within 1 % (class B of EN 50470-3)."""
SUM_WH = 50.0
"""And by how much however little flowed [Wh]: registers count whole steps."""
_SWAPPED_RATIO = 0.2
"""Swapped, two meters differ by less than this share of what they differ as they are."""
_LATE_RATIO = 0.3
"""Shifted, two meters differ by less than this share of what they differ as they are."""
_MOST_LAG = 8
"""By how many quarters clocks are tried against each other: summer time is four."""
_KNOWN_RATIO = 0.5
"""How much of a day both meters must be known for."""
_OWN_USE_H = 0.25
"""For how long a day, at its rating, what only generates may draw or a load give back [h]."""
_UNRATED_WH = 1_000.0
_WEEK_US = 7 * DAY_US
_WEEK = 7 * QUARTERS


@dataclass(frozen=True, kw_only=True, slots=True)
class Meter:
    """The registers of a device, and for which time [us since 1970] it is meant."""

    imports: int | None = None
    exports: int | None = None
    start_us: int = EVER
    end_us: int = FOREVER

    @property
    def keys(self) -> tuple[int, ...]:
        """Its registers."""
        return tuple(key for key in (self.imports, self.exports) if key is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetMeters:
    """The meters of one asset: those that count, those that check them, those of parts of it.

    `one_way`: 1 for what only draws, -1 for what only generates, 0 for all else; `rated_w` in that
    direction, if anybody says.
    """

    counting: tuple[Meter, ...] = ()
    checks: tuple[Meter, ...] = ()
    subs: tuple[Meter, ...] = ()
    one_way: int = 0
    rated_w: float | None = None

    @property
    def keys(self) -> frozenset[int]:
        """All registers of all of them."""
        return frozenset(
            key for meter in (*self.counting, *self.checks, *self.subs) for key in meter.keys
        )

    @property
    def comparable(self) -> bool:
        """Whether any of them says something of another one, or of itself."""
        return bool(self.counting) and bool(self.checks or self.subs or self.one_way)


Found = tuple[int, Flag]
"""The key of a register, and what was found of it."""


def compare(
    meters: AssetMeters, histories: Histories, span_us: tuple[int, int], longest_gap_us: int
) -> Iterator[Found]:
    """Yield what the meters of an asset show of each other in the whole days of a span."""
    first_us, last_us = -(-span_us[0] // DAY_US) * DAY_US, span_us[1] // DAY_US * DAY_US
    if first_us >= last_us:
        return
    bounds_us = np.arange(first_us, last_us + 1, QUARTER_US)

    def rises(key: int | None, meter: Meter) -> Floats:
        if key is None:
            return np.zeros(len(bounds_us) - 1)
        found = histories.rises([key], bounds_us[np.newaxis], longest_gap_us)[0]
        meant = (bounds_us[:-1] >= meter.start_us) & (bounds_us[1:] <= meter.end_us)
        return np.where(meant, found, np.nan)

    def flows(several: Iterable[Meter]) -> Floats:
        """Return quarters of energy in and out of all together: two rows [Wh]."""
        sums = np.zeros((2, len(bounds_us) - 1))
        for meter in several:
            sums += rises(meter.imports, meter), rises(meter.exports, meter)
        return sums

    main = flows(meters.counting)
    mains = [key for meter in meters.counting for key in meter.keys]
    for check in meters.checks:
        yield from _checked(mains, main, check, flows([check]), bounds_us)
    if meters.subs:
        yield from _sub_metered(mains, main, flows(meters.subs), bounds_us)
    if meters.one_way:
        for meter in (*meters.counting, *meters.checks):
            yield from _wrong_way(meters, meter, flows([meter]), bounds_us)


def _checked(
    mains: Sequence[int], main: Floats, check: Meter, checked: Floats, bounds_us: Ints
) -> Iterator[Found]:
    late: Mask = np.zeros(len(bounds_us) - 1, np.bool_)
    for rows, lag in _lags(main, checked, bounds_us):
        late[max(0, rows.start - _WEEK) : rows.stop + _WEEK] = True  # weeks are no border to it
        minutes = abs(lag) * (QUARTER_US // 60_000_000)
        way = "ahead of" if lag > 0 else "behind"
        message = f"its clock is {minutes} min {way} the main meter's"
        for key in check.keys:
            yield key, _flag(FlagKind.CLOCK, bounds_us, rows, message)
    known: Mask = ~np.isnan(main).any(axis=0) & ~np.isnan(checked).any(axis=0) & ~late
    for rows in _days(bounds_us):
        ours, theirs = _sums(main, rows, known), _sums(checked, rows, known)
        if ours is None or theirs is None:
            continue
        apart = np.abs(ours - theirs)
        if not _differ(ours, theirs).any():
            continue
        if np.abs(ours - theirs[::-1]).sum() < _SWAPPED_RATIO * apart.sum():
            message = f"swapped: {_told(theirs)} where the main meter says {_told(ours)}"
            yield from ((key, _flag(FlagKind.SIGN, bounds_us, rows, message)) for key in check.keys)
        else:
            message = f"{_told(ours)}, and {_told(theirs)} by the check meter"
            yield from ((key, _flag(FlagKind.SUM, bounds_us, rows, message)) for key in mains)


def _sub_metered(
    mains: Sequence[int], main: Floats, subs: Floats, bounds_us: Ints
) -> Iterator[Found]:
    """Yield days on which parts alone draw more than the whole, of wholes that nothing leaves."""
    known: Mask = np.logical_not(np.isnan(main + subs).any(axis=0))
    for rows in _days(bounds_us):
        whole, part = _sums(main, rows, known), _sums(subs, rows, known)
        if whole is None or part is None or whole[1] > SUM_WH or part[0] <= whole[0]:
            continue
        if _differ(whole, part)[0]:
            message = f"{whole[0]:.0f} Wh in all, and {part[0]:.0f} Wh in its parts"
            yield from ((key, _flag(FlagKind.SUM, bounds_us, rows, message)) for key in mains)


def _wrong_way(meters: AssetMeters, meter: Meter, flow: Floats, bounds_us: Ints) -> Iterator[Found]:
    right, wrong = (0, 1) if meters.one_way > 0 else (1, 0)
    most = _UNRATED_WH if meters.rated_w is None else _OWN_USE_H * meters.rated_w
    key = meter.exports if wrong else meter.imports
    if key is None:
        return
    known: Mask = np.logical_not(np.isnan(flow).any(axis=0))
    for rows in _days(bounds_us):
        sums = _sums(flow, rows, known)
        if sums is not None and sums[wrong] > max(most, sums[right]):
            way = "gave back" if wrong else "drew"
            message = f"{way} {sums[wrong]:.0f} Wh, which is not what it is for"
            yield key, _flag(FlagKind.SIGN, bounds_us, rows, message)


def _lags(main: Floats, checked: Floats, bounds_us: Ints) -> Iterator[tuple[slice, int]]:
    """Yield weeks in which the other meter agrees by so many quarters later, and not at once."""
    net, other = main[0] - main[1], checked[0] - checked[1]
    begin = -(-int(bounds_us[0]) // _WEEK_US) * _WEEK_US - int(bounds_us[0])
    for first in range(begin // QUARTER_US, len(net) - _WEEK + 1, _WEEK):
        rows = slice(first, first + _WEEK)
        inner = net[rows][_MOST_LAG:-_MOST_LAG]
        apart = np.full(2 * _MOST_LAG + 1, np.inf)
        for lag in range(-_MOST_LAG, _MOST_LAG + 1):
            shifted = other[rows][_MOST_LAG + lag : _WEEK - _MOST_LAG + lag]
            known = ~np.isnan(inner) & ~np.isnan(shifted)
            if known.mean() > _KNOWN_RATIO:
                apart[lag + _MOST_LAG] = np.abs(inner - shifted)[known].mean()
        best, at_once = int(apart.argmin()) - _MOST_LAG, apart[_MOST_LAG]
        flows = float(np.nanmean(np.abs(inner))) if not np.isnan(inner).all() else 0.0
        if best and at_once > SUM_RATIO * flows and apart.min() < _LATE_RATIO * at_once < np.inf:
            yield rows, best


def _days(bounds_us: Ints) -> Iterator[slice]:
    for first in range(0, len(bounds_us) - 1, QUARTERS):
        yield slice(first, first + QUARTERS)


def _sums(flow: Floats, rows: slice, known: Mask) -> Floats | None:
    """Return what flowed in those quarters of a day that all meters know [Wh]; None: too few."""
    if known[rows].mean() < _KNOWN_RATIO:
        return None
    sums: Floats = flow[:, rows][:, known[rows]].sum(axis=1)
    return sums


def _differ(ours: Floats, theirs: Floats) -> Mask:
    differ: Mask = np.abs(ours - theirs) > SUM_RATIO * np.maximum(ours, theirs) + SUM_WH
    return differ


def _told(sums: Floats) -> str:
    return f"{sums[0]:.0f} Wh in and {sums[1]:.0f} Wh out"


def _flag(kind: FlagKind, bounds_us: Ints, rows: slice, message: str) -> Flag:
    first_us, end_us = int(bounds_us[rows.start]), int(bounds_us[rows.stop])
    return Flag(kind=kind, first_us=first_us, last_us=end_us - 1, message=message)
