"""A switch between site and grid on Modbus TCP, with a meter on the grid's side of it.

Registers of its own, as no standard has any: holding 0 the grid's voltage [0.1 V], 1 its frequency
[0.01 Hz], 2 whether it is closed, 3 the order (0 open, 1 closed), 4 for how many seconds; a write
to 4 begins the order, 0 ends it. Registers 10 and 11 are the grid's own voltage and frequency, for
whoever plays the grid: write 0 and it is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_twin.adapters.registers import RegisterDevice
from wattmesh_twin.domain.grid_switch import GridSwitchState
from wattmesh_twin.domain.order import told

_VOLTAGE, _FREQUENCY, _CLOSED, _ORDER, _SECONDS = range(5)
_GRID_VOLTAGE, _GRID_FREQUENCY = 10, 11
SWITCH_REGISTERS = 16


@dataclass(frozen=True, slots=True)
class SwitchOrder:
    """What was written: what is wanted, and once it begins or ends for how long."""

    value: float
    duration: timedelta | None = None


class SwitchRegisters:
    """The registers of a switch: what is written of an order, and how a state is shown."""

    writable = frozenset({_ORDER, _SECONDS})

    def __init__(self) -> None:
        self._wanted = 1.0

    def taken(self, register: int, value: int) -> SwitchOrder | None:
        """Take a write in; None: it makes no sense."""
        if register == _ORDER and value in (0, 1):
            self._wanted = float(value)
            return SwitchOrder(self._wanted)
        if register == _SECONDS:
            return SwitchOrder(self._wanted, timedelta(seconds=value))
        return None

    def shown(self, state: GridSwitchState) -> list[int]:
        """Return all registers of a state."""
        order, left = state.order, timedelta(0)
        if order is not None and order.end is not None:
            left = max(order.end - state.time, left)
        holds = told(order, state.time)
        found = [0] * SWITCH_REGISTERS
        found[_VOLTAGE] = found[_GRID_VOLTAGE] = round(10 * state.voltage_v)
        found[_FREQUENCY] = found[_GRID_FREQUENCY] = round(100 * state.frequency_hz)
        found[_CLOSED] = int(state.closed)
        found[_ORDER] = int(self._wanted if holds is None else holds)
        found[_SECONDS] = -(-left // timedelta(seconds=1))
        return found


class GridSwitchTwin(RegisterDevice):
    """The switch, and the grid behind it."""

    first, last, title = 0, 15, "grid switch"

    def __init__(self, clock: Clock, host: str, port: int) -> None:
        super().__init__(host, port)
        self._clock = clock
        start = clock.now()
        self._state = GridSwitchState(time=start, good_since=start)
        self._registers = SwitchRegisters()

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
        if register == _GRID_VOLTAGE:
            self.grid(value / 10.0, state.frequency_hz)
        elif register == _GRID_FREQUENCY:
            self.grid(state.voltage_v, value / 100.0)
        else:
            order = self._registers.taken(register, value)
            if order is None:
                return False
            if order.duration is not None:
                self._state = state.ordered(order.value, order.duration)
        return True

    def registers(self) -> Mapping[int, int]:
        """Return what it shows."""
        return dict(enumerate(self._registers.shown(self.look())))
