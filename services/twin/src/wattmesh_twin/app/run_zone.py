"""One zone with its heat pump, alive: its state is that of the clock's now whenever it is seen."""

from dataclasses import dataclass

from wattmesh_kernel.clock import Clock
from wattmesh_twin.domain.zone import Thermostat, Zone, ZoneState
from wattmesh_twin.domain.zone_orders import ZoneOrders


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneLook:
    """What a heat pump shows: its zone, what holds, and how warm it is outside [°C]."""

    state: ZoneState
    thermostat: Thermostat
    outdoor_celsius: float


class ZoneTwin:
    """Follows the clock. Another order holds from now on: the past stays as it was."""

    def __init__(self, zone: Zone, own: Thermostat, clock: Clock, state: ZoneState) -> None:
        self._zone = zone
        self._orders = ZoneOrders(own=own)
        self._clock = clock
        self._state = state

    @property
    def clock(self) -> Clock:
        """The clock that it follows."""
        return self._clock

    @property
    def orders(self) -> ZoneOrders:
        """What it was told last."""
        return self._orders

    def look(self) -> ZoneLook:
        """Return how it stands now."""
        until = self._clock.now()
        while self._state.time < until:
            change = self._orders.next_change(self._state.time)
            end = until if change is None else min(change, until)
            holds = self._orders.thermostat(self._state.time)
            self._state = self._zone.advance(self._state, holds, end)
        return ZoneLook(
            state=self._state,
            thermostat=self._orders.thermostat(until),
            outdoor_celsius=self._zone.climate.at(until).outdoor_celsius,
        )

    def order(self, orders: ZoneOrders) -> None:
        """Take an order from now on."""
        self.look()
        self._orders = orders
