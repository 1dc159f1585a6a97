"""The pace of simulated time: as fast as asked, and slower where the machine is too busy for it.

Plans, commands and what people do are timed by the run's clock, but planning takes time of the
wall: on a busy machine an hour may pass before its plan is made, and a vehicle leave before anybody
has answered it. That is a fault of the clock and not of the plan. So time goes only so fast that a
plan takes ten minutes of it, and before an interval begins it stands until the interval's
plan is there.
"""

import asyncio
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import floor_time
from wattmesh_runtime.clocks import GatedClock, Pace, open_gate

INTERVAL = timedelta(hours=1)
PLAN_TAKES = timedelta(minutes=10)
"""What a plan may take of simulated time, from its facts until control has accepted it."""
KEPT_RATIO = 0.3
"""The part of the lead that must be left when the plan of an interval is there."""
SLOWEST_RATIO = 0.1
"""Time goes no slower than this part of what was asked, but where it stands."""
_FASTER_RATIO = 1.25
"""By how much it grows faster again from one interval to the next."""
MOST_WAITING_SECONDS = 60.0
"""How long it stands for a plan that does not come: then it goes on without [s of the wall]."""
_WORTH_RATIO = 0.05
"""By how much a pace has to differ to be told."""
_LOOK_SECONDS = 0.2
_AHEAD = timedelta(seconds=0.1)
"""How long before a change of pace it is said, so that every process has seen it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """What is planned for an interval: whether by every scope, and how long each plan took."""

    complete: bool
    took: tuple[timedelta, ...] = ()


class Plans(Protocol):
    """Who knows what is planned."""

    async def planned(self, start: datetime) -> Planned:
        """Return what is planned for the interval from `start` on. Raises WattmeshError."""


@dataclass(kw_only=True, slots=True)
class Paced:
    """How a run went: simulated and wall time since its beginning, and how long it stood [s]."""

    ceiling: float
    stood_s: float = 0.0
    gave_up: int = 0
    began: Pace | None = field(default=None, repr=False)

    def content(self, now: datetime, wall: datetime) -> dict[str, float]:
        """Return it for a report."""
        begun = self.began
        passed = 0.0 if begun is None else (wall - begun.wall_start).total_seconds()
        shown = 0.0 if begun is None else (now - begun.sim_start).total_seconds()
        return {
            "asked": self.ceiling,
            "mean": round(shown / passed, 1) if passed > 0 else 0.0,
            "stood_s": round(self.stood_s, 1),
            "intervals_without_plan": self.gave_up,
        }


def next_rate(rate: float, ceiling: float, took: Collection[timedelta]) -> float:
    """Return how fast time should go on, by what the newest plans took of simulated time.

    At 600 a plan that took 20 min (2 s of the wall) asks for 300; one that took 5 min lets time
    grow faster by a quarter, up to what was asked.
    """
    longest = max(took, default=timedelta(0))
    wanted = rate * (PLAN_TAKES / longest) if longest else math.inf
    return max(min(wanted, rate * _FASTER_RATIO, ceiling), SLOWEST_RATIO * ceiling)


class Pacing:
    """Drives the clock of a run through its gate; `tell` hears what it waits for, "" nothing."""

    def __init__(
        self,
        *,
        gate: Path,
        clock: GatedClock,
        pace: Pace,
        plans: Plans,
        first: datetime,
        lead: timedelta,
        tell: Callable[[str], None],
        adapts: bool = True,
    ) -> None:
        self._gate, self._clock, self._pace = gate, clock, pace
        self._plans, self._first, self._lead = plans, first, lead
        self._tell = tell
        self._adapts = adapts
        self._rate = pace.rate
        self.paced = Paced(ceiling=pace.rate, began=pace)

    def content(self) -> dict[str, float]:
        """Return how the run went, for a report."""
        return self.paced.content(self._clock.now(), datetime.now(UTC))

    async def run(self) -> None:
        """Adapt the pace for ever; at once done where it is to stay as it is."""
        while self._adapts:
            start = floor_time(self._clock.now(), INTERVAL) + INTERVAL
            await self._clock.sleep_until(start - KEPT_RATIO * self._lead)
            if start >= self._first:
                await self._adapt(await self._when_planned(start))
            await self._clock.sleep_until(start)

    async def _adapt(self, planned: Planned) -> None:
        """Go on as fast as the newest plans let time go."""
        self._rate = next_rate(self._rate, self.paced.ceiling, planned.took)
        if abs(self._rate - self._pace.rate) > _WORTH_RATIO * self._rate:
            await self._change(self._rate)

    async def _when_planned(self, start: datetime) -> Planned:
        """Return what is planned for an interval; time stands until that is complete."""
        planned = await self._asked(start)
        if planned.complete:
            return planned
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._change(0.0)
        self._tell("time stands until the next hour is planned: the machine is busy")
        while not planned.complete and loop.time() - began < MOST_WAITING_SECONDS:
            await asyncio.sleep(_LOOK_SECONDS)
            planned = await self._asked(start)
        self._tell("")
        self.paced.stood_s += loop.time() - began
        self.paced.gave_up += not planned.complete
        return planned

    async def _asked(self, start: datetime) -> Planned:
        try:
            return await self._plans.planned(start)
        except WattmeshError:  # it is on its way back, and time waits
            return Planned(complete=False)

    async def _change(self, rate: float) -> None:
        """Go on at another pace; returns when it holds."""
        self._pace = self._pace.then(datetime.now(UTC) + _AHEAD, rate)
        open_gate(self._gate, self._pace)
        await asyncio.sleep(_AHEAD.total_seconds())
