"""One appliance, alive: its state is that of the clock's now whenever it is seen."""

from collections.abc import Callable
from datetime import datetime

from wattmesh_kernel.clock import Clock
from wattmesh_twin.app.register_past import RegisterPast, next_step
from wattmesh_twin.domain.appliance import ApplianceState, Programme, advance, loaded
from wattmesh_twin.domain.order import Order, next_end, told


class ApplianceTwin:
    """Follows the clock. `own`: whether it may run while it is told nothing.

    A plug that is left alone is on; an appliance that waits for its permission has none. `changed`,
    when it is set, hears of each other order; `past` what its register showed.
    """

    def __init__(self, clock: Clock, *, own: bool, state: ApplianceState | None = None) -> None:
        self._clock = clock
        self._own = own
        self._state = state or ApplianceState(time=clock.now())
        self._order: Order | None = None
        self.past = RegisterPast()
        self.past.add(self._state.time, self._state.import_wh)
        self.changed: Callable[[], None] = lambda: None

    @property
    def clock(self) -> Clock:
        """The clock that it follows."""
        return self._clock

    @property
    def permitted(self) -> bool:
        """Whether it may run now."""
        wanted = told(self._order, self._clock.now())
        return self._own if wanted is None else bool(wanted)

    @property
    def power_w(self) -> float:
        """What it draws now [W]."""
        return self.look().power_w(permitted=self.permitted)

    @property
    def told(self) -> Order | None:
        """What it was told last."""
        return self._order

    @property
    def standing(self) -> ApplianceState:
        """How it stood when it was looked at last."""
        return self._state

    def look(self) -> ApplianceState:
        """Return how it stands now."""
        return self.advance(self._clock.now())

    def advance(self, until: datetime) -> ApplianceState:
        """Return it at a moment that the clock has reached, if it was not there already."""
        while self._state.time < until:
            self._step(until)
        return self._state

    def _step(self, until: datetime) -> None:
        now = self._state.time
        end = min(until, next_end(now, self._order) or until)
        wanted = told(self._order, now)
        permitted = self._own if wanted is None else bool(wanted)
        if self._state.runs(permitted=permitted):
            end = min(end, next_step(now))
        self._state = advance(self._state, end, permitted=permitted)
        self.past.add(end, self._state.import_wh)

    def mean_power_w(self, start: datetime, end: datetime) -> float:
        """Return the mean power over a past span [W], 0 before it was there."""
        self.advance(end)
        return self.past.mean_power_w(start, end)

    def next_change(self, after: datetime) -> datetime | None:
        """Return until when at most its power is seen as one."""
        return next_step(after)

    def order(self, order: Order | None) -> None:
        """Take an order from now on; None: it is let go."""
        self.look()
        self._order = order
        self.changed()

    def restore(self, state: ApplianceState, order: Order | None) -> None:
        """Go on from what was kept."""
        self._state, self._order = state, order
        self.past = RegisterPast()
        self.past.add(state.time, state.import_wh)

    def load(self, programme: Programme) -> None:
        """Have somebody load it now."""
        self._state = loaded(self.look(), programme)
        self.changed()
