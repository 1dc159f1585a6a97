"""Samples of a publisher as a regular series."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import floor_time

OF_ANOTHER_SHAPE = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)
"""What reading an answer raises that is not of the shape that its publisher documents."""

MOST_SAMPLES = 100_000
"""So many intervals at most are believed of one answer."""


def when(text: str) -> datetime:
    """Return an instant as publishers write it: `2018-01-20T12:00Z`.

    Error: ValueError where it says no zone, or is no instant.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} says no time zone")
    return instant.astimezone(UTC)


def regular(samples: Iterable[tuple[datetime, float]], resolution: timedelta) -> Series | None:
    """Return samples on the raster of a resolution, NaN between them; None when there is none.

    Error: Unavailable when a publisher says what is no number, or years at once.
    """
    by_start = {floor_time(start, resolution): float(value) for start, value in samples}
    if not by_start:
        return None
    first, last = min(by_start), max(by_start)
    count = (last - first) // resolution + 1
    if count > MOST_SAMPLES or not all(math.isfinite(value) for value in by_start.values()):
        raise Unavailable("DEPENDENCY_UNAVAILABLE", "a publisher's intensities make no sense")
    values = np.full(count, np.nan)
    for start, value in by_start.items():
        values[(start - first) // resolution] = value
    return Series(first, resolution, values)
