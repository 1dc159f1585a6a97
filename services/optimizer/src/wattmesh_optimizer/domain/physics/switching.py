"""Machines that stay on, or off, for a minimum time once they have changed."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.electrical import OnOffState
from wattmesh_optimizer.domain.physics.outcome import Recorder


@dataclass(frozen=True, slots=True)
class MinimumTimes:
    """The state before the horizon, and how long each state lasts at least."""

    initial: OnOffState
    on: timedelta
    off: timedelta

    def of(self, on: bool) -> timedelta:
        """Return how long a state lasts at least."""
        return self.on if on else self.off


class Switch:
    """Holds a machine in its state until it may change; `allowed` is where it may be on."""

    def __init__(
        self,
        times: MinimumTimes,
        resolution: timedelta,
        allowed: NDArray[np.bool_] | None = None,
    ) -> None:
        self._times, self._resolution, self._allowed = times, resolution, allowed
        self._on, self._since = times.initial.on, times.initial.duration

    def held(self, index: int, wanted: bool, power: float, least: float) -> tuple[bool, float]:
        """Return state and power of an interval, as near to what is wanted as it may be."""
        if wanted != self._on and self._may_change(index):
            self._on, self._since = wanted, timedelta(0)
        self._since += self._resolution
        return self._on, max(power, least) if self._on else 0.0

    def _may_change(self, index: int) -> bool:
        if self._since < self._times.of(self._on):
            return False
        if self._on or self._allowed is None:
            return True
        lasting = -(-self._times.on // self._resolution)
        return bool(self._allowed[index : index + max(1, lasting)].all())


def watch_times(recorder: Recorder, on: NDArray[np.bool_], times: MinimumTimes) -> None:
    """Record every change that comes before the minimum time in a state has passed."""
    state, since = times.initial.on, times.initial.duration
    for index, now in enumerate(on.tolist()):
        least = times.of(state)
        if now != state:
            if since < least:
                name = "min_on_duration" if state else "min_off_duration"
                hour = timedelta(hours=1)
                recorder.add(index, name, since / hour, least / hour, "h", physical=False)
            state, since = now, timedelta(0)
        since += recorder.horizon.resolution
