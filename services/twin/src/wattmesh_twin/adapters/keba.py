"""A wallbox on Modbus TCP, with the registers of a KEBA KeContact P30.

Source of the addresses: KEBA KeContact P30, Modbus TCP Programmers Guide V1.02: 1000 charging
state, 1004 cable state, 1008 currents [mA], 1020 power [mW], 1036 energy [0.1 Wh], 1040 voltages,
1100 most current [mA], 1502 energy of the session [0.1 Wh], all of 32 bits; 5004 current [mA], 5014
on or off, 5016 failsafe current [mA], 5018 its timeout [s], of 16 bits and written alone.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from wattmesh_twin.adapters.registers import big
from wattmesh_twin.adapters.watched_wallbox import WatchedWallbox
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.vehicle import LEAST_CURRENT_A, VOLTAGE_V
from wattmesh_twin.domain.watched_limit import WatchedLimit

_STATE, _CABLE, _CURRENTS, _POWER, _ENERGY, _VOLTAGES = 1000, 1004, 1008, 1020, 1036, 1040
_MOST, _SESSION = 1100, 1502
_SET, _ENABLE, _FAILSAFE, _TIMEOUT = 5004, 5014, 5016, 5018
_UNPLUGGED, _LOCKED = 1, 7


class KebaTwin(WatchedWallbox):
    """Its state is `not ready` while nobody is there."""

    first, last, title = 1000, 5020, "KEBA wallbox"
    free, not_taking, charging, held_back = 1, 2, 3, 5

    def __init__(self, twin: ChargerTwin, limit: WatchedLimit, host: str, port: int) -> None:
        super().__init__(twin, limit, host, port)
        self._set_a = limit.set_a
        self._on = True

    def write(self, register: int, value: int) -> bool:
        """Take a value in; return whether it may be written."""
        amperes = value / 1000
        match register:
            case 5004 if LEAST_CURRENT_A <= amperes <= self.limit.max_current_a:
                self._set_a = amperes
            case 5014 if value in (0, 1):
                self._on = bool(value)
            case 5016 if value == 0 or LEAST_CURRENT_A <= amperes <= self.limit.max_current_a:
                self.offer(replace(self.limit, failsafe_a=amperes))
            case 5018:
                self.offer(replace(self.limit, watchdog=timedelta(seconds=value)))
            case _:
                return False
        self.offer(replace(self.limit, set_a=self._set_a if self._on else 0.0))
        return True

    def registers(self) -> Mapping[int, int]:
        """Return what it shows."""
        look = self.twin.look()
        visit = look.state.visit
        phases = visit.vehicle.phases if visit else 0
        session_wh = look.state.import_wh - look.state.arrival_import_wh
        milliamperes = round(1000 * look.current_a)
        shown = {
            _STATE: self.state(visit is not None, look.power_w),
            _CABLE: _UNPLUGGED if visit is None else _LOCKED,
            **{_CURRENTS + 2 * each: milliamperes if each < phases else 0 for each in range(3)},
            _POWER: round(1000 * look.power_w),
            _ENERGY: int(10 * look.state.import_wh),
            **{_VOLTAGES + 2 * each: int(VOLTAGE_V) for each in range(3)},
            _MOST: round(1000 * self._set_a),
            _SESSION: int(10 * session_wh),
        }
        return {
            register + offset: word
            for register, number in shown.items()
            for offset, word in enumerate(big(number))
        }
