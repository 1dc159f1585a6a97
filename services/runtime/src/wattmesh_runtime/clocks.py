"""The clock that a process is told to follow; one kind goes as fast as a file, its gate, says."""

import asyncio
import math
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wattmesh_kernel.clock import Clock, parse_clock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import to_utc

_LOOK_SECONDS = 0.02
"""How often a gate is looked at [s of the wall]."""
_ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class Pace:
    """From `wall_start` on a clock shows `sim_start` and goes `rate` times as fast; 0: it stands.

    Error: InvalidArgument for naive times and a negative rate.
    """

    sim_start: datetime
    wall_start: datetime
    rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "sim_start", to_utc(self.sim_start))
        object.__setattr__(self, "wall_start", to_utc(self.wall_start))
        if not (math.isfinite(self.rate) and self.rate >= 0):
            raise InvalidArgument("INVALID_CLOCK", f"a pace is 0 or more, not {self.rate}")

    def at(self, wall: datetime) -> datetime:
        """Return what the clock shows when the wall shows `wall`; before its start, `sim_start`."""
        return self.sim_start + max(wall - self.wall_start, _ZERO) * self.rate

    def then(self, wall_start: datetime, rate: float) -> "Pace":
        """Return the pace that follows from `wall_start` on: the clock does not jump."""
        return Pace(self.at(wall_start), wall_start, rate)


class GatedClock:
    """A clock that stands at `sim_start` until its gate, a file, says from when on it moves.

    The gate may say another pace later, up to `rate`: whoever drives a run slows it down where the
    machine is busy. All processes that are given the same gate show the same; one that is started
    again later shows what the others show. Whoever changes the pace says so a few looks ahead.
    """

    def __init__(self, sim_start: datetime, gate: Path, rate: float) -> None:
        if not (math.isfinite(rate) and rate > 0):
            raise InvalidArgument("INVALID_CLOCK", f"rate must be positive, not {rate}")
        self._ceiling = rate
        self._gate = gate
        self._before = self._pace = Pace(sim_start, datetime.max.replace(tzinfo=UTC), 0.0)
        self._rate = rate
        self._seen: tuple[int, int] | None = None
        self._looked = -_LOOK_SECONDS

    @property
    def rate(self) -> float:
        """Seconds of this clock per second on the wall; while it stands, as before that."""
        self._look()
        return self._rate

    def now(self) -> datetime:
        """Return the simulated time."""
        self._look()
        wall = datetime.now(UTC)
        return (self._pace if wall >= self._pace.wall_start else self._before).at(wall)

    async def sleep(self, duration: timedelta) -> None:
        """Wait for a simulated duration."""
        await self.sleep_until(self.now() + duration)

    async def sleep_until(self, when: datetime) -> None:
        """Wait until the simulated time is `when`.

        No longer at a time than it takes at most speed, so that a change of pace is not slept
        through: at full speed that is once.
        """
        while (remaining := (when - self.now()).total_seconds()) > 0:
            least = _LOOK_SECONDS
            if self._pace.rate > 0:
                least = min(least, remaining / self._pace.rate)
            await asyncio.sleep(max(remaining / self._ceiling, least))

    def _look(self) -> None:
        elapsed = time.monotonic()
        if elapsed - self._looked < _LOOK_SECONDS:
            return
        self._looked = elapsed
        try:
            found = self._gate.stat()
        except FileNotFoundError:
            return
        if (seen := (found.st_mtime_ns, found.st_ino)) == self._seen:
            return
        pace = read_gate(self._gate)
        known = self._seen is not None
        self._seen, self._before = (
            seen,
            self._pace if known else Pace(pace.sim_start, pace.wall_start, 0.0),
        )
        self._pace = pace
        self._rate = pace.rate or self._rate


def gated_clock_spec(sim_start: datetime, gate: Path, rate: float) -> str:
    """Return the specification from which `clock_from_spec` makes a gated clock."""
    return f"gated:{to_utc(sim_start).isoformat()}@{rate!r}*{gate}"


def open_gate(gate: Path, pace: Pace) -> None:
    """Let every clock of this gate go at `pace`, from its start on the wall."""
    fresh = gate.with_name(f"{gate.name}.new")
    fresh.write_text(f"{pace.sim_start.isoformat()}@{pace.wall_start.isoformat()}*{pace.rate!r}")
    os.replace(fresh, gate)


def read_gate(gate: Path) -> Pace:
    """Return the pace that a gate says. Errors: OSError, ValueError."""
    sim_start, _, rest = gate.read_text().partition("@")
    wall_start, _, rate = rest.partition("*")
    return Pace(datetime.fromisoformat(sim_start), datetime.fromisoformat(wall_start), float(rate))


def clock_from_spec(spec: str) -> Clock:
    """Return the clock that `spec` describes.

    What the kernel's `parse_clock` knows, and `gated:{simulated start}@{rate}*{path of the gate}`.
    Error: InvalidArgument.
    """
    if not spec.startswith("gated:"):
        return parse_clock(spec)
    sim_start, _, rest = spec.removeprefix("gated:").partition("@")
    rate, _, gate = rest.partition("*")
    try:
        return GatedClock(datetime.fromisoformat(sim_start), Path(gate), float(rate))
    except ValueError as error:
        raise InvalidArgument(
            "INVALID_CLOCK", f"{spec!r} is not 'gated:<start>@<rate>*<path>'", field="clock"
        ) from error
