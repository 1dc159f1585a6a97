"""A heating element in a tank on Modbus TCP, with registers of an Askoma ASKOHEAT+.

Source of the addresses: evcc's template askoheat (github.com/evcc-io/evcc, MIT): input 317 power
[W], 319 its setpoint [W], input 325 its temperature sensor (float32), input 640 the temperature at
which it stops. It wants its power told again and again: left alone for a while it is off.
"""

import struct
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from wattmesh_twin.adapters.registers import RegisterDevice, big
from wattmesh_twin.app.run_tank import TankTwin
from wattmesh_twin.domain.order import Order

_POWER, _SETPOINT, _SENSOR, _STOPS = 317, 319, 325, 640


class HeatingElementTwin(RegisterDevice):
    """A dimmable heating element; `timeout`: how long it keeps a power that it was told."""

    first, last, title = 300, 641, "heating element"

    def __init__(self, twin: TankTwin, timeout: timedelta, host: str, port: int) -> None:
        super().__init__(host, port)
        self._twin = twin
        self._timeout = timeout

    def write(self, register: int, value: int) -> bool:
        """Take its power in."""
        if register != _SETPOINT or value > self._twin.spec.heater_w:
            return False
        end = self._twin.clock.now() + self._timeout
        order = Order(value=float(value), end=end)
        self._twin.order(replace(self._twin.orders, power=order))
        return True

    def registers(self) -> Mapping[int, int]:
        """Return what it shows."""
        look = self._twin.look()
        (packed,) = struct.unpack(">I", struct.pack(">f", look.state.celsius))
        high, low = big(packed)
        return {
            _POWER: round(look.state.power_w),
            _SETPOINT: round(look.most_w),
            _SENSOR: high,
            _SENSOR + 1: low,
            _STOPS: round(look.setpoint_celsius),
        }
