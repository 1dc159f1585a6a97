"""Makes substitutes: on the line where little is missing, else as on days of the same type."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, Mask, from_microseconds
from wattmesh_metering.domain.substitutes import Method, Substitute
from wattmesh_metering.domain.vee.flags import Flag, FlagKind

_MICROSECOND = timedelta(microseconds=1)
_DAY_US = timedelta(days=1) // _MICROSECOND
_HALF_HOUR_US = timedelta(minutes=30) // _MICROSECOND
"""Clocks are set at whole half hours."""
_SHORTEST_STEP_US = timedelta(minutes=5) // _MICROSECOND
"""How far apart substitutes for long gaps are at least."""
LONGEST_US = 31 * _DAY_US
"""What lies further apart is left to people."""
WEEKS = 4
"""How far away days are that are taken as examples."""
_EXAMPLES = 4
"""How many days are averaged, the nearest ones."""
_LEAST_EXAMPLES = 0.5
"""Of how much of a gap there has to be an example; of the rest it is taken to be as on the mean."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """What is to be put in place: of which point, and how far apart its readings are meant to be.

    `register`: it is one. `zone`: by whose clock its days are alike.
    """

    key: int
    flag: Flag
    interval_us: int
    register: bool
    zone: ZoneInfo


def wanted(flag: Flag) -> bool:
    """Whether something is missing because of a flag: not what a register did in known ways."""
    match flag.kind:
        case FlagKind.GAP:
            return flag.last_us - flag.first_us <= LONGEST_US
        case FlagKind.SPIKE:
            return flag.excludes
        case FlagKind.EXCHANGE | FlagKind.JUMP:
            return flag.lift is not None
        case _:
            return False


def substitute(missing: Missing, histories: Histories, longest_gap_us: int) -> Substitute | None:
    """Return what stands between the believed readings around a flag; None: nothing can.

    Parameters: `histories` holds the believed readings of the point for some weeks around.
    """
    span = _around(missing.flag, histories.rows_of(missing.key)[1])
    if span is None or span[1] - span[0] > LONGEST_US:
        return None
    first_us, last_us = span
    short = last_us - first_us <= longest_gap_us
    step_us = missing.interval_us if short else max(missing.interval_us, _SHORTEST_STEP_US)
    bounds_us = np.append(np.arange(first_us, last_us, step_us), last_us)
    make = _of_register if missing.register else _of_gauge
    made = make(missing, histories, bounds_us, longest_gap_us, short=short)
    if made is None:
        return None
    method, values, rise = made
    return Substitute(
        key=missing.key,
        first_us=first_us,
        last_us=last_us,
        step_us=step_us,
        method=method,
        values=values,
        register=missing.register,
        rise=rise,
    )


def _around(flag: Flag, times_us: Ints) -> tuple[int, int] | None:
    """Return the times of the believed readings before and after what is missing."""
    before = np.searchsorted(times_us, flag.first_us, side="left") - 1
    after = np.searchsorted(times_us, flag.last_us, side="right")
    if flag.kind is FlagKind.GAP:  # those beside it are the flag's
        before, after = before + 1, after - 1
    elif flag.kind is not FlagKind.SPIKE:  # it goes on there
        after = np.searchsorted(times_us, flag.first_us, side="left")
    if before < 0 or after >= len(times_us) or after != before + 1:
        return None
    return int(times_us[before]), int(times_us[after])


def _of_register(
    missing: Missing, histories: Histories, bounds_us: Ints, longest_gap_us: int, *, short: bool
) -> tuple[Method, Floats, float | None] | None:
    lengths = np.diff(bounds_us).astype(np.float64)
    lives = histories.lives_of(missing.key)
    place = int(np.searchsorted(histories.rows_of(missing.key)[1], bounds_us[0]))
    known = bool(lives[place] == lives[place + 1])
    rises, rise = np.full(len(lengths), np.nan), None
    if not short or not known:
        rises = _usual(missing, histories, bounds_us, longest_gap_us, rises=True)
    found = np.isfinite(rises)
    enough = lengths[found].sum() >= _LEAST_EXAMPLES * lengths.sum()
    method, weights = Method.INTERPOLATED, lengths
    if enough:
        usual = rises[found].sum() / lengths[found].sum()
        course = np.where(found, rises, usual * lengths)
        if not short and usual > 0:
            method, weights = Method.SAME_DAY_TYPE, course
    if not known:
        if not enough:
            return None
        method, rise = Method.SAME_DAY_TYPE, float(course.sum())
    shares: Floats = (np.cumsum(weights) / weights.sum())[:-1]
    return method, shares, rise


def _of_gauge(
    missing: Missing, histories: Histories, bounds_us: Ints, longest_gap_us: int, *, short: bool
) -> tuple[Method, Floats, float | None]:
    first, times_us = histories.rows_of(missing.key)
    values = histories.values[first : first + len(times_us)]
    line = np.interp(bounds_us, times_us, values)[1:-1]
    if short:
        return Method.INTERPOLATED, line, None
    usual = _usual(missing, histories, bounds_us, longest_gap_us, rises=False)[1:]
    found = np.isfinite(usual)
    if found.mean() < _LEAST_EXAMPLES:
        return Method.INTERPOLATED, line, None
    return Method.SAME_DAY_TYPE, np.where(found, usual, line), None


def _usual(
    missing: Missing, histories: Histories, bounds_us: Ints, longest_gap_us: int, *, rises: bool
) -> Floats:
    """Return what the nearest days of the same type show at the same times of day, on the mean.

    Per interval what a register rises, or what a gauge shows where it begins; NaN: no such day is
    known.
    """
    local_days = (bounds_us[:-1] + _offsets_us(missing.zone, bounds_us[:-1])) // _DAY_US
    sums, counts = np.zeros(len(local_days)), np.zeros(len(local_days), np.int64)
    for days in _nearest_first():
        alike: Mask = _type(local_days) == _type(local_days + days)
        if not (alike & (counts < _EXAMPLES)).any():
            continue
        then_us = _same_clock(missing.zone, bounds_us, days)[np.newaxis]
        if rises:
            shown = histories.rises([missing.key], then_us, longest_gap_us)[0]
        else:
            shown = histories.registers_at([missing.key], then_us, longest_gap_us)[0, :-1]
        taken = alike & np.isfinite(shown) & (counts < _EXAMPLES)
        sums[taken] += shown[taken]
        counts += taken
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _nearest_first() -> Iterator[int]:
    for days in range(1, 7 * WEEKS + 1):
        yield -days
        yield days


def _type(days: Ints) -> Ints:
    """Return the type of days since 1970, which began on a Thursday: working, Saturday, Sunday."""
    types: Ints = np.maximum((days + 3) % 7 - 4, 0)
    return types


def _same_clock(zone: ZoneInfo, times_us: Ints, days: int) -> Ints:
    """Return the times at which a zone's clocks show the same so many days later."""
    later_us = times_us + days * _DAY_US
    moved: Ints = later_us + _offsets_us(zone, times_us) - _offsets_us(zone, later_us)
    return moved


def _offsets_us(zone: ZoneInfo, times_us: Ints) -> Ints:
    """Return by how much a zone's clocks are ahead of UTC [us]."""
    slots, places = np.unique(times_us // _HALF_HOUR_US, return_inverse=True)
    found = np.array([_offset_us(zone, slot) for slot in slots.tolist()], np.int64)
    offsets: Ints = found[places]
    return offsets


@lru_cache(maxsize=20_000)
def _offset_us(zone: ZoneInfo, slot: int) -> int:
    moment = from_microseconds(slot * _HALF_HOUR_US)
    return (moment.astimezone(zone).utcoffset() or timedelta(0)) // _MICROSECOND
