"""One tank of hot water, alive: its state is that of the clock's now whenever it is seen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_twin.app.register_past import RegisterPast, next_step
from wattmesh_twin.domain.tank import STEP, TankSpec, TankState, advance, drawn_w
from wattmesh_twin.domain.tank_orders import TankOrders
from wattmesh_twin.domain.zone import Climate


@dataclass(frozen=True, kw_only=True, slots=True)
class TankLook:
    """What a tank shows: its state, what its thermostat keeps [°C], what it may draw [W]."""

    state: TankState
    setpoint_celsius: float
    most_w: float


class TankTwin:
    """Follows the clock by the minute. Another order holds from now on: the past stays as it was.

    Its users draw as much as `draws` times the pattern of a family, by UTC; None: what the climate
    says. `changed`, when it is set, hears of each other order; `past` what its register showed.
    """

    def __init__(
        self,
        spec: TankSpec,
        orders: TankOrders,
        clock: Clock,
        state: TankState,
        climate: Climate,
        draws: float | None = 1.0,
    ) -> None:
        self._spec = spec
        self._orders = orders
        self._clock = clock
        self._state = state
        self._climate = climate
        self._draws = draws
        self.past = RegisterPast()
        self.past.add(state.time, state.import_wh)
        self.changed: Callable[[], None] = lambda: None

    @property
    def clock(self) -> Clock:
        """The clock that it follows."""
        return self._clock

    @property
    def spec(self) -> TankSpec:
        """What it is."""
        return self._spec

    @property
    def standing(self) -> TankState:
        """How it stood when it was looked at last."""
        return self._state

    @property
    def orders(self) -> TankOrders:
        """What it was told last."""
        return self._orders

    def look(self) -> TankLook:
        """Return how it stands now."""
        until = self._clock.now()
        self.advance(until)
        most_w = self._orders.most_w(until)
        return TankLook(
            state=self._state,
            setpoint_celsius=self._orders.celsius(until),
            most_w=self._spec.heater_w if most_w is None else min(most_w, self._spec.heater_w),
        )

    def order(self, orders: TankOrders) -> None:
        """Take an order from now on."""
        self.look()
        self._orders = orders
        # What it draws shows at once, and not from its next minute on.
        self._state = advance(
            self._spec,
            self._state,
            orders.celsius(self._state.time),
            self._climate.at(self._state.time).outdoor_celsius,
            0.0,
            timedelta(0),
            orders.most_w(self._state.time),
        )
        self.changed()

    def restore(self, state: TankState, orders: TankOrders, past: RegisterPast) -> None:
        """Go on from what was kept."""
        self._state, self._orders, self.past = state, orders, past

    def mean_power_w(self, start: datetime, end: datetime) -> float:
        """Return the mean power over a past span [W], 0 before it was there."""
        self.advance(end)
        return self.past.mean_power_w(start, end)

    def next_change(self, after: datetime) -> datetime | None:
        """Return until when at most its power is seen as one."""
        return next_step(after)

    def advance(self, until: datetime) -> TankState:
        """Return it at a moment that the clock has reached, if it was not there already."""
        while self._state.time < until:
            self._step(until)
        return self._state

    def _step(self, until: datetime) -> None:
        now = self._state.time
        change = self._orders.next_change(now)
        end = min(until, now + STEP, change or until)
        around = self._climate.at(now)
        draw_w = around.gains_w if self._draws is None else drawn_w(now, self._draws)
        self._state = advance(
            self._spec,
            self._state,
            self._orders.celsius(now),
            around.outdoor_celsius,
            draw_w,
            end - now,
            self._orders.most_w(now),
        )
        if end == until or next_step(now) <= end:
            self.past.add(end, self._state.import_wh)
