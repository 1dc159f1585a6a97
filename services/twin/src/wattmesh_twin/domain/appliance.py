"""An appliance with programmes that somebody has loaded, and that starts when it is permitted to.

Like a washing machine with remote start, or a pump behind a plug. A programme is a course of powers
by the minute of running. One that can pause does so while it is not permitted; one that cannot goes
on to its end once it has begun, as a washing machine does.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from wattmesh_kernel.checks import require, require_at_least

_MINUTE = timedelta(minutes=1)


class Stage(Enum):
    """Where a programme is."""

    EMPTY = "empty"
    """Nothing is loaded."""
    READY = "ready"
    """Loaded, and waiting for its permission."""
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


@dataclass(frozen=True, kw_only=True, slots=True)
class Programme:
    """Powers by the minute of running [W], and whether it can pause."""

    powers_w: tuple[float, ...]
    pauses: bool = False

    def __post_init__(self) -> None:
        require(bool(self.powers_w), "MISSING_FIELD", "a programme takes time", "powers_w")
        for power_w in self.powers_w:
            require_at_least(power_w, 0, "powers_w")

    @property
    def duration(self) -> timedelta:
        """How long it runs."""
        return len(self.powers_w) * _MINUTE


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplianceState:
    """An appliance at a moment: what is loaded, how long it has run, its register [Wh]."""

    time: datetime
    programme: Programme | None = None
    ran: timedelta = timedelta(0)
    import_wh: float = 0.0

    @property
    def over(self) -> bool:
        """Whether its programme has come to its end."""
        return self.programme is not None and self.ran >= self.programme.duration

    def runs(self, *, permitted: bool) -> bool:
        """Return whether it runs now."""
        if self.programme is None or self.over:
            return False
        begun = self.ran > timedelta(0)
        return permitted or (begun and not self.programme.pauses)

    def stage(self, *, permitted: bool) -> Stage:
        """Return where its programme is."""
        if self.programme is None:
            return Stage.EMPTY
        if self.over:
            return Stage.FINISHED
        if self.runs(permitted=permitted):
            return Stage.RUNNING
        return Stage.PAUSED if self.ran else Stage.READY

    def power_w(self, *, permitted: bool) -> float:
        """Return what it draws now [W]."""
        if self.programme is None or not self.runs(permitted=permitted):
            return 0.0
        return self.programme.powers_w[self.ran // _MINUTE]


def loaded(state: ApplianceState, programme: Programme) -> ApplianceState:
    """Return the appliance after somebody has loaded it, and chosen a programme."""
    return replace(state, programme=programme, ran=timedelta(0))


def advance(state: ApplianceState, until: datetime, *, permitted: bool) -> ApplianceState:
    """Return it at `until`, however often it is asked for on the way.

    2 kW for half an hour: 1 kWh in its register, whether or not somebody looks meanwhile.
    """
    while state.time < until:
        if state.programme is None or not state.runs(permitted=permitted):
            return replace(state, time=until)
        step = min(until - state.time, _MINUTE - state.ran % _MINUTE)
        used_wh = state.power_w(permitted=permitted) * (step / timedelta(hours=1))
        state = replace(
            state,
            time=state.time + step,
            ran=state.ran + step,
            import_wh=state.import_wh + used_wh,
        )
    return state
