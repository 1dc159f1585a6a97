"""The PV inverter: models 1, 101 (measurement), 120 (nameplate), 123 (curtailment).

SunSpec counts generation positive, the twin counts it negative. Points that nothing was measured
for (current, voltage, frequency, temperature) are "not implemented".
"""

from datetime import timedelta

from wattmesh_twin.adapters.sunspec.device import (
    DeviceFailure,
    common,
    overlaps,
    require_started,
)
from wattmesh_twin.adapters.sunspec.order import Order, OrderPoints, OrderRegisters
from wattmesh_twin.adapters.sunspec.register_map import Point, RegisterMap, power_scale
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.pv import PvSpec
from wattmesh_twin.domain.register import shown_register
from wattmesh_twin.domain.topology import INVERTER_UNIT

_SLEEPING, _MPPT, _THROTTLED = 2, 4, 5

_LIMIT = OrderPoints(
    value=(123, "WMaxLimPct"),
    enable=(123, "WMaxLim_Ena"),
    seconds=(123, "WMaxLimPct_RvrtTms"),
    idle=100.0,
    least=0.0,
    most=100.0,
)
_MEASURED: tuple[Point, ...] = ((101, "W"), (101, "WH"), (101, "St"))
_IGNORED: tuple[Point, ...] = ((123, "WMaxLimPct_WinTms"), (123, "WMaxLimPct_RmpTms"))


class SunSpecInverter:
    """A site's inverter, as SunSpec registers."""

    unit_id = INVERTER_UNIT

    def __init__(self, site: SiteTwin, pv: PvSpec) -> None:
        self._site = site
        self._pv = pv
        self._map = RegisterMap((1, 101, 120, 123), _fixed(site.spec.id.segment, pv))
        self._limit = OrderRegisters(self._map, _LIMIT, _order_of(site.now().pv_limit))

    @property
    def template(self) -> list[int]:
        """The registers before anything is measured."""
        return self._map.template

    def writable(self) -> set[int]:
        """Return the registers of the power limit; ramp and window times are taken and ignored."""
        return self._limit.writable() | {
            offset for point in _IGNORED for offset in self._map.span(point)
        }

    def read(self, asked: range) -> list[int]:
        """Return all registers as of now; DeviceFailure for measurements while the plant is off."""
        registers = list(self._map.template)
        require_started(self._site)
        state = self._site.now()
        self._limit.show(
            registers, state.pv_limit.remaining(state.time) if state.pv_limit else None
        )
        power_w = self._site.powers().pv_w
        if power_w is not None:
            shown_wh = shown_register(state.pv_export_wh, self._pv.register_step_wh)
            self._map.put(registers, (101, "W"), -power_w)
            self._map.put(registers, (101, "WH"), float(shown_wh))
            throttled = state.pv_limit is not None
            operating = _THROTTLED if throttled else _MPPT if power_w < 0 else _SLEEPING
            self._map.put_raw(registers, (101, "St"), operating)
        elif any(overlaps(asked, self._map.span(point)) for point in _MEASURED):
            raise DeviceFailure
        return registers

    def write(self, start: int, values: list[int]) -> None:
        """Take a power limit; RefusedValue when it is not between 0 and 100 %."""
        registers = self.read(range(0))
        registers[start : start + len(values)] = values
        order = self._limit.given(registers, range(start, start + len(values)))
        if order is None:
            return
        if order.enabled:
            self._site.limit_pv(order.value / 100, order.duration)
        else:
            self._site.release_pv()


def _order_of(lease: Lease | None) -> Order | None:
    if lease is None:
        return None
    return Order(value=lease.value * 100, enabled=True, duration=_whole(lease.duration))


def _whole(duration: timedelta) -> timedelta:
    return timedelta(seconds=round(duration.total_seconds()))


def _fixed(site: str, pv: PvSpec) -> dict[Point, int | str]:
    scale = power_scale(pv.peak_power_w)
    return {
        **common(model="PV inverter twin", serial=f"{site}-inverter", unit_id=INVERTER_UNIT),
        (101, "W_SF"): scale,
        (101, "WH_SF"): -1 if pv.register_step_wh < 1 else 0,
        (101, "Evt1"): 0,
        (101, "Evt2"): 0,
        (120, "DERTyp"): 4,
        (120, "WRtg"): round(pv.peak_power_w / 10**scale),
        (120, "WRtg_SF"): scale,
        (123, "Conn"): 1,
        (123, "WMaxLimPct_SF"): -2,
    }
