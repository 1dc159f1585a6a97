"""Readings of numbered places, as the database aggregates them, to histories."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wattmesh_metering.adapters import columns
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, order_of


def placed_histories(places: int, rows: Sequence[tuple[Any, ...]]) -> Histories:
    """Return the readings of all places, those of each by time.

    Parameters: a row holds a place, and `string_agg` of `timestamptz_send`, of `float8send` and of
    `int2send` of the quality.
    """
    found = {row[0]: row[1:] for row in rows}
    of_places = [found.get(place, (b"", b"", b"")) for place in range(places)]
    times_us = columns.times_from_send(b"".join(row[0] for row in of_places))
    values = columns.floats_from_send(b"".join(row[1] for row in of_places))
    qualities = columns.smallints_from_send(b"".join(row[2] for row in of_places))
    sizes = np.array([len(row[0]) // 8 for row in of_places], np.int64)
    order = order_of(np.repeat(np.arange(places), sizes), times_us)
    return Histories(
        keys=tuple(range(places)),
        ends=np.cumsum(sizes),
        times_us=times_us[order],
        values=values[order],
        qualities=qualities[order],
    )


def placed_readings(rows: Sequence[tuple[Any, ...]]) -> tuple[Ints, Ints, Floats]:
    """Return the same rows as columns: places, times [us since 1970] and values."""
    sizes = np.array([len(times) // 8 for _, times, _ in rows], np.int64)
    places = np.array([place for place, _, _ in rows], np.int64)
    return (
        np.repeat(places, sizes),
        columns.times_from_send(b"".join(times for _, times, _ in rows)),
        columns.floats_from_send(b"".join(values for _, _, values in rows)),
    )
