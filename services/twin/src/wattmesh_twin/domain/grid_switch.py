"""The grid at a site's door, and the switch that separates the site from it.

The switch closes only where there is a grid to close on, and after it has been in step with it for
a while, as a synchronism check (ANSI device 25) has it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_twin.domain.order import Order, next_end, told

NOMINAL_V, NOMINAL_HZ = 230.0, 50.0
_IN_STEP_V, _IN_STEP_HZ = 0.1, 0.01
"""How far the grid may be off, as a part of its nominal, for a switch to close."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GridSwitchState:
    """How grid and switch stand at `time`; `order`: 0 is to be open, 1 closed, none: closed.

    `good_since`: since when one could close on the grid; None: one cannot.
    """

    time: datetime
    voltage_v: float = NOMINAL_V
    frequency_hz: float = NOMINAL_HZ
    closed: bool = True
    good_since: datetime | None = None
    order: Order | None = None
    in_step: timedelta = timedelta(seconds=2)

    @property
    def in_bounds(self) -> bool:
        """Whether one could close on the grid."""
        volts = abs(self.voltage_v - NOMINAL_V) <= _IN_STEP_V * NOMINAL_V
        return volts and abs(self.frequency_hz - NOMINAL_HZ) <= _IN_STEP_HZ * NOMINAL_HZ

    def with_grid(self, voltage_v: float, frequency_hz: float) -> "GridSwitchState":
        """Return it once the grid is otherwise: 0 V and 0 Hz is none."""
        other = replace(self, voltage_v=voltage_v, frequency_hz=frequency_hz)
        since = (self.good_since or self.time) if other.in_bounds else None
        return replace(other, good_since=since)

    def advanced(self, until: datetime) -> "GridSwitchState":
        """Return it at a later moment."""
        state = self
        while True:
            state = state._switched()
            ends = [until, *([end] if (end := next_end(state.time, state.order)) else [])]
            if state.good_since is not None:
                ends.append(state.good_since + state.in_step)
            later = [each for each in ends if state.time < each <= until]
            if not later:
                return state
            state = replace(state, time=min(later))

    def changes(self) -> list[datetime]:
        """Return when it may open or close by itself."""
        found = [] if (end := next_end(self.time, self.order)) is None else [end]
        return found if self.good_since is None else [*found, self.good_since + self.in_step]

    def ordered(self, value: float, duration: timedelta) -> "GridSwitchState":
        """Return it once it is told to be open (0) or closed (1) for so long; no time: let go."""
        end = self.time + duration
        order = Order(value=value, end=end) if duration > timedelta(0) else None
        return replace(self, order=order)

    def _switched(self) -> "GridSwitchState":
        wanted = told(self.order, self.time) != 0.0
        if not wanted:
            return replace(self, closed=False)
        steady = self.good_since is not None and self.time >= self.good_since + self.in_step
        return replace(self, closed=self.closed or steady)
