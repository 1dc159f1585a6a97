"""The newest reading of every point that was asked for, in memory."""

from collections.abc import Sequence

import numpy as np

from wattmesh_metering.domain.readings import Floats, Ints, Mask, RegisteredPoint, Rows

_NEVER = -(2**62)


class NewestReadings:
    """Columns by point key, kept up to date by whoever hears of every reading that is kept.

    While nobody hears (`close`), nothing is known here. What was read from the database before
    something was heard does not take its place.
    """

    def __init__(self) -> None:
        self._open = False
        self.life = 0
        """Grows whenever all is forgotten: what was asked for before must not be filled in."""
        self._forget()

    def open(self) -> None:
        """From now on every reading is heard of."""
        self._open = True

    def close(self) -> None:
        """Forget all: readings may be missed from now on."""
        self._open = False
        self.life += 1
        self._forget()

    def hear(self, rows: Rows) -> None:
        """Take note of readings that stand now."""
        if not self._open or not len(rows):
            return
        ordered = rows[rows.order()]
        last: Mask = np.append(ordered.keys[1:] != ordered.keys[:-1], True)
        newest = ordered[last]
        self._make_room(int(newest.keys[-1]))
        fresh = newest[newest.times_us >= self._times_us[newest.keys]]
        self._set(fresh.keys, fresh.times_us, fresh.values, fresh.qualities)

    def fill(self, life: int, keys: Ints, newest: tuple[Ints, Floats, Ints]) -> None:
        """Take over what the database says of points: their newest times, values, qualities."""
        if not self._open or life != self.life or not len(keys):
            return
        self._make_room(int(keys.max()))
        times_us, values, qualities = newest
        older = times_us > self._times_us[keys]
        self._set(keys[older], times_us[older], values[older], qualities[older])
        self._known[keys] = True

    def known(self, keys: Ints) -> Mask:
        """Return of which points the newest reading is known here."""
        inside = keys < len(self._known)
        found: Mask = np.zeros(len(keys), np.bool_)
        found[inside] = self._known[keys[inside]]
        return found

    def of(self, keys: Ints) -> tuple[Ints, Floats, Ints]:
        """Return times [us since 1970], values and quality codes of points that are known."""
        return self._times_us[keys], self._values[keys], self._qualities[keys]

    def _set(self, keys: Ints, times_us: Ints, values: Floats, qualities: Ints) -> None:
        self._times_us[keys], self._values[keys], self._qualities[keys] = (
            times_us,
            values,
            qualities,
        )

    def _forget(self) -> None:
        self._times_us: Ints = np.empty(0, np.int64)
        self._values: Floats = np.empty(0)
        self._qualities: Ints = np.empty(0, np.int64)
        self._known: Mask = np.empty(0, np.bool_)

    def _make_room(self, key: int) -> None:
        more = key + 1 - len(self._known)
        if more > 0:
            more = max(more, len(self._known))  # at least twice as much: seldom
            self._times_us = np.append(self._times_us, np.full(more, _NEVER))
            self._values = np.append(self._values, np.zeros(more))
            self._qualities = np.append(self._qualities, np.zeros(more, np.int64))
            self._known = np.append(self._known, np.zeros(more, np.bool_))


def keys_of(points: Sequence[RegisteredPoint]) -> Ints:
    """Return the keys of points as a column."""
    return np.fromiter((point.key for point in points), np.int64, len(points))
