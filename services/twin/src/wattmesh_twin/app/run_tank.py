"""One tank of hot water, alive: its state is that of the clock's now whenever it is seen."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_twin.domain.climate import DailyClimate
from wattmesh_twin.domain.tank import STEP, TankSpec, TankState, advance, drawn_w
from wattmesh_twin.domain.tank_orders import TankOrders


@dataclass(frozen=True, kw_only=True, slots=True)
class TankLook:
    """What a tank shows: its state, what its thermostat keeps [°C], what it may draw [W]."""

    state: TankState
    setpoint_celsius: float
    most_w: float


class TankTwin:
    """Follows the clock by the minute. Another order holds from now on: the past stays as it was.

    Its users draw as much as `draws` times the pattern of a family, by UTC.
    """

    def __init__(
        self,
        spec: TankSpec,
        orders: TankOrders,
        clock: Clock,
        state: TankState,
        climate: DailyClimate,
        draws: float = 1.0,
    ) -> None:
        self._spec = spec
        self._orders = orders
        self._clock = clock
        self._state = state
        self._climate = climate
        self._draws = draws

    @property
    def clock(self) -> Clock:
        """The clock that it follows."""
        return self._clock

    @property
    def spec(self) -> TankSpec:
        """What it is."""
        return self._spec

    @property
    def orders(self) -> TankOrders:
        """What it was told last."""
        return self._orders

    def look(self) -> TankLook:
        """Return how it stands now."""
        until = self._clock.now()
        while self._state.time < until:
            self._step(until)
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

    def _step(self, until: datetime) -> None:
        now = self._state.time
        change = self._orders.next_change(now)
        end = min(until, now + STEP, change or until)
        self._state = advance(
            self._spec,
            self._state,
            self._orders.celsius(now),
            self._climate.at(now).outdoor_celsius,
            drawn_w(now, self._draws),
            end - now,
            self._orders.most_w(now),
        )
