"""What is put in the place of readings that are missing or not believed.

Substitutes stand between two readings that are next to each other, and give way as soon as another
one comes in between. Of a register that both readings belong to, they say only how its rise is
spread over the time: the rise itself is measured.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from wattmesh_kernel.quantities import Quality
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import QUALITY_CODES, Breaks, Floats, Ints, Mask

_ROUNDING = 1e-9
"""How far a register may fall, as a share of its value: rounding, not energy."""


class Method(StrEnum):
    """How substitutes are made."""

    INTERPOLATED = "interpolated"
    """On the line between the readings around."""
    SAME_DAY_TYPE = "same_day_type"
    """As it was at that time of days of the same type: Monday to Friday, Saturday, Sunday."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Substitute:
    """Values of a point every `step_us` after the reading at `first_us`, up to that at `last_us`.

    `register`: they are the shares of what the register rose in between. `rise`: what it rose, for
    one of which the readings do not tell, as it is another one since.
    """

    key: int
    first_us: int
    last_us: int
    step_us: int
    method: Method
    values: Floats
    register: bool
    rise: float | None = None

    @property
    def times_us(self) -> Ints:
        """When the values hold."""
        times: Ints = self.first_us + self.step_us * np.arange(1, len(self.values) + 1)
        return times

    def same(self, other: "Substitute | None") -> bool:
        """Whether the other one says the same."""
        return (
            other is not None
            and (self.first_us, self.last_us, self.step_us, self.method, self.rise)
            == (other.first_us, other.last_us, other.step_us, other.method, other.rise)
            and np.array_equal(self.values, other.values)
        )


def with_substitutes(histories: Histories, substitutes: Iterable[Substitute]) -> Histories:
    """Return histories with values in the place of what is not known; of one place the last given.

    Nothing is put where a reading lies between the two that a substitute was made for, or where a
    device said that its register began anew.
    """
    chosen = {(each.key, each.first_us, each.last_us): each for each in substitutes}
    found = (each for each in _placed(histories, chosen.values()) if each is not None)
    put = sorted(found, key=lambda each: each.row)
    if not put:
        return histories
    sizes = np.array([len(each.values) for each in put], np.int64)
    rows = np.repeat(np.array([each.row for each in put], np.int64), sizes)
    estimated = np.zeros(len(histories.times_us), np.bool_)
    estimated[[each.row for each in put]] = True
    code = QUALITY_CODES[Quality.SUBSTITUTED]
    breaks = dict(histories.breaks)
    for each in put:
        if each.broken:
            breaks[each.key] = _mended(breaks[each.key], each)
    qualities = histories.qualities
    return replace(
        histories,
        ends=histories.ends + np.searchsorted(rows, histories.ends),
        times_us=np.insert(
            histories.times_us, rows, np.concatenate([each.times_us for each in put])
        ),
        values=np.insert(histories.values, rows, np.concatenate([each.values for each in put])),
        qualities=None if qualities is None else np.insert(qualities, rows, code),
        estimated=np.insert(estimated, rows, True),
        breaks=breaks,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Put:
    """Values before a row.

    `lift`: what is added to a register from its reading at `last_us` on, if it is `broken` there.
    """

    key: int
    row: int
    first_us: int
    last_us: int
    times_us: Ints
    values: Floats
    lift: float = 0.0
    broken: bool = False


def _placed(histories: Histories, substitutes: Iterable[Substitute]) -> Iterator[_Put | None]:
    for each in substitutes:
        first, times_us = histories.rows_of(each.key)
        place = int(np.searchsorted(times_us, each.first_us))
        around = times_us[place : place + 2].tolist()
        if around == [each.first_us, each.last_us]:
            put = _Put(
                key=each.key,
                row=first + place + 1,
                first_us=each.first_us,
                last_us=each.last_us,
                times_us=each.times_us,
                values=each.values,
            )
            yield _of_register(histories, each, put, place) if each.register else put


def _of_register(histories: Histories, each: Substitute, put: _Put, place: int) -> _Put | None:
    resets_us = histories.resets_us.get(each.key)
    if resets_us is not None and _within(resets_us, put).any():
        return None
    shown, after = histories.values[put.row - 1 : put.row + 1].tolist()
    lives, lifted = histories.lives_of(each.key), histories.lifted_of(each.key)
    if lives[place] == lives[place + 1]:
        rise = float(lifted[place + 1] - lifted[place])
    elif each.rise is not None:
        rise = each.rise
    else:
        return None
    if rise < -_ROUNDING * abs(shown):
        return None
    breaks = histories.breaks.get(each.key)
    broken = breaks is not None and bool(_within(breaks.times_us, put).any())
    values = shown + each.values * rise
    return replace(put, values=values, lift=rise - (after - shown), broken=broken)


def _mended(breaks: Breaks, put: _Put) -> Breaks:
    """Return the breaks of a register, those between two readings as one of which all is known."""
    kept = ~_within(breaks.times_us, put)
    times_us = np.append(breaks.times_us[kept], put.last_us)
    lifts = np.append(breaks.lifts[kept], put.lift)
    order = np.argsort(times_us)
    return Breaks(times_us=times_us[order], lifts=lifts[order])


def _within(times_us: Ints, put: _Put) -> Mask:
    within: Mask = (times_us > put.first_us) & (times_us <= put.last_us)
    return within


def reach_of(substitutes: Iterable[Substitute]) -> Mapping[int, tuple[int, int]]:
    """Return, by point, from when to when readings are needed to put these substitutes [us]."""
    reach: dict[int, tuple[int, int]] = {}
    for each in substitutes:
        first_us, last_us = reach.get(each.key, (each.first_us, each.last_us))
        reach[each.key] = min(first_us, each.first_us), max(last_us, each.last_us)
    return reach
