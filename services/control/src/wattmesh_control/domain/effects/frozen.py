"""Whether a meter stands still: real meters do not say the same digits again and again."""

from datetime import datetime

import numpy as np

from wattmesh_control.domain.effects.windows import (
    Floats,
    Held,
    index_until,
    values_before,
    values_within,
)
from wattmesh_kernel.series import Series

_HABIT_INTERVALS = 240
_LEAST_HABIT = 10
_CHANCE = 1e-4
_LEAST_STILL = 4


def stands_still(series: Series, held: Held, settled: datetime, *, moved: bool) -> bool:
    """Tell whether the last readings of a command repeat each other more than chance allows.

    How often this meter repeats itself is read from its own past: n equal readings in a row have
    the chance `p ** (n - 1)`. A meter that always repeats itself (an ideal one, or one that has
    long been frozen) is told by standing still at a value other than 0 through a command that was
    to change it; `moved`: it came to what was asked.
    """
    after = values_within(series, settled, held.end)
    run = _equal_at_end(after)
    past = values_before(series, held.sent, _HABIT_INTERVALS)
    if len(past) >= _LEAST_HABIT:
        repeats = int(np.sum(past[1:] == past[:-1]))
        chance = (repeats + 1) / (len(past) + 1)
        if chance ** (run - 1) < _CHANCE:
            return True
    if moved:
        return False
    through = series.values[max(index_until(series, held.sent) - 2, 0) :][: len(after) + 2]
    known = through[np.isfinite(through)]
    same = len(known) >= _LEAST_STILL and bool(np.all(known == known[0])) and run == len(after)
    return same and bool(known[0] != 0.0) and bool(after[-1] == known[0])


def _equal_at_end(values: Floats) -> int:
    changes = np.flatnonzero(values[1:] != values[:-1])
    return len(values) if not changes.size else len(values) - 1 - int(changes[-1])
