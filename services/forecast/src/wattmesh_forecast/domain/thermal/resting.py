"""When a site's plants rest, and what its load tells of fans that run with them by the clock.

A building whose plants run by the clock starts its fans with them in the morning and stops both in
the evening. What its load rises by then and falls by then is fans, lights and whatever else comes
with people: no more than the lesser of both, and of that no more than fans take.
"""

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.thermal.record import Floats

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_HOURS = 24
_RUNS_RATIO = 0.03
"""Of the most that plants usually draw, from which on they run."""
_USUALLY = 0.5
_SHORTEST_REST = 7
"""So many hours without a plant are a rest; fewer are an hour of which nothing was needed."""
_LEAST_HINT, _MOST_HINT = 0.1, 0.4
"""Less is nothing that plants switch. An indoor fan takes 0.365 W for a cubic foot of air a minute
(AHRI 210/240): at 400 of these a ton of cold and a COP of 4 a sixth of what its machine takes, at
half of the machine's load a third."""


def rests(plants_w: Floats, hours: Ints) -> Bools:
    """Return in which hours plants usually rest, shape (48,): of workdays, then of other days.

    `plants_w` (n,) is what all draw [W], `hours` (n,) of which hour. Hours of which nothing is
    known are hours of rest where the other kind of day has some.
    """
    most_w = _usual_most_w(plants_w)
    ran = np.bincount(hours, plants_w > _RUNS_RATIO * most_w, minlength=2 * _HOURS)
    seen = np.bincount(hours, minlength=2 * _HOURS)
    idle = ran < _USUALLY * seen
    parts = []
    for kind in (0, _HOURS):
        day, known = idle[kind : kind + _HOURS], seen[kind : kind + _HOURS] > 0
        parts.append(_long_enough(day | ~known) if known.any() else None)
    whole = [part for part in parts if part is not None]
    other = np.full(_HOURS, any(part.any() for part in whole))
    return np.concatenate([other if part is None else part for part in parts])


def hinted_ratio(loads_w: Floats, plants_w: Floats, hours: Ints, resting: Bools) -> float:
    """Return what loads may draw along with a watt of plants that run where they rest now.

    By what loads rise and fall by around the hours in which plants run on workdays, at least, with
    an hour between: fans begin before plants, and end after. From 2.4 kW to 4.4 in the morning and
    from 5.3 to 2.3 in the evening fans are 2.0 kW at most: of plants of 5 kW 0.4. 0: no hint.
    """
    day = resting[:_HOURS]
    if not day.any() or day.all():
        return 0.0
    count = np.bincount(hours, minlength=2 * _HOURS)[:_HOURS]
    total = np.bincount(hours, loads_w, minlength=2 * _HOURS)[:_HOURS]
    usual = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    at = np.arange(_HOURS)
    starts = at[~day & np.roll(day, 1)]
    ends = at[~day & np.roll(day, -1)]
    rises = usual[starts] - usual[(starts - 2) % _HOURS]
    falls = usual[ends] - usual[(ends + 2) % _HOURS]
    steps = np.concatenate([rises, falls])
    most_w = _usual_most_w(plants_w)
    if not np.isfinite(steps).all() or most_w <= 0.0:
        return 0.0
    hint = float(steps.min()) / most_w
    return min(hint, _MOST_HINT) if hint >= _LEAST_HINT else 0.0


def _usual_most_w(plants_w: Floats) -> float:
    """Return what plants draw when they draw much [W]; a single spike is none."""
    runs = plants_w[plants_w > 0.0]
    return float(np.quantile(runs, 0.9)) if len(runs) else 0.0


def _long_enough(idle: Bools) -> Bools:
    """Return the hours of a day's rests, of those that last, over midnight too."""
    if idle.all():
        return idle
    found = np.zeros(_HOURS, dtype=np.bool_)
    begin = int(np.flatnonzero(~idle)[0])
    run: list[int] = []
    for hour in [*range(begin, begin + _HOURS), begin]:
        if idle[hour % _HOURS]:
            run.append(hour % _HOURS)
            continue
        if len(run) >= _SHORTEST_REST:
            found[run] = True
        run = []
    return found
