"""A wind turbine's inverter: models 1, 103 (measurement), 120 (nameplate), 123 (curtailment).

SunSpec has no model for wind; towards the grid a small turbine is an inverter like any other.
"""

from wattmesh_twin.adapters.sunspec.device import common
from wattmesh_twin.adapters.sunspec.order import OrderPoints, OrderRegisters
from wattmesh_twin.adapters.sunspec.register_map import Point, RegisterMap, power_scale
from wattmesh_twin.app.run_machine import Turbine
from wattmesh_twin.domain.pv import FACTORY_REGISTER_WH
from wattmesh_twin.domain.register import shown_register

_SLEEPING, _FOLLOWS, _THROTTLED = 2, 4, 5
_LIMIT = OrderPoints(
    value=(123, "WMaxLimPct"),
    enable=(123, "WMaxLim_Ena"),
    seconds=(123, "WMaxLimPct_RvrtTms"),
    idle=100.0,
    least=0.0,
    most=100.0,
)


class SunSpecWind:
    """A wind turbine, as SunSpec registers."""

    def __init__(self, twin: Turbine, serial: str, unit_id: int = 1) -> None:
        self.unit_id = unit_id
        self._twin = twin
        rated_w = twin.rating.max_output_power_w
        self._map = RegisterMap((1, 103, 120, 123), _fixed(rated_w, serial, self.unit_id))
        self._limit = OrderRegisters(self._map, _LIMIT, None)

    @property
    def template(self) -> list[int]:
        """The registers before anything is measured."""
        return self._map.template

    def writable(self) -> set[int]:
        """Return the registers of the power limit."""
        return self._limit.writable()

    def read(self, asked: range) -> list[int]:
        """Return all registers as of now."""
        look = self._twin.look()
        registers = list(self._map.template)
        limit = look.limit
        left = None if limit is None else limit.expire_time - limit.start_time
        self._limit.show(registers, left)
        self._map.put(registers, (103, "W"), look.power_w)
        shown_wh = shown_register(FACTORY_REGISTER_WH + look.energy_wh, 1.0)
        self._map.put(registers, (103, "WH"), float(shown_wh))
        state = _THROTTLED if limit is not None else _FOLLOWS if look.power_w > 0 else _SLEEPING
        self._map.put_raw(registers, (103, "St"), state)
        return registers

    def write(self, start: int, values: list[int]) -> None:
        """Take a power limit; RefusedValue when it is not between 0 and 100 %."""
        registers = self.read(range(0))
        registers[start : start + len(values)] = values
        order = self._limit.given(registers, range(start, start + len(values)))
        if order is None:
            return
        if order.enabled:
            self._twin.limit(order.value / 100, order.duration)
        else:
            self._twin.release()


def _fixed(rated_w: float, serial: str, unit_id: int) -> dict[Point, int | str]:
    scale = power_scale(rated_w)
    return {
        **common(model="Wind turbine twin", serial=serial, unit_id=unit_id),
        (103, "W_SF"): scale,
        (103, "WH_SF"): 0,
        (103, "Evt1"): 0,
        (103, "Evt2"): 0,
        (120, "WRtg"): round(rated_w / 10**scale),
        (120, "WRtg_SF"): scale,
        (123, "Conn"): 1,
        (123, "WMaxLimPct_SF"): -2,
    }
