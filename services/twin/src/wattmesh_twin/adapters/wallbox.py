"""A wallbox on Modbus TCP, with the registers of an Amperfied Energy Control.

Source of the addresses: Amperfied, Energy Control, Modbus register table of 2021-02-22.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from wattmesh_twin.adapters.registers import big
from wattmesh_twin.adapters.watched_wallbox import WatchedWallbox
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.vehicle import LEAST_CURRENT_A, VOLTAGE_V
from wattmesh_twin.domain.watched_limit import WatchedLimit

_LAYOUT, _STATE, _CURRENTS, _VOLTAGES, _POWER, _ENERGY = 4, 5, 6, 10, 14, 17
_MOST, _LEAST = 100, 101
_WATCHDOG, _STANDBY, _LIMIT, _FAILSAFE = 257, 258, 261, 262
_BOUNDS = {_WATCHDOG: (0, 65535), _STANDBY: (0, 4), _LIMIT: (0, 160), _FAILSAFE: (0, 160)}


class WallboxTwin(WatchedWallbox):
    """Its state is A1, B2 (it takes nothing of what is offered), C1 (held back) or C2."""

    first, last, title = 4, 262, "wallbox"
    free, held_back, not_taking, charging = 2, 6, 5, 7

    def __init__(self, twin: ChargerTwin, limit: WatchedLimit, host: str, port: int) -> None:
        super().__init__(twin, limit, host, port)
        self._standby = 4

    def write(self, register: int, value: int) -> bool:
        """Take a value in; return whether it may be written."""
        low, high = _BOUNDS.get(register, (1, 0))
        too_little = register in (_LIMIT, _FAILSAFE) and 0 < value < 10 * LEAST_CURRENT_A
        if not low <= value <= high or too_little:
            return False
        match register:
            case 257:
                self.offer(replace(self.limit, watchdog=timedelta(milliseconds=value)))
            case 261:
                self.offer(replace(self.limit, set_a=value / 10))
            case 262:
                self.offer(replace(self.limit, failsafe_a=value / 10))
            case _:
                self._standby = value
        return True

    def registers(self) -> Mapping[int, int]:
        """Return what it shows."""
        look = self.twin.look()
        visit = look.state.visit
        phases = visit.vehicle.phases if visit else 0
        currents = [round(10 * look.current_a) if phase < phases else 0 for phase in range(3)]
        high, low = big(int(look.state.import_wh))
        return {
            _LAYOUT: 0x108,
            _STATE: self.state(visit is not None, look.power_w),
            **{_CURRENTS + phase: current for phase, current in enumerate(currents)},
            **{_VOLTAGES + phase: int(VOLTAGE_V) for phase in range(3)},
            _POWER: round(look.power_w),
            _ENERGY: high,
            _ENERGY + 1: low,
            _MOST: round(self.limit.max_current_a),
            _LEAST: round(LEAST_CURRENT_A),
            _WATCHDOG: self.limit.watchdog // timedelta(milliseconds=1),
            _STANDBY: self._standby,
            _LIMIT: round(10 * self.limit.set_a),
            _FAILSAFE: round(10 * self.limit.failsafe_a),
        }
