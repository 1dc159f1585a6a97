"""One appliance, alive: its state is that of the clock's now whenever it is seen."""

from wattmesh_kernel.clock import Clock
from wattmesh_twin.domain.appliance import ApplianceState, Programme, advance, loaded
from wattmesh_twin.domain.order import Order, next_end, told


class ApplianceTwin:
    """Follows the clock. `own`: whether it may run while it is told nothing.

    A plug that is left alone is on; an appliance that waits for its permission has none.
    """

    def __init__(self, clock: Clock, *, own: bool, state: ApplianceState | None = None) -> None:
        self._clock = clock
        self._own = own
        self._state = state or ApplianceState(time=clock.now())
        self._order: Order | None = None

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

    def look(self) -> ApplianceState:
        """Return how it stands now."""
        until = self._clock.now()
        end = next_end(self._state.time, self._order)
        for each in (until if end is None else min(end, until), until):
            wanted = told(self._order, self._state.time)
            permitted = self._own if wanted is None else bool(wanted)
            self._state = advance(self._state, each, permitted=permitted)
        return self._state

    def order(self, order: Order | None) -> None:
        """Take an order from now on; None: it is let go."""
        self.look()
        self._order = order

    def load(self, programme: Programme) -> None:
        """Have somebody load it now."""
        self._state = loaded(self.look(), programme)
