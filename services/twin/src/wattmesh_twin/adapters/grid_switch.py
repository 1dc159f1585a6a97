"""A switch between site and grid on Modbus TCP, with a meter on the grid's side of it.

Registers of its own, as no standard has any: holding 0 the grid's voltage [0.1 V], 1 its frequency
[0.01 Hz], 2 whether it is closed, 3 the order (0 open, 1 closed), 4 for how many seconds; a write
to 4 begins the order, 0 ends it. Registers 10 and 11 are the grid's own voltage and frequency, for
whoever plays the grid: write 0 and it is gone.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_twin.adapters.registers import RegisterDevice
from wattmesh_twin.domain.grid_switch import GridSwitchState
from wattmesh_twin.domain.order import Order, told

_VOLTAGE, _FREQUENCY, _CLOSED, _ORDER, _SECONDS = range(5)
_GRID_VOLTAGE, _GRID_FREQUENCY = 10, 11


class GridSwitchTwin(RegisterDevice):
    """The switch, and the grid behind it."""

    first, last, title = 0, 15, "grid switch"

    def __init__(self, clock: Clock, host: str, port: int) -> None:
        super().__init__(host, port)
        self._clock = clock
        start = clock.now()
        self._state = GridSwitchState(time=start, good_since=start)
        self._wanted = 1.0

    def look(self) -> GridSwitchState:
        """Return how it stands now."""
        self._state = self._state.advanced(self._clock.now())
        return self._state

    def grid(self, voltage_v: float, frequency_hz: float) -> None:
        """Have the grid be otherwise: 0 V and 0 Hz is none."""
        self._state = self.look().with_grid(voltage_v, frequency_hz)

    def write(self, register: int, value: int) -> bool:
        """Take an order, or how the grid is."""
        state = self.look()
        if register == _ORDER and value in (0, 1):
            self._wanted = float(value)
        elif register == _SECONDS:
            end = state.time + timedelta(seconds=value)
            order = Order(value=self._wanted, end=end) if value else None
            self._state = replace(state, order=order)
        elif register == _GRID_VOLTAGE:
            self.grid(value / 10.0, state.frequency_hz)
        elif register == _GRID_FREQUENCY:
            self.grid(state.voltage_v, value / 100.0)
        else:
            return False
        return True

    def registers(self) -> Mapping[int, int]:
        """Return what it shows."""
        state = self.look()
        order = state.order
        left = timedelta(0)
        if order is not None and order.end is not None:
            left = max(order.end - state.time, left)
        holds = told(order, state.time)
        return {
            _VOLTAGE: round(10 * state.voltage_v),
            _FREQUENCY: round(100 * state.frequency_hz),
            _CLOSED: int(state.closed),
            _ORDER: int(self._wanted if holds is None else holds),
            _SECONDS: -(-left // timedelta(seconds=1)),
            _GRID_VOLTAGE: round(10 * state.voltage_v),
            _GRID_FREQUENCY: round(100 * state.frequency_hz),
        }
