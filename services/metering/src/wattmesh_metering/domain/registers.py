"""Whether readings of registers fit what is kept already: a register never falls.

A reading is held against its direct neighbours in measure time, kept ones and those of the same
group alike: it must not lie below its predecessor nor above its successor. So it does not matter
in which order readings arrive: what comes late is refused only when it contradicts a kept reading
next to it, and a reading that is kept already is a duplicate, whatever its value. A reading marked
as a reset begins a new register life: it is not held against its predecessor.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_metering.domain.readings import Ints, Mask, Rows, from_microseconds

RELATIVE_TOLERANCE = 1e-9
"""How far a register may fall, as a share of its value: rounding, not energy."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Verdict:
    """What is to be done with each candidate row; a row is new when it is neither of these."""

    duplicate: Mask
    """The key (point, time) is kept already."""
    fallen: dict[int, str]
    """Rows that contradict a neighbour, with the reason in words."""


def judge(candidates: Rows, kept: Rows) -> Verdict:
    """Hold candidates against their kept neighbours.

    Parameters: `candidates` are readings of registers, each (point, time) once. `kept` holds, for
    every point of theirs, all kept readings between its first and last candidate, and the kept
    reading next to them on either side.
    """
    merged = _Merged(candidates, kept)
    duplicate = merged.duplicates()
    fallen: dict[int, str] = {}
    for key in merged.falling_keys(duplicate):
        fallen.update(_walk(key, candidates, kept, duplicate))
    return Verdict(duplicate=duplicate, fallen=fallen)


class _Merged:
    """Kept and candidate rows in one order: by point, time, kept before candidate."""

    def __init__(self, candidates: Rows, kept: Rows) -> None:
        self._kept_count = len(kept)
        self._candidate_count = len(candidates)
        self._rows = Rows.concatenated([kept, candidates])
        self._order = np.lexsort((self._rows.times_us, self._rows.keys))

    def duplicates(self) -> Mask:
        """Return which candidates have the key of a kept row (lexsort keeps kept rows first)."""
        ordered = self._rows[self._order]
        same = np.zeros(len(ordered), np.bool_)
        same[1:] = (np.diff(ordered.keys) == 0) & (np.diff(ordered.times_us) == 0)
        duplicate: Mask = np.zeros(self._candidate_count, np.bool_)
        duplicate[self._order[same] - self._kept_count] = True
        return duplicate

    def falling_keys(self, duplicate: Mask) -> list[int]:
        """Return the points whose values, kept and new, do not ascend in time."""
        new = np.concatenate([np.ones(self._kept_count, np.bool_), ~duplicate])
        ordered = self._rows[self._order[new[self._order]]]
        before, after = ordered.values[:-1], ordered.values[1:]
        falls = (np.diff(ordered.keys) == 0) & ~ordered.resets[1:] & _below(after, before)
        return [int(key) for key in np.unique(ordered.keys[1:][falls])]


def _walk(key: int, candidates: Rows, kept: Rows, duplicate: Mask) -> dict[int, str]:
    """Go through one point's readings in time and refuse what contradicts a neighbour."""
    fallen: dict[int, str] = {}
    own = ((candidates.keys == key) & ~duplicate).nonzero()[0]
    own = own[np.argsort(candidates.times_us[own], kind="stable")]
    mine = kept[kept.keys == key]
    mine = mine[np.argsort(mine.times_us, kind="stable")]
    following: Ints = np.searchsorted(mine.times_us, candidates.times_us[own])
    last: tuple[int, float] | None = None  # the newest candidate that passed
    for row, after in zip(own.tolist(), following.tolist(), strict=True):
        time, value = int(candidates.times_us[row]), float(candidates.values[row])
        before = last
        if after > 0 and (last is None or int(mine.times_us[after - 1]) > last[0]):
            before = int(mine.times_us[after - 1]), float(mine.values[after - 1])
        if before and not candidates.resets[row] and _below(value, before[1]):
            fallen[row] = f"{value:g} is below {before[1]:g} of {_at(before[0])}"
        elif after < len(mine) and not mine.resets[after] and _below(mine.values[after], value):
            later = int(mine.times_us[after])
            fallen[row] = f"{value:g} is above {mine.values[after]:g} of {_at(later)}"
        else:
            last = time, value
    return fallen


def _below(value: float | np.ndarray, other: float | np.ndarray) -> Mask:
    below: Mask = np.less(value, other - RELATIVE_TOLERANCE * np.abs(other))
    return below


def _at(time_us: int) -> str:
    return from_microseconds(time_us).isoformat()
