"""The clock that a process is told to follow; one kind stands still until its gate is opened."""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wattmesh_kernel.clock import Clock, ScaledClock, parse_clock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import to_utc

_LOOK_SECONDS = 0.02
"""How often a closed gate is looked at [s of the wall]."""


class GatedClock:
    """A scaled clock that stands at `sim_start` until its gate, a file, says when it began to move.

    Processes that are given the same gate begin together, however long each of them took to start;
    one that is started again later shows what the others show.
    """

    def __init__(self, sim_start: datetime, gate: Path, rate: float) -> None:
        self._standing = ScaledClock(sim_start, datetime.max.replace(tzinfo=UTC), rate)
        self._gate = gate
        self._moving: ScaledClock | None = None
        self._looked = -_LOOK_SECONDS

    @property
    def rate(self) -> float:
        """Seconds of this clock per second on the wall, once it moves."""
        return self._standing.rate

    def now(self) -> datetime:
        """Return the simulated time."""
        moving = self._look()
        return self._standing.sim_start if moving is None else moving.now()

    async def sleep(self, duration: timedelta) -> None:
        """Wait for a simulated duration."""
        await self.sleep_until(self.now() + duration)

    async def sleep_until(self, when: datetime) -> None:
        """Wait until the simulated time is `when`."""
        while when > self.now():
            if self._moving is not None:
                await self._moving.sleep_until(when)
                return
            await asyncio.sleep(_LOOK_SECONDS)

    def _look(self) -> ScaledClock | None:
        if self._moving is None and time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._looked = time.monotonic()
            if self._gate.exists():
                wall_start = datetime.fromisoformat(self._gate.read_text())
                self._moving = ScaledClock(self._standing.sim_start, wall_start, self.rate)
        return self._moving


def gated_clock_spec(sim_start: datetime, gate: Path, rate: float) -> str:
    """Return the specification from which `clock_from_spec` makes a gated clock."""
    return f"gated:{to_utc(sim_start).isoformat()}@{rate!r}*{gate}"


def open_gate(gate: Path, wall_start: datetime) -> None:
    """Let every clock of this gate begin to move at `wall_start`."""
    fresh = gate.with_name(f"{gate.name}.new")
    fresh.write_text(to_utc(wall_start).isoformat())
    os.replace(fresh, gate)


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
