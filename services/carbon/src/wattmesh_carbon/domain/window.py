"""When a run is cleanest, in one piece or in several."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.checks import require, require_at_least
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

MOST_INTERRUPTIBLE = 7 * 96
"""The most quarter-hours over which an interruptible run is placed."""
_LONGEST_HOURS = 366 * 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What is to run: so long, with so much energy; `energy_wh` 0: not told."""

    duration: timedelta
    energy_wh: float = 0.0
    interruptible: bool = False
    min_stretch: timedelta = timedelta(0)

    @classmethod
    def of(
        cls,
        duration: timedelta | None,
        *,
        energy_wh: float = 0.0,
        power_w: float = 0.0,
        interruptible: bool = False,
        min_stretch: timedelta = timedelta(0),
    ) -> "Run":
        """Return a run whose length is told, or follows from energy and power."""
        require_at_least(energy_wh, 0.0, "energy_wh")
        require_at_least(power_w, 0.0, "power_w")
        if duration is None and energy_wh and power_w:
            hours = energy_wh / power_w
            fits = hours <= _LONGEST_HOURS
            require(fits, "INVALID_RUN", "so long a run is none", "power_w")
            duration = timedelta(hours=hours)
        if duration is None:
            raise InvalidArgument("INVALID_RUN", "say how long it runs", field="run_duration")
        return cls(
            duration=duration,
            energy_wh=energy_wh,
            interruptible=interruptible,
            min_stretch=min_stretch,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The stretches of a run with their mean intensity, beside starting at once [gCO2e/kWh]."""

    stretches: tuple[TimeRange, ...]
    mean: float
    immediate_mean: float

    @property
    def span(self) -> TimeRange:
        """From the beginning of the run to its end."""
        return TimeRange(self.stretches[0].start, self.stretches[-1].end)


def best_window(expected: Series, run: timedelta) -> Window:
    """Return the earliest window of length `run` with the lowest mean intensity.

    For `[300, 100, 200]` hourly and a run of two hours it is the second hour on, at a mean of 150
    against 200 at once. The run is rounded up to whole intervals. Error: InvalidArgument when the
    run is not positive or longer than the series.
    """
    length = _length(expected, run)
    sums = np.convolve(expected.values, np.ones(length), mode="valid")
    first = int(np.argmin(sums))
    start = expected.start + first * expected.resolution
    return Window(
        stretches=(TimeRange.of(start, run),),
        mean=float(sums[first]) / length,
        immediate_mean=float(sums[0]) / length,
    )


def best_stretches(expected: Series, run: timedelta, min_stretch: timedelta) -> Window:
    """Return the cleanest intervals that make up a run, none of its stretches too short.

    For `[300, 100, 200, 50]` hourly and a run of two hours they are the second and the fourth, at
    75; with stretches of two hours or more the third and fourth, at 125. The least sum over all
    choices, by dynamic programming over intervals used and whether a stretch goes on.
    Errors: InvalidArgument as `best_window`, and for more than a week.
    """
    length = _length(expected, run)
    shortest = max(-(-min_stretch // expected.resolution), 1)
    require(
        shortest <= length and len(expected) <= MOST_INTERRUPTIBLE,
        "INVALID_RUN",
        f"a stretch is no longer than the run, and all lies within {MOST_INTERRUPTIBLE} intervals",
        "min_stretch_duration",
    )
    used = _cheapest(expected.values, length, shortest)
    return Window(
        stretches=tuple(_stretches(expected, used)),
        mean=float(expected.values[used].mean()),
        immediate_mean=float(expected.values[:length].mean()),
    )


def _length(expected: Series, run: timedelta) -> int:
    length = -(-run // expected.resolution)
    if run <= timedelta(0) or length > len(expected):
        raise InvalidArgument(
            "INVALID_RUN",
            f"a run of {run} does not fit into {expected.range}",
            field="run_duration",
        )
    return length


def _cheapest(values: NDArray[np.float64], length: int, shortest: int) -> NDArray[np.bool_]:
    """Return which intervals to use, shape (n,): `length` of them, in stretches of `shortest` on.

    `off[i, k]`: least sum of the first i with k used and nothing running; `on[i, k]`: the same with
    a stretch, already long enough, running through interval i - 1.
    """
    count = len(values)
    sums = np.concatenate(([0.0], np.cumsum(values)))
    off = np.full((count + 1, length + 1), np.inf)
    on = np.full((count + 1, length + 1), np.inf)
    off[0, 0] = 0.0
    for i in range(1, count + 1):
        off[i] = np.minimum(off[i - 1], on[i - 1])
        on[i, 1:] = on[i - 1, :-1] + values[i - 1]
        if i >= shortest:
            begun = off[i - shortest, : length + 1 - shortest] + sums[i] - sums[i - shortest]
            on[i, shortest:] = np.minimum(on[i, shortest:], begun)
    return _trace(off, on, values, shortest)


def _trace(
    off: NDArray[np.float64], on: NDArray[np.float64], values: NDArray[np.float64], shortest: int
) -> NDArray[np.bool_]:
    used = np.zeros(len(values), dtype=bool)
    i, k = len(values), off.shape[1] - 1
    running = on[i, k] < off[i, k]
    while i > 0:
        if not running:
            running = bool(on[i - 1, k] < off[i - 1, k])
            i -= 1
            continue
        goes_on = k > 0 and np.isclose(on[i, k], on[i - 1, k - 1] + values[i - 1], rtol=1e-12)
        step = 1 if goes_on else shortest
        used[i - step : i] = True
        i, k, running = i - step, k - step, bool(goes_on)
    return used


def _stretches(expected: Series, used: NDArray[np.bool_]) -> list[TimeRange]:
    padded = np.concatenate(([False], used, [False]))
    bounds = np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2).tolist()
    at = [expected.start + index * expected.resolution for bound in bounds for index in bound]
    return [TimeRange(start, end) for start, end in zip(at[::2], at[1::2], strict=True)]
