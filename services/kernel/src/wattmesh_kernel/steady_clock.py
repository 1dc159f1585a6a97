"""A clock that is set once and then only runs: nobody who sets the machine's clock moves it."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from wattmesh_kernel.clock import Clock, ScaledClock, SystemClock


def seconds_since_boot() -> float:
    """Return seconds that only grow, those that the machine slept included where it can tell."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class SteadyClock:
    """Begins with what `clock` shows and runs as fast, whatever becomes of the machine's time.

    For what lasts from now on, such as a lease, and not for stamping what others shall place.
    """

    def __init__(
        self,
        clock: SystemClock | ScaledClock,
        *,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        elapsed: Callable[[], float] = seconds_since_boot,
    ) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._begin_wall, self._begin_seconds = wall(), elapsed()

    @property
    def rate(self) -> float:
        """Seconds of this clock per second on the wall."""
        return self._clock.rate

    def now(self) -> datetime:
        """Return the time."""
        passed = timedelta(seconds=self._elapsed() - self._begin_seconds)
        return self._clock.at(self._begin_wall + passed)

    async def sleep(self, duration: timedelta) -> None:
        """Wait for a duration."""
        await self.sleep_until(self.now() + duration)

    async def sleep_until(self, when: datetime) -> None:
        """Wait until it shows `when`."""
        while (remaining := when - self.now()) > timedelta(0):  # noqa: ASYNC110 (time, not an event)
            await asyncio.sleep(remaining.total_seconds() / self.rate)


def steady(clock: Clock) -> Clock:
    """Return a clock that begins with `clock` and does not jump; one of another kind as it is."""
    return SteadyClock(clock) if isinstance(clock, SystemClock | ScaledClock) else clock
