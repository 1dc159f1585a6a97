"""What the constructors of the domain refuse, in words that name the field."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wattmesh_kernel.errors import InvalidArgument

LEAST = 1e-6
"""Least of what has to be above 0, for it is divided by: kW, kWh, K/kW, ratios."""

Floats = NDArray[np.float64]
"""An array of doubles, one per interval where nothing else is said."""


def refuse(field: str, message: str) -> InvalidArgument:
    """Return the error for a value that makes no sense."""
    return InvalidArgument("INVALID_PROBLEM", f"{field}: {message}", field=field)


def at_least(field: str, value: float, bound: float) -> None:
    """Raise InvalidArgument unless `value` is finite and at least `bound`."""
    if not math.isfinite(value) or value < bound:
        raise refuse(field, f"must be at least {bound:g}, not {value:g}")


def positive(field: str, value: float) -> None:
    """Raise InvalidArgument unless `value` is finite and above 0, by at least LEAST."""
    if not math.isfinite(value) or value < LEAST:
        raise refuse(field, f"must be above 0, at least {LEAST:g}, not {value:g}")


def within(field: str, value: float, low: float, high: float) -> None:
    """Raise InvalidArgument unless `low <= value <= high`."""
    if not low <= value <= high:
        raise refuse(field, f"must be between {low:g} and {high:g}, not {value:g}")


def efficiency(field: str, value: float) -> None:
    """Raise InvalidArgument unless `value` is in [LEAST, 1]."""
    if not LEAST <= value <= 1:
        raise refuse(field, f"must be above 0, at least {LEAST:g}, and at most 1, not {value:g}")


def finite(field: str, value: float) -> None:
    """Raise InvalidArgument unless `value` is finite."""
    if not math.isfinite(value):
        raise refuse(field, f"must be finite, not {value:g}")


def series(field: str, values: ArrayLike, count: int, *, low: float = -math.inf) -> Floats:
    """Return `values` as a read-only array; refuse another length, NaN, or values below `low`."""
    array = np.array(values, dtype=np.float64)
    if array.shape != (count,):
        raise refuse(field, f"needs {count} values, one per interval, not {array.size}")
    if not np.isfinite(array).all():
        first = int(np.flatnonzero(~np.isfinite(array))[0])
        raise refuse(field, f"value {first} is not finite")
    if (array < low).any():
        first = int(np.flatnonzero(array < low)[0])
        raise refuse(field, f"value {first} is {array[first]:g}, must be at least {low:g}")
    array.setflags(write=False)
    return array


def unique(field: str, names: Iterable[str]) -> None:
    """Raise InvalidArgument when a name is empty or comes twice."""
    seen: set[str] = set()
    for name in names:
        if not name or name in seen:
            raise refuse(field, f"{name!r} is empty or comes twice")
        seen.add(name)
