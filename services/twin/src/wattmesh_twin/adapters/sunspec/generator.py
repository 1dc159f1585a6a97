"""A generator set: models 1, 701 (measurement), 702 (ratings), 704 (setpoint).

IEEE 1547 does not care what drives a resource: its controller speaks the models of any DER. SunSpec
counts power out positive. When an order's reversion timer has run out the set stops, as soon as it
may.
"""

from wattmesh_twin.adapters.sunspec.device import RefusedValue, common
from wattmesh_twin.adapters.sunspec.order import OrderPoints, OrderRegisters
from wattmesh_twin.adapters.sunspec.register_map import Point, RegisterMap, power_scale
from wattmesh_twin.app.run_machine import Generator
from wattmesh_twin.domain.generator import GeneratorSpec, Stage
from wattmesh_twin.domain.register import shown_register

_STATES = {Stage.STOPPED: 0, Stage.STARTING: 2, Stage.RUNNING: 3, Stage.LOCKED: 6}
"""Of 701's `InvSt`: off, starting, running, fault."""
_FIXED_W = 0b10
_SETPOINT = OrderPoints(
    value=(704, "WSet"),
    enable=(704, "WSetEna"),
    seconds=(704, "WSetRvrtTms"),
    remaining=(704, "WSetRvrtRem"),
    least=0.0,
)
_ONLY: dict[Point, int] = {(704, "WSetMod"): 1, (704, "WSetRvrt"): 0, (704, "WSetEnaRvrt"): 0}


class SunSpecGenerator:
    """A generator set, as SunSpec registers."""

    def __init__(self, twin: Generator, serial: str, unit_id: int = 1) -> None:
        self.unit_id = unit_id
        self._twin = twin
        self._map = RegisterMap((1, 701, 702, 704), _fixed(twin.spec, serial, self.unit_id))
        self._setpoint = OrderRegisters(self._map, _SETPOINT, None)

    @property
    def template(self) -> list[int]:
        """The registers before anything is measured."""
        return self._map.template

    def writable(self) -> set[int]:
        """Return the registers of the setpoint."""
        others = {offset for point in _ONLY for offset in self._map.span(point)}
        return self._setpoint.writable() | others

    def read(self, asked: range) -> list[int]:
        """Return all registers as of now."""
        state, spec = self._twin.look(), self._twin.spec
        registers = list(self._map.template)
        remaining = None if state.order is None else state.order.remaining(state.time) or None
        self._setpoint.show(registers, remaining)
        self._map.put(registers, (701, "InvSt"), _STATES[state.stage(spec)])
        self._map.put(registers, (701, "W"), -state.power_w(spec))
        self._map.put(registers, (701, "TotWhInj"), float(shown_register(state.energy_wh, 0.1)))
        return registers

    def write(self, start: int, values: list[int]) -> None:
        """Take a setpoint; RefusedValue for one that is no power out, or not in watts."""
        registers = self.read(range(0))
        registers[start : start + len(values)] = values
        if any(self._map.get_raw(registers, point) != only for point, only in _ONLY.items()):
            raise RefusedValue
        order = self._setpoint.given(registers, range(start, start + len(values)))
        if order is None:
            return
        if order.enabled:
            self._twin.order(order.value, order.duration)
        else:
            self._twin.release()


def _fixed(spec: GeneratorSpec, serial: str, unit_id: int) -> dict[Point, int | str]:
    scale = power_scale(spec.rated_w)
    rated = round(spec.rated_w / 10**scale)
    return {
        **common(model="Generator twin", serial=serial, unit_id=unit_id),
        (701, "ACType"): 2,
        (701, "St"): 1,
        (701, "ConnSt"): 1,
        (701, "Alrm"): 0,
        (701, "W_SF"): scale,
        (701, "TotWh_SF"): -1,
        (702, "WMaxRtg"): rated,
        (702, "WMax"): rated,
        (702, "WDisChaRteMaxRtg"): rated,
        (702, "CtrlModes"): _FIXED_W,
        (702, "W_SF"): scale,
        (704, "WSet_SF"): 0,
        **_ONLY,
    }
