"""How much of a time limit is left."""

from collections.abc import Callable
from datetime import timedelta

MOST_KEPT_RATIO = 0.5
"""The part of a time limit that is kept for what comes after solving at most."""


class Stopwatch:
    """How much of a time limit is left; part of it can be kept for what comes after solving."""

    def __init__(
        self, timer: Callable[[], float], limit: timedelta, spent: timedelta = timedelta(0)
    ) -> None:
        self._timer, self._limit = timer, limit
        self._started = timer() - spent.total_seconds()
        self._kept = timedelta(0)

    @property
    def elapsed(self) -> timedelta:
        """Time since the start."""
        return timedelta(seconds=self._timer() - self._started)

    def left(self) -> timedelta:
        """Return the time left in all, negative when it is over."""
        return self._limit - self.elapsed

    def keep(self, ratio: float) -> None:
        """Keep some of the time: so many times what has gone, at most a part of the limit."""
        self._kept = min(ratio * self.elapsed, MOST_KEPT_RATIO * self._limit)

    def left_to_solve(self) -> timedelta:
        """Return the time left to a solver, negative when it is over."""
        return self.left() - self._kept
