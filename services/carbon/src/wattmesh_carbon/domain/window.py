"""When a run is cleanest."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A stretch of time with its mean intensity, beside that of starting at once [gCO2e/kWh]."""

    span: TimeRange
    mean: float
    immediate_mean: float


def best_window(expected: Series, run: timedelta) -> Window:
    """Return the earliest window of length `run` with the lowest mean intensity.

    For `[300, 100, 200]` hourly and a run of two hours it is the second hour on, at a mean of 150
    against 200 at once. The run is rounded up to whole intervals. Error: InvalidArgument when the
    run is not positive or longer than the series.
    """
    length = -(-run // expected.resolution)
    if run <= timedelta(0) or length > len(expected):
        raise InvalidArgument(
            "INVALID_RUN",
            f"a run of {run} does not fit into {expected.range}",
            field="run_duration",
        )
    sums = np.convolve(expected.values, np.ones(length), mode="valid")
    first = int(np.argmin(sums))
    start = expected.start + first * expected.resolution
    return Window(
        span=TimeRange.of(start, run),
        mean=float(sums[first]) / length,
        immediate_mean=float(sums[0]) / length,
    )
