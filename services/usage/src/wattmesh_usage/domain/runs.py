"""Runs: work that somebody wants done within a window, promised, and followed to its end."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from wattmesh_kernel.checks import (
    require,
    require_at_least,
    require_between,
    require_display_name,
    require_positive,
)
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import RunId
from wattmesh_kernel.time import TimeRange

MOST_INTERVALS = 2000
_DONE_RATIO = 0.98
"""Meters count no better than this."""


class RunState(StrEnum):
    """Where a run is."""

    REQUESTED = "requested"
    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    MISSED = "missed"
    CANCELLED = "cancelled"


FINAL = frozenset({RunState.DONE, RunState.MISSED, RunState.CANCELLED})
BEGUN = frozenset({RunState.RUNNING, RunState.PAUSED})


@dataclass(frozen=True, kw_only=True, slots=True)
class RunProfile:
    """The mean power per interval of `resolution` since the start [W]."""

    resolution: timedelta
    powers_w: tuple[float, ...]

    def __post_init__(self) -> None:
        require(self.resolution > timedelta(0), "INVALID_VALUE", "positive", "profile.resolution")
        require(
            0 < len(self.powers_w) <= MOST_INTERVALS,
            "INVALID_VALUE",
            f"a profile has 1 to {MOST_INTERVALS} intervals",
            "profile.powers_w",
        )
        for power_w in self.powers_w:
            require_at_least(power_w, 0, "profile.powers_w")

    @property
    def duration(self) -> timedelta:
        """How long it runs."""
        return len(self.powers_w) * self.resolution


@dataclass(frozen=True, kw_only=True, slots=True)
class DeferrableRun:
    """Work to be done by `latest_end_time`: a profile, or an energy [Wh].

    What follows `priority` is the service's own: `planned_range` is promised, and its end never
    moves to later.
    """

    id: RunId
    latest_end_time: datetime
    earliest_start_time: datetime | None = None
    profile: RunProfile | None = None
    energy_wh: float | None = None
    display_name: str = ""
    priority: int = 0
    state: RunState = RunState.REQUESTED
    planned_range: TimeRange | None = None
    actual_range: TimeRange | None = None
    used_energy_wh: float | None = None
    report_time: datetime | None = None
    message: str = ""

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        require_positive(self.energy_wh, "energy.energy_wh")
        require_between(self.priority, 0, 100, "priority")
        require_at_least(self.used_energy_wh, 0, "used_energy_wh")
        require(
            (self.profile is None) != (self.energy_wh is None),
            "MISSING_FIELD",
            "a run is a profile, or an energy",
            "run",
        )
        shortest = timedelta(0) if self.profile is None else self.profile.duration
        start = self.earliest_start_time
        require(
            start is None or start + shortest < self.latest_end_time + timedelta(microseconds=1),
            "INVALID_RANGE",
            "it must end after it starts by at least its length",
            "latest_end_time",
        )

    @property
    def final(self) -> bool:
        """Whether it never changes again."""
        return self.state in FINAL

    def done_by(self, used_wh: float | None) -> bool:
        """Return whether an energy is all that it needs."""
        wanted = self.energy_wh
        return wanted is not None and used_wh is not None and used_wh >= wanted * _DONE_RATIO


@dataclass(frozen=True, kw_only=True, slots=True)
class RunReport:
    """What the planner plans for a run and what is metered of it, at `report_time`."""

    state: RunState
    report_time: datetime
    planned_range: TimeRange | None = None
    actual_range: TimeRange | None = None
    used_energy_wh: float | None = None

    def __post_init__(self) -> None:
        told = (RunState.PLANNED, RunState.RUNNING, RunState.PAUSED, RunState.DONE)
        require(self.state in told, "INVALID_VALUE", "PLANNED, RUNNING, PAUSED or DONE", "state")
        require_at_least(self.used_energy_wh, 0, "used_energy_wh")


def reported(run: DeferrableRun, report: RunReport) -> DeferrableRun:
    """Return a run after a report; an older one than the last changes nothing.

    Error: FailedPrecondition `RUN_IS_FINAL`, unless it says what is known.
    """
    if run.final:
        if run.state is report.state:
            return run
        raise FailedPrecondition("RUN_IS_FINAL", f"{run.id} is {run.state.value}")
    if run.report_time is not None and report.report_time < run.report_time:
        return run
    state = RunState.DONE if run.done_by(report.used_energy_wh) else report.state
    if state is RunState.PLANNED and run.state in BEGUN:
        state = RunState.PAUSED
    return replace(
        run,
        state=state,
        planned_range=_promised(run.planned_range, report.planned_range),
        actual_range=report.actual_range or run.actual_range,
        used_energy_wh=_either(report.used_energy_wh, run.used_energy_wh),
        report_time=report.report_time,
    )


def expired(run: DeferrableRun) -> DeferrableRun:
    """Return a run whose window has ended before it was done."""
    if run.state is RunState.PAUSED:
        message = f"it was interrupted, and not done when its window ended{_so_far(run)}"
    elif run.state is RunState.RUNNING:
        message = f"it was not done when its window ended{_so_far(run)}"
    elif run.planned_range is not None:
        message = "it was promised and did not begin"
    else:
        message = "it was never planned"
    return replace(run, state=RunState.MISSED, message=message)


def _so_far(run: DeferrableRun) -> str:
    """Return what is metered of it, in words."""
    if run.used_energy_wh is None:
        return ""
    of = "" if run.energy_wh is None else f" of {run.energy_wh:.0f}"
    return f": {run.used_energy_wh:.0f}{of} Wh"


def _promised(before: TimeRange | None, now: TimeRange | None) -> TimeRange | None:
    """Return what is promised: the end that was said first, or an earlier one."""
    if before is None or now is None or now.end <= before.end:
        return now or before
    return TimeRange(min(now.start, before.end), before.end)


def _either(new: float | None, old: float | None) -> float | None:
    return old if new is None else new
