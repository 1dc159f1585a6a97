"""A heat pump on Modbus TCP, with some of the registers of a NIBE of the S series.

Source of the addresses: evcc's template nibe-s-series for power and energy; NIBE's list of Modbus
registers of the S series for the rest: input 1 outdoor temperature BT1, input 26 room temperature
BT50, holding 206 room sensor set point of climate system 1 (5 to 30 °C), all in tenths of a degree.
"""

from collections.abc import Mapping
from dataclasses import replace

from wattmesh_twin.adapters.registers import RegisterDevice, big, signed
from wattmesh_twin.app.run_zone import ZoneTwin
from wattmesh_twin.domain.zone import as_shown

_OUTDOOR, _ROOM, _POWER, _ENERGY, _SETPOINT = 1, 26, 2305, 3823, 206
_LEAST, _MOST = 50, 300


class HeatPumpTwin(RegisterDevice):
    """A zone's heat pump. It has no timer: what it is told stays until it is told otherwise."""

    first, last, title = 0, 3824, "heat pump"

    def __init__(self, twin: ZoneTwin, host: str, port: int) -> None:
        super().__init__(host, port)
        self._twin = twin

    def write(self, register: int, value: int) -> bool:
        """Take its setpoint in."""
        if register != _SETPOINT or not _LEAST <= value <= _MOST:
            return False
        orders = replace(self._twin.orders, setpoint_celsius=value / 10.0)
        self._twin.order(replace(orders, setpoint_end=None))
        return True

    def registers(self) -> Mapping[int, int]:
        """Return what it shows; its energy has the least significant register first."""
        look = self._twin.look()
        high, low = big(round(look.state.import_wh / 100.0))
        return {
            _OUTDOOR: signed(10.0 * as_shown(look.outdoor_celsius)),
            _ROOM: signed(10.0 * as_shown(look.state.interior_celsius)),
            _SETPOINT: signed(10.0 * look.thermostat.setpoint_celsius),
            _POWER: round(look.state.power_w / 10.0),
            _ENERGY: low,
            _ENERGY + 1: high,
        }
