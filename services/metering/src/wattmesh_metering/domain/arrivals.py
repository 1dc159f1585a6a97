"""What a group of batches touched: which points between which times, and how much came of it."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from wattmesh_metering.domain.readings import Ints, Rows


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Touched:
    """Per point and source, in columns: the first and last time that changed [us since 1970].

    `stored` counts new readings, `telegrams` the distinct measure times of the device; these stand
    at one of its points only, so that they add up.
    """

    keys: Ints
    sources: Ints
    first_us: Ints
    last_us: Ints
    stored: Ints
    telegrams: Ints

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def concatenated(cls, parts: "list[Touched]") -> Self:
        """Return the rows of all parts, one after the other; there is at least one."""
        return cls(
            keys=np.concatenate([part.keys for part in parts]),
            sources=np.concatenate([part.sources for part in parts]),
            first_us=np.concatenate([part.first_us for part in parts]),
            last_us=np.concatenate([part.last_us for part in parts]),
            stored=np.concatenate([part.stored for part in parts]),
            telegrams=np.concatenate([part.telegrams for part in parts]),
        )

    def spans(self) -> dict[int, tuple[int, int]]:
        """Return the first and last time of each point, of whichever source."""
        found: dict[int, tuple[int, int]] = {}
        columns = (self.keys.tolist(), self.first_us.tolist(), self.last_us.tolist())
        for key, first, last in zip(*columns, strict=True):
            begun, ended = found.get(key, (first, last))
            found[key] = min(begun, first), max(ended, last)
        return found


def touched_by(rows: Rows, sources: Ints, devices: Ints, new: Ints) -> Touched:
    """Return what kept or revised rows touch.

    Parameters: `rows` are ordered by point and time. Per row: `sources` who sent it, `devices` a
    number of its device, `new` 1 for a reading that was not there, 0 for another value of one that
    was.
    """
    order = np.argsort(sources, kind="stable")
    keys, times_us, source = rows.keys[order], rows.times_us[order], sources[order]
    firsts = _changes(keys, source)
    lasts = np.append(firsts[1:], len(order))[: len(firsts)] - 1
    counts = np.add.reduceat(new[order], firsts) if len(order) else new
    owners = devices[order][firsts]
    return Touched(
        keys=keys[firsts],
        sources=source[firsts],
        first_us=times_us[firsts],
        last_us=times_us[lasts],
        stored=counts,
        telegrams=_telegrams(rows.times_us, sources, devices, new, (source[firsts], owners)),
    )


def _telegrams(
    times_us: Ints, sources: Ints, devices: Ints, new: Ints, places: tuple[Ints, Ints]
) -> Ints:
    """Return the distinct new times of each device, at the first of its places, else 0."""
    fresh = new > 0
    times_us, sources, devices = times_us[fresh], sources[fresh], devices[fresh]
    order = _order(times_us, devices, sources)
    distinct = order[_changes(times_us[order], devices[order], sources[order])]
    source, device = sources[distinct], devices[distinct]
    firsts = _changes(source, device)
    sizes = np.diff(np.append(firsts, len(distinct))).tolist()
    pairs = zip(source[firsts].tolist(), device[firsts].tolist(), strict=True)
    counted = dict(zip(pairs, sizes, strict=True))
    at_places = zip(places[0].tolist(), places[1].tolist(), strict=True)
    return np.array([counted.pop(pair, 0) for pair in at_places], np.int64)


def _order(times_us: Ints, devices: Ints, sources: Ints) -> Ints:
    """Return the order by source, device and time: of one number, where all three fit into it."""
    if not len(times_us):
        return times_us
    since_us = times_us - times_us.min()
    owners = sources * (int(devices.max()) + 1) + devices
    longest = int(since_us.max()) + 1
    if (int(owners.max()) + 1) * longest < 2**62:
        return np.argsort(owners * longest + since_us, kind="stable")
    return np.lexsort((times_us, devices, sources))


def _changes(*columns: Ints) -> Ints:
    """Return where one of the columns, ordered together, is not what it was in the row before."""
    size = len(columns[0])
    changed = np.zeros(size, np.bool_)
    changed[:1] = True
    for column in columns:
        changed[1:] |= np.diff(column) != 0
    return changed.nonzero()[0]
