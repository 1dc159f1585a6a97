"""The readings of the last commits, and the newest few of each point: what judging mostly needs.

Whoever keeps readings and judges them right after need not have the database read them back. That
holds while one process keeps all readings: as soon as there is another one, all is forgotten here.
"""

from collections.abc import Collection, Sequence

import numpy as np

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, Mask, Rows, order_of

MOST_ROWS = 1_000_000
"""How many readings that are not judged yet are held at most."""


class RecentReadings:
    """Readings by commit until they are judged; of each point the newest `depth` that were judged.

    What is not known here is read from the database, and learned from that.
    """

    def __init__(self, depth: int, most_rows: int = MOST_ROWS) -> None:
        self._depth = depth
        self._most_rows = most_rows
        self.clear()

    def clear(self) -> None:
        """Forget all: somebody else keeps readings too, or nobody knows what became of some."""
        self._of_commits: dict[int, Rows] = {}
        self._held = 0
        self._sizes: Ints = np.zeros(0, np.int64)
        self._times_us: Ints = np.zeros((0, self._depth), np.int64)
        self._values: Floats = np.zeros((0, self._depth))

    def keep(self, commit: int, rows: Rows) -> None:
        """Take note of what a commit added; of so much that is not judged yet the oldest goes."""
        self._of_commits[commit] = rows
        self._held += len(rows)
        while self._held > self._most_rows:
            self._forget(next(iter(self._of_commits)))

    def of(
        self, commits: Collection[int], keys: Ints, firsts_us: Ints
    ) -> tuple[Mask, tuple[Ints, Ints, Floats]]:
        """Return which of the points are known with all that these commits added to them.

        Of those: by place, the newest readings before and all that were added. A point is known
        when each is newer than what was there, and it stands once in `keys`. `firsts_us` are the
        first times of what was added [us since 1970].
        """
        nothing = np.zeros(len(keys), np.bool_), no_readings()
        held = {commit for commit in self._of_commits if commit <= max(commits, default=0)}
        if held > set(commits):  # somebody else has judged what is not asked for
            self.clear()
        if not len(keys) or held != set(commits):
            return nothing
        self._make_room(int(keys.max()))
        counts = np.bincount(keys)[keys]
        sizes = self._sizes[keys]
        ends_us = self._times_us[keys, np.maximum(sizes, 1) - 1]
        known: Mask = (counts == 1) & (sizes > 0) & (ends_us < firsts_us)
        if not known.any():
            return nothing
        places_of: Ints = np.full(int(keys.max()) + 1, -1, np.int64)
        places_of[keys[known]] = known.nonzero()[0]
        rows = Rows.concatenated([self._of_commits[commit] for commit in commits])
        inside = rows.keys < len(places_of)
        added = np.where(inside, places_of[np.where(inside, rows.keys, 0)], -1)
        mine = added >= 0
        chosen = known.nonzero()[0]
        before = np.arange(self._depth) < sizes[chosen, np.newaxis]
        owners = np.concatenate([np.repeat(chosen, sizes[chosen]), added[mine]])
        times_us = np.concatenate([self._times_us[keys[chosen]][before], rows.times_us[mine]])
        values = np.concatenate([self._values[keys[chosen]][before], rows.values[mine]])
        return known, (owners, times_us, values)

    def judged(self, commits: Collection[int], keys: Ints, lasts_us: Ints, seen: Histories) -> None:
        """Let go of what was judged, and learn the newest readings of the points that were.

        Parameters: by place, `lasts_us` are the last times of what had changed, `seen` what there
        is around: up to the newest reading, unless it holds `depth` of them behind that.
        """
        for commit in commits:
            self._forget(commit)
        if not len(keys):
            return
        self._make_room(int(keys.max()))
        begins = np.concatenate([[0], seen.ends[:-1]]).astype(np.int64)
        owners = np.repeat(np.arange(len(keys)), seen.ends - begins)
        behind = np.bincount(owners[seen.times_us > lasts_us[owners]], minlength=len(keys))
        once = np.bincount(keys)[keys] == 1
        self._sizes[keys[~once]] = 0
        ends_here = once & (behind < self._depth) & (seen.ends > begins)
        ends, begins, keys = seen.ends[ends_here], begins[ends_here], keys[ends_here]
        sizes = np.minimum(ends - begins, self._depth)
        rows = (ends - sizes)[:, np.newaxis] + np.arange(self._depth)
        rows = np.minimum(rows, ends[:, np.newaxis] - 1)
        self._sizes[keys] = sizes
        self._times_us[keys], self._values[keys] = seen.times_us[rows], seen.values[rows]

    def _forget(self, commit: int) -> None:
        rows = self._of_commits.pop(commit, None)
        self._held -= 0 if rows is None else len(rows)

    def _make_room(self, key: int) -> None:
        more = key + 1 - len(self._sizes)
        if more > 0:
            more = max(more, len(self._sizes))  # at least twice as much: seldom
            self._sizes = np.append(self._sizes, np.zeros(more, np.int64))
            empty = np.zeros((more, self._depth))
            self._times_us = np.concatenate([self._times_us, empty.astype(np.int64)])
            self._values = np.concatenate([self._values, empty])


def joined(parts: Sequence[tuple[Ints, Ints, Floats]], places: int) -> Histories:
    """Return readings of numbered places as histories; parts hold places, times and values."""
    owners, times_us, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = order_of(owners, times_us)
    return Histories(
        keys=tuple(range(places)),
        ends=np.cumsum(np.bincount(owners, minlength=places)),
        times_us=times_us[order],
        values=values[order],
    )


def no_readings() -> tuple[Ints, Ints, Floats]:
    """Return no places, times and values."""
    none = np.empty(0, np.int64)
    return none, none, np.empty(0)
