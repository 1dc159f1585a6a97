"""Work that can wait, as a plan sees it: what is asked for, and what is left of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from wattmesh_kernel.time import TimeRange

_DONE_RATIO = 0.02
"""Meters count no better than this."""


class RunState(Enum):
    """Where a run is that has not ended."""

    REQUESTED = "requested"
    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run: a profile of powers [W] by `profile_resolution`, or an energy [Wh], by `latest_end`.

    `planned` is promised; `began` is when it was first seen to run. `used_wh` is metered since
    then, None where nothing meters it; `rests`: its meter stood still over the last interval.
    """

    name: str
    latest_end: datetime
    earliest_start: datetime | None = None
    profile_w: tuple[float, ...] = ()
    profile_resolution: timedelta = timedelta(0)
    energy_wh: float | None = None
    priority: int = 0
    state: RunState = RunState.REQUESTED
    planned: TimeRange | None = None
    began: datetime | None = None
    used_wh: float | None = None
    rests: bool = False

    @property
    def begun(self) -> bool:
        """Whether it runs or pauses."""
        return self.state in (RunState.RUNNING, RunState.PAUSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunToDo:
    """What is left of a run when the plan begins: its window, and its work.

    `profile_w` is by the plan's resolution, `elapsed` intervals of it are over; or `energy_wh` is
    left. `resolution` is the plan's. `metered_wh` is what was used so far, None: not metered. Once
    it is promised, `latest_end` is what was promised.
    """

    run: Run
    earliest_start: datetime
    latest_end: datetime
    resolution: timedelta
    profile_w: tuple[float, ...] = ()
    elapsed: int = 0
    energy_wh: float = 0.0
    metered_wh: float | None = None

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        if self.profile_w:
            return self.elapsed >= len(self.profile_w)
        return self.energy_wh <= _DONE_RATIO * (self.run.energy_wh or 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunNews:
    """What there is to say of a run: `state` is planned, running, paused or done."""

    run: str
    state: str
    report_time: datetime
    planned: TimeRange | None = None
    actual: TimeRange | None = None
    used_wh: float | None = None


def on_resolution(
    profile_w: tuple[float, ...], resolution: timedelta, to: timedelta
) -> tuple[float, ...]:
    """Return a profile by another resolution, its energy kept; the last interval may be part idle.

    2 kW for half an hour are 1 kW by the hour; 2 kW for an hour are four times 2 kW by the quarter.
    """
    if resolution == to:
        return profile_w
    count = -(-(len(profile_w) * resolution) // to)
    found = [0.0] * count
    for index, power_w in enumerate(profile_w):
        start, end = index * resolution, (index + 1) * resolution
        for place in range(start // to, -(-end // to)):
            overlap = min(end, (place + 1) * to) - max(start, place * to)
            found[place] += power_w * (overlap / to)
    return tuple(found)
