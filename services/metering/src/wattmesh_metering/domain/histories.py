"""Kept readings of many points, one after the other in common columns.

Numpy then works on all registers of a query at once: a call for each of them costs more than the
arithmetic.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from wattmesh_kernel.quantities import Quality
from wattmesh_metering.domain.readings import (
    QUALITY_CODES,
    Breaks,
    Floats,
    History,
    Ints,
    Mask,
)

_NO_TIMES: Ints = np.empty(0, np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Histories:
    """Readings of the points `keys`, in this order, those of each by time.

    `ends[i]` is the row after the last one of point i. `resets_us` holds, by key, the times at
    which a register began anew from 0; `breaks` those at which it went on elsewhere.
    `qualities` are codes, if they were asked for. `estimated`: what lies between the reading before
    and this one is not known but put in its place (see substitutes.py).
    """

    keys: Sequence[int]
    ends: Ints
    times_us: Ints
    values: Floats
    resets_us: dict[int, Ints] = field(default_factory=dict)
    breaks: dict[int, Breaks] = field(default_factory=dict)
    qualities: Ints | None = None
    estimated: Mask | None = None

    @classmethod
    def of_one(cls, history: History) -> "Histories":
        """Return the history of one point, with key 1."""
        return cls(
            keys=(1,),
            ends=np.array([len(history.times_us)], np.int64),
            times_us=history.times_us,
            values=history.values,
            resets_us={1: history.resets_us},
            breaks={} if history.breaks is None else {1: history.breaks},
        )

    def of(self, key: int) -> History:
        """Return the history of one point."""
        rows = self._rows(self._places[key])
        return History(
            times_us=self.times_us[rows],
            values=self.values[rows],
            resets_us=self.resets_us.get(key, _NO_TIMES),
            breaks=self.breaks.get(key),
        )

    def rows_of(self, key: int) -> tuple[int, Ints]:
        """Return the first row of a point, and the times of all of its rows."""
        rows = self._rows(self._places[key])
        return rows.start, self.times_us[rows]

    def lives_of(self, key: int) -> Ints:
        """Return, per reading of a point, how many unknown breaks there were up to it."""
        return self._lives[self._rows(self._places[key])]

    def lifted_of(self, key: int) -> Floats:
        """Return what a point shows, as if no register had ever been reset or exchanged."""
        return self._lifted[self._rows(self._places[key])]

    def rises(self, keys: Sequence[int], times_us: Ints, longest_gap_us: int) -> Floats:
        """Return the increase of registers between the times, one row of times each.

        NaN where the register is not known at both times, see `registers_at`. A decrease is no
        energy and NaN too; one that is only rounding counts as 0.
        """
        at_times, lives = self._registers_at(keys, times_us, longest_gap_us)
        rise = np.diff(at_times)
        rise[np.diff(lives) != 0] = np.nan
        rounding = 1e-9 * np.abs(at_times[:, 1:])
        return np.where(rise < -rounding, np.nan, np.maximum(rise, 0.0))

    def registers_at(self, keys: Sequence[int], times_us: Ints, longest_gap_us: int) -> Floats:
        """Return values of registers at times, one row of times each, interpolated.

        Values go on growing over resets, as if there had been none. NaN outside of the readings,
        and between two that are further apart than `longest_gap_us`: there nobody knows when the
        energy flowed. 100 at 10:00 and 160 at 11:00 are 115 at 10:15.
        """
        return self._registers_at(keys, times_us, longest_gap_us)[0]

    def _registers_at(
        self, keys: Sequence[int], times_us: Ints, longest_gap_us: int
    ) -> tuple[Floats, Ints]:
        """Return values, and in which life of the register they are: unknown breaks part lives."""
        if not len(self.times_us):
            return np.full(times_us.shape, np.nan), np.zeros(times_us.shape, np.int64)
        points, asked = self._asked(keys, times_us)
        after = np.searchsorted(self._clock, asked)
        inside = (after > self._firsts[points]) & (after < self.ends[points])
        after = np.minimum(after, len(self._clock) - 1)
        before = np.maximum(after - 1, 0)
        gap = self.times_us[after] - self.times_us[before]
        share = (times_us - self.times_us[before]) / np.maximum(gap, 1)
        lifted, lives = self._lifted, self._lives
        between = lifted[before] + share * (lifted[after] - lifted[before])
        inside &= (gap <= longest_gap_us) & (lives[before] == lives[after])
        known = np.where(inside, between, np.nan)
        return np.where(self._clock[after] == asked, lifted[after], known), lives[after]

    def covered_us(self, keys: Sequence[int], times_us: Ints, longest_gap_us: int) -> Ints:
        """Return for how long points are known between the times, one row of times each [us].

        What lies between two readings is known unless they are further apart than the longest gap,
        or nobody knows how the register went on in between; substitutes are not known.
        """
        until: Ints = np.zeros(times_us.shape, np.int64)
        if len(self.times_us):
            points, asked = self._asked(keys, times_us)
            known = self._known(longest_gap_us)
            so_far = np.concatenate([[0], np.cumsum(np.where(known, np.diff(self.times_us), 0))])
            last = np.searchsorted(self._clock, asked, side="right") - 1
            inside = last >= self._firsts[points]
            last = np.where(inside, last, np.minimum(self._firsts[points], len(so_far) - 1))
            within = inside & np.append(known, False)[last]
            until = so_far[last] + np.where(within, times_us - self.times_us[last], 0)
        covered: Ints = np.diff(until)
        return covered

    def worst_qualities(
        self, keys: Sequence[int], times_us: Ints, longest_gap_us: int | None
    ) -> Ints:
        """Return the worst code of the readings between the times and at them; 0: there is none.

        With a longest gap also of those around a time, where what is known there is made from them.
        """
        worst: Ints = np.zeros((len(times_us), times_us.shape[1] - 1), np.int64)
        codes = self.qualities
        if codes is None or not len(codes):
            return worst
        points, asked = self._asked(keys, times_us)
        at, after = (
            np.searchsorted(self._clock, asked),
            np.searchsorted(self._clock, asked, "right"),
        )
        between: Ints = np.zeros(len(codes) - 1, np.int64)
        if longest_gap_us is not None:
            known = self._known(longest_gap_us)
            between = np.where(known, np.maximum(codes[:-1], codes[1:]), between)
        if self.estimated is not None:
            between[self.estimated[1:]] = QUALITY_CODES[Quality.SUBSTITUTED]
        first = np.maximum(after[:, :-1] - 1, self._firsts[points])
        first = np.minimum(first, len(between))
        end = np.clip(at[:, 1:], first, len(between))
        for code in (1, 2, 3):
            readings = np.concatenate([[0], np.cumsum(codes == code)])
            spans = np.concatenate([[0], np.cumsum(between == code)])
            found = readings[after[:, 1:]] > readings[at[:, :-1]]
            worst[found | (spans[end] > spans[first])] = code
        return worst

    def _asked(self, keys: Sequence[int], times_us: Ints) -> tuple[Ints, Ints]:
        """Return the places of points, and times on the scale of all points."""
        points = np.array([self._places[key] for key in keys], np.int64)[:, np.newaxis]
        return points, points * self._stride + np.clip(
            times_us - self._origin, -1, self._stride - 1
        )

    def _known(self, longest_gap_us: int) -> Mask:
        """Return, per reading but the last, whether the point is known from it to the next one."""
        known: Mask = (np.diff(self.times_us) <= longest_gap_us) & (np.diff(self._lives) == 0)
        sizes = self.ends - self._firsts
        known &= np.diff(np.repeat(np.arange(len(self.keys)), sizes)) == 0
        if self.estimated is not None:
            known &= ~self.estimated[1:]
        return known

    @cached_property
    def _places(self) -> dict[int, int]:
        return {key: place for place, key in enumerate(self.keys)}

    @cached_property
    def _firsts(self) -> Ints:
        return np.concatenate([[0], self.ends[:-1]]).astype(np.int64)

    @cached_property
    def _origin(self) -> int:
        return int(self.times_us.min())

    @cached_property
    def _stride(self) -> int:
        """More than there is between the first and the last time of all [us]."""
        return int(self.times_us.max()) - self._origin + 2

    @cached_property
    def _clock(self) -> Ints:
        """Times on one scale on which points follow each other, so that one search finds all."""
        sizes = self.ends - self._firsts
        owners = np.repeat(np.arange(len(self.keys)), sizes)
        clock: Ints = owners * self._stride + (self.times_us - self._origin)
        return clock

    @cached_property
    def _lifted(self) -> Floats:
        """Values as if no register had ever been reset.

        A reset begins anew from 0, so what was shown before it is added to all that comes from
        there on: 90, 95, then after a reset 2, 7 become 90, 95, 97, 102.
        """
        lifted = self.values.copy()
        for key, resets_us in self.resets_us.items():
            rows = self._rows(self._places[key])
            lifted[rows] += _lift(self.times_us[rows], self.values[rows], resets_us)
        for key, breaks in self.breaks.items():
            lifted[self._rows(self._places[key])] += self._steps(key, breaks)
        return lifted

    @cached_property
    def _lives(self) -> Ints:
        """How many breaks, of which nobody knows how far, there were up to each reading."""
        lives: Ints = np.zeros(len(self.values), np.int64)
        for key, breaks in self.breaks.items():
            unknown = Breaks(
                times_us=breaks.times_us, lifts=np.where(np.isnan(breaks.lifts), 1.0, np.nan)
            )
            steps = self._steps(key, unknown)
            lives[self._rows(self._places[key])] = steps.astype(np.int64)
        return lives

    def _steps(self, key: int, breaks: Breaks) -> Floats:
        """Return, per reading of a point, the sum of the known lifts up to it."""
        times_us = self.times_us[self._rows(self._places[key])]
        steps = np.zeros(len(times_us))
        places = np.searchsorted(times_us, breaks.times_us)
        chosen = (places > 0) & (places < len(times_us)) & np.isfinite(breaks.lifts)
        np.add.at(steps, places[chosen], breaks.lifts[chosen])
        return np.cumsum(steps)

    def _rows(self, place: int) -> slice:
        return slice(int(self._firsts[place]), int(self.ends[place]))


def _lift(times_us: Ints, values: Floats, resets_us: Ints) -> Floats:
    places = np.searchsorted(times_us, resets_us)
    places = places[(places > 0) & (places < len(times_us))]
    lift = np.zeros(len(values))
    lift[places] = values[places - 1]
    return np.cumsum(lift)
