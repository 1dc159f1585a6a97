"""Registers at the quarters of an hour of past days: what hours, days and months are made from.

A register at a quarter is what its readings say, on the line between the two around it, or not
known. Bounds of all hours, days and months of every zone are quarters in UTC, so their energies
come out the same from these as from the readings. So does what they are worth: for how long of a
quarter the register is known, and by readings of which quality, is kept beside it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import numpy as np

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, Mask, Rows

_Values = TypeVar("_Values", Floats, Ints)
_MICROSECOND = timedelta(microseconds=1)
QUARTER_US = timedelta(minutes=15) // _MICROSECOND
DAY_US = timedelta(days=1) // _MICROSECOND
QUARTERS = DAY_US // QUARTER_US
_DAY_BITS = 22
"""Days since 1970 fit in, beside the key of a point."""
CLOSED_AFTER_US = timedelta(hours=24) // _MICROSECOND
"""How long after its end a day is rolled up."""
LATE_AFTER_US = timedelta(hours=12) // _MICROSECOND
"""From when after its end on a day counts as one that may be rolled up: clocks differ."""
LONGEST_GAP_US = LATE_AFTER_US
"""With a longest gap above this, nothing is rolled up: readings far away would have a say."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PointDays:
    """Days of points [since 1970, UTC], by point and day."""

    keys: Ints
    days: Ints

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class QuarterWorths:
    """Per row and quarter: for how long of it a register is known [us], the worst quality code."""

    covered_us: Ints
    codes: Ints

    def __getitem__(self, which: Mask | Ints) -> "QuarterWorths":
        return QuarterWorths(covered_us=self.covered_us[which], codes=self.codes[which])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RolledDays:
    """Registers at the quarters of days: one row of 96 values per point and day, NaN: not known.

    `worths`: what the quarters are worth, where it was asked for.
    """

    keys: Ints
    days: Ints
    values: Floats
    worths: QuarterWorths | None = None

    def of(self, wanted: Collection[int]) -> "RolledDays":
        """Return those of some points."""
        which = np.isin(self.keys, list(wanted))
        return RolledDays(
            keys=self.keys[which],
            days=self.days[which],
            values=self.values[which],
            worths=None if self.worths is None else self.worths[which],
        )


def last_closed_day(now_us: int) -> int:
    """Return the last day that is rolled up by now [since 1970]."""
    return (now_us - CLOSED_AFTER_US) // DAY_US - 1


def outdated(rows: Rows, now_us: int, longest_gap_us: int) -> PointDays:
    """Return the past days on which these readings have a say, unless they are of today.

    A reading decides what is between it and its neighbours, which are within the longest gap or do
    not count.
    """
    past_us = (now_us - LATE_AFTER_US) // DAY_US * DAY_US
    late = rows.times_us - longest_gap_us < past_us
    keys, times_us = rows.keys[late], rows.times_us[late]
    before_us: Ints = np.maximum(times_us - longest_gap_us, 0)
    reached = (before_us, times_us, times_us + longest_gap_us)
    # Rows come by point and time: of each point all but one of a day are dropped where they lie.
    found = np.unique(
        np.concatenate([_each_once(keys << _DAY_BITS | us // DAY_US) for us in reached])
    )
    days = found & ((1 << _DAY_BITS) - 1)
    past = days < past_us // DAY_US
    return PointDays(keys=found[past] >> _DAY_BITS, days=days[past])


def _each_once(numbers: Ints) -> Ints:
    return numbers[np.append(True, numbers[1:] != numbers[:-1])] if len(numbers) else numbers


def roll_up(
    histories: Histories, wanted: PointDays, longest_gap_us: int, *, worths: bool = True
) -> RolledDays:
    """Return the registers at the quarters of days, with what they are worth."""
    keys: list[int] = wanted.keys.tolist()
    bounds_us = wanted.days[:, np.newaxis] * DAY_US + np.arange(QUARTERS + 1) * QUARTER_US
    found = RolledDays(
        keys=wanted.keys,
        days=wanted.days,
        values=histories.registers_at(keys, bounds_us[:, :-1], longest_gap_us),
    )
    if not worths:
        return found
    return replace(
        found,
        worths=QuarterWorths(
            covered_us=histories.covered_us(keys, bounds_us, longest_gap_us),
            codes=histories.worst_qualities(keys, bounds_us, longest_gap_us),
        ),
    )


def on_quarters(bounds_us: Ints) -> bool:
    """Whether all of these times are quarters."""
    return not (bounds_us % QUARTER_US).any()


def missing(
    keys: Sequence[int], rolled: RolledDays, span_us: tuple[int, int], longest_gap_us: int
) -> Iterator[tuple[int, int, int]]:
    """Yield point, first and last time of the readings that are needed beside what is rolled up."""
    first_us, last_us = span_us
    first_day = first_us // DAY_US
    wanted: Mask = np.ones((len(keys), last_us // DAY_US - first_day + 1), np.bool_)
    wanted[_owners(keys, rolled.keys), rolled.days - first_day] = False
    for place in np.flatnonzero(wanted.any(axis=1)).tolist():
        for begin, end in _runs(wanted[place]):
            begin_us = max(first_us, (first_day + begin) * DAY_US)
            end_us = min(last_us, (first_day + end) * DAY_US)
            yield keys[place], begin_us - longest_gap_us, end_us + longest_gap_us


@dataclass(frozen=True, kw_only=True, eq=False)
class QuarterHistories(Histories):
    """Histories beside which some registers are known by their quarters alone, and those at once.

    Row `rows[key]` of `quarters` is a register from `begin_us` on, of `worths` what it is worth; it
    may be asked for at quarters in there alone. Nothing ever happened to it, so all of it is one
    life.
    """

    rows: Mapping[int, int]
    begin_us: int
    quarters: Floats
    worths: QuarterWorths | None = None

    def covered_us(self, keys: Sequence[int], times_us: Ints, longest_gap_us: int) -> Ints:
        """Return for how long points are known between the times, one row of times each [us]."""
        covered: Ints = super().covered_us(keys, times_us, longest_gap_us)
        for place, row, bounds in self._by_quarters(keys, times_us):
            assert self.worths is not None
            so_far = np.concatenate([[0], np.cumsum(self.worths.covered_us[row])])
            covered[place] = np.diff(so_far[bounds])
        return covered

    def worst_qualities(
        self, keys: Sequence[int], times_us: Ints, longest_gap_us: int | None
    ) -> Ints:
        """Return the worst code of all readings that have a say between the times; 0: none."""
        worst: Ints = super().worst_qualities(keys, times_us, longest_gap_us)
        for place, row, bounds in self._by_quarters(keys, times_us):
            assert self.worths is not None
            codes = self.worths.codes[row, : bounds[-1]]
            worst[place] = np.maximum.reduceat(codes, bounds[:-1])
        return worst

    def _by_quarters(self, keys: Sequence[int], times_us: Ints) -> Iterator[tuple[int, int, Ints]]:
        """Yield which rows of times are of which registers, and the quarters that they are."""
        for place, key in enumerate(keys):
            if (row := self.rows.get(key)) is not None:
                yield place, row, (times_us[place] - self.begin_us) // QUARTER_US

    def _registers_at(
        self, keys: Sequence[int], times_us: Ints, longest_gap_us: int
    ) -> tuple[Floats, Ints]:
        rows = np.array([self.rows.get(key, -1) for key in keys], np.int64)
        whole = rows >= 0
        if not whole.all():
            values, lives = super()._registers_at(keys, times_us, longest_gap_us)
        else:
            values, lives = np.empty(times_us.shape), np.zeros(times_us.shape, np.int64)
        places = (times_us[whole] - self.begin_us) // QUARTER_US
        values[whole] = self.quarters[rows[whole, np.newaxis], places]
        return values, lives


def with_rolled(
    histories: Histories, rolled: RolledDays, days: tuple[int, int], longest_gap_us: int
) -> Histories:
    """Return histories in which registers at quarters stand for the readings of rolled-up days.

    Of a register of which any day from the first to the last of `days` is rolled up, all others are
    rolled up here, from its readings.
    """
    size = days[1] - days[0] + 1
    keys = np.unique(rolled.keys)
    places = np.searchsorted(keys, rolled.keys) * size + rolled.days - days[0]
    left = np.setdiff1d(np.arange(len(keys) * size), places)
    wanted = PointDays(keys=keys[left // size], days=days[0] + left % size)
    worths = rolled.worths is not None
    made = roll_up(histories, wanted, longest_gap_us, worths=worths)
    order = np.argsort(np.concatenate([places, left]))

    def laid(of_rolled: _Values, of_made: _Values) -> _Values:
        """Return the rows of both by register, day and quarter."""
        rows: _Values = np.concatenate([of_rolled, of_made])[order]
        return rows.reshape(len(keys), size * QUARTERS)

    return QuarterHistories(
        keys=histories.keys,
        ends=histories.ends,
        times_us=histories.times_us,
        values=histories.values,
        qualities=histories.qualities,
        rows={key: row for row, key in enumerate(keys.tolist())},
        begin_us=days[0] * DAY_US,
        quarters=laid(rolled.values, made.values),
        worths=None
        if rolled.worths is None or made.worths is None
        else QuarterWorths(
            covered_us=laid(rolled.worths.covered_us, made.worths.covered_us),
            codes=laid(rolled.worths.codes, made.worths.codes),
        ),
    )


def _owners(keys: Sequence[int], wanted: Ints) -> Ints:
    """Return the places of the wanted keys among all keys."""
    order = np.argsort(np.array(keys, np.int64))
    found: Ints = order[np.searchsorted(np.array(keys, np.int64), wanted, sorter=order)]
    return found


def _runs(wanted: Mask) -> Iterator[tuple[int, int]]:
    """Yield where runs of what is wanted begin and end."""
    edges = np.diff(np.concatenate([[False], wanted, [False]]).astype(np.int8))
    yield from zip(
        (edges == 1).nonzero()[0].tolist(), (edges == -1).nonzero()[0].tolist(), strict=True
    )
