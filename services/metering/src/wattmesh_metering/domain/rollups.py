"""Registers at the quarters of an hour of past days: what hours, days and months are made from.

A register at a quarter is what its readings say, on the line between the two around it, or not
known. Bounds of all hours, days and months of every zone are quarters in UTC, so their energies
come out the same from these as from the readings.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, Mask, Rows, order_of

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
class RolledDays:
    """Registers at the quarters of days: one row of 96 values per point and day, NaN: not known."""

    keys: Ints
    days: Ints
    values: Floats

    def of(self, wanted: Collection[int]) -> "RolledDays":
        """Return those of some points."""
        which = np.isin(self.keys, list(wanted))
        return RolledDays(keys=self.keys[which], days=self.days[which], values=self.values[which])


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


def roll_up(histories: Histories, days: Ints, longest_gap_us: int) -> Floats:
    """Return the registers at the quarters of one day of each history."""
    quarters_us = days[:, np.newaxis] * DAY_US + np.arange(QUARTERS) * QUARTER_US
    return histories.registers_at(histories.keys, quarters_us, longest_gap_us)


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

    Row `rows[key]` of `quarters` is a register from `begin_us` on; it may be asked for at quarters
    in there alone. Nothing ever happened to it, so all of it is one life.
    """

    rows: Mapping[int, int]
    begin_us: int
    quarters: Floats

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


def with_rolled(histories: Histories, rolled: RolledDays, days: tuple[int, int]) -> Histories:
    """Return histories in which registers at quarters stand for the readings of rolled-up days.

    Registers of which every day from the first to the last of `days` is rolled up are looked up;
    between roll-ups and readings of others is interpolated as between readings.
    """
    size = days[1] - days[0] + 1
    found, counts = np.unique(rolled.keys, return_counts=True)
    keys = found[counts == size]
    whole = np.isin(rolled.keys, keys)
    order = np.lexsort((rolled.days[whole], rolled.keys[whole]))
    mixed = _with_some_rolled(
        histories,
        RolledDays(
            keys=rolled.keys[~whole], days=rolled.days[~whole], values=rolled.values[~whole]
        ),
    )
    return QuarterHistories(
        keys=mixed.keys,
        ends=mixed.ends,
        times_us=mixed.times_us,
        values=mixed.values,
        rows={key: row for row, key in enumerate(keys.tolist())},
        begin_us=days[0] * DAY_US,
        quarters=rolled.values[whole][order].reshape(len(keys), size * QUARTERS),
    )


def _with_some_rolled(histories: Histories, rolled: RolledDays) -> Histories:
    if not len(rolled.keys):
        return histories
    known = ~np.isnan(rolled.values)
    times_us = (rolled.days[:, np.newaxis] * DAY_US + np.arange(QUARTERS) * QUARTER_US)[known]
    rolled_owners = np.repeat(_owners(histories.keys, rolled.keys), known.sum(axis=1))
    sizes = np.diff(histories.ends, prepend=0)
    owners = np.concatenate([np.repeat(np.arange(len(sizes)), sizes), rolled_owners])
    all_us = np.concatenate([histories.times_us, times_us])
    ordered = order_of(owners, all_us)
    return Histories(
        keys=histories.keys,
        ends=np.cumsum(sizes + np.bincount(rolled_owners, minlength=len(sizes))),
        times_us=all_us[ordered],
        values=np.concatenate([histories.values, rolled.values[known]])[ordered],
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
