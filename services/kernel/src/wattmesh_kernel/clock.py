"""Time as a port: services ask a Clock, never the machine.

A scaled clock lets a day of operation pass in minutes: every process that is given the same
specification computes the same simulated time.
"""

import asyncio
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import to_utc


class Clock(Protocol):
    """What time it is, and waiting for it."""

    @property
    def rate(self) -> float:
        """Seconds of this clock per second on the wall."""

    def now(self) -> datetime:
        """Return the time, aware, UTC."""

    async def sleep(self, duration: timedelta) -> None:
        """Wait for a duration of this clock; not at all when it is not positive."""

    async def sleep_until(self, when: datetime) -> None:
        """Wait until this clock shows `when`; not at all when that has passed."""


class SystemClock:
    """The machine's clock."""

    @property
    def rate(self) -> float:
        """One second per second."""
        return 1.0

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    def at(self, wall: datetime) -> datetime:
        """Return what it shows when the wall shows `wall`."""
        return wall

    async def sleep(self, duration: timedelta) -> None:
        """Wait for `duration`."""
        await asyncio.sleep(duration.total_seconds())

    async def sleep_until(self, when: datetime) -> None:
        """Wait until `when`."""
        while (remaining := when - self.now()) > timedelta(0):  # noqa: ASYNC110 (time, not an event)
            await asyncio.sleep(remaining.total_seconds())


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """A simulated clock: `sim_start` until the wall shows `wall_start`, then `rate` times as fast.

    Processes that are up before `wall_start` wait together for the run to begin. At rate 1200 an
    hour passes in 3 s. Error: InvalidArgument for naive times or a rate that is not positive.
    """

    sim_start: datetime
    wall_start: datetime
    rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "sim_start", to_utc(self.sim_start))
        object.__setattr__(self, "wall_start", to_utc(self.wall_start))
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise InvalidArgument("INVALID_CLOCK", f"rate must be positive, not {self.rate}")

    def now(self) -> datetime:
        """Return the simulated time; until `wall_start` it is `sim_start`."""
        return self.at(datetime.now(UTC))

    def at(self, wall: datetime) -> datetime:
        """Return what it shows when the wall shows `wall`."""
        return self.sim_start + max(wall - self.wall_start, timedelta(0)) * self.rate

    async def sleep(self, duration: timedelta) -> None:
        """Wait for a simulated duration."""
        await self.sleep_until(self.now() + duration)

    async def sleep_until(self, when: datetime) -> None:
        """Wait until the simulated time is `when`."""
        while (remaining := when - self.now()) > timedelta(0):  # noqa: ASYNC110 (time, not an event)
            await asyncio.sleep(remaining.total_seconds() / self.rate)


def parse_clock(spec: str) -> Clock:
    """Return the clock that `spec` describes.

    Either `system`, or `scaled:{simulated start}@{wall start}*{rate}` with ISO 8601 times, as in
    `scaled:2016-09-05T07:00:00Z@2026-01-01T10:00:00.123456Z*1200`. Error: InvalidArgument.
    """
    if spec == "system":
        return SystemClock()
    try:
        kind, _, rest = spec.partition(":")
        sim_start, _, rest = rest.partition("@")
        wall_start, _, rate = rest.partition("*")
        if kind != "scaled":
            raise ValueError(kind)
        return ScaledClock(
            datetime.fromisoformat(sim_start), datetime.fromisoformat(wall_start), float(rate)
        )
    except ValueError as error:
        raise InvalidArgument(
            "INVALID_CLOCK",
            f"{spec!r} is neither 'system' nor 'scaled:<start>@<wall start>*<rate>'",
            field="clock",
        ) from error


def format_clock_spec(clock: SystemClock | ScaledClock) -> str:
    """Return the specification from which `parse_clock` makes the same clock."""
    if isinstance(clock, SystemClock):
        return "system"
    sim_start, wall_start = _format_utc(clock.sim_start), _format_utc(clock.wall_start)
    return f"scaled:{sim_start}@{wall_start}*{float(clock.rate)!r}"


def _format_utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
