"""The heat pump of a room on its site's Modbus port: registers of its own, and a lease.

As `gateway/.../profiles/modbus-heat-pump.yaml` reads them, all holding: 0 and 1 temperature of the
room and outdoors [0.1 degrees Celsius], 2 power [W], 3 and 4 energy [Wh], 5 the setpoint, 6 for how
many seconds it holds; 0 ends it, and the thermostat follows what people have set.
"""

from dataclasses import replace
from datetime import timedelta

from wattmesh_twin.adapters.registers import big, signed
from wattmesh_twin.adapters.sunspec.device import RefusedValue
from wattmesh_twin.app.run_zone import ZoneTwin
from wattmesh_twin.domain.zone import as_shown

_SETPOINT, _LEASE = 5, 6
_LEAST, _MOST = 50, 350


class RoomRegisters:
    """One room behind a unit id."""

    base_address = 0

    def __init__(self, twin: ZoneTwin, unit_id: int) -> None:
        self.unit_id = unit_id
        self._twin = twin
        self._wanted: int | None = None

    @property
    def template(self) -> list[int]:
        """The registers before anything is measured."""
        return [0] * (_LEASE + 1)

    def writable(self) -> set[int]:
        """Return the registers of the setpoint."""
        return {_SETPOINT, _LEASE}

    def read(self, asked: range) -> list[int]:
        """Return all registers as of now."""
        look, end = self._twin.look(), self._twin.orders.setpoint_end
        left = 0.0 if end is None else max((end - look.state.time).total_seconds(), 0.0)
        return [
            signed(10.0 * as_shown(look.state.interior_celsius)),
            signed(10.0 * as_shown(look.outdoor_celsius)),
            round(look.state.power_w),
            *big(round(look.state.import_wh)),
            signed(10.0 * look.thermostat.setpoint_celsius),
            min(round(left), 0xFFFF),
        ]

    def write(self, start: int, values: list[int]) -> None:
        """Take a setpoint, and for how long; RefusedValue for one that no room can have."""
        for register, value in enumerate(values, start):
            if register == _SETPOINT:
                if not _LEAST <= value <= _MOST:
                    raise RefusedValue
                self._wanted = value
            elif register == _LEASE:
                self._lease(value)

    def _lease(self, seconds: int) -> None:
        orders = self._twin.orders
        if not seconds:
            self._twin.order(replace(orders, setpoint_celsius=None, setpoint_end=None))
        elif self._wanted is not None:
            end = self._twin.clock.now() + timedelta(seconds=seconds)
            celsius = self._wanted / 10.0
            self._twin.order(replace(orders, setpoint_celsius=celsius, setpoint_end=end))
