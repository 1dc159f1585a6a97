"""The battery: models 1, 701 (measurement), 702 (ratings), 704 (setpoint), 713 (storage).

SunSpec counts discharging positive, the twin counts charging positive. A setpoint is a lease in
simulated seconds: when its reversion timer has run out the battery idles.
"""

from datetime import timedelta

from wattmesh_twin.adapters.sunspec.device import RefusedValue, common, require_started
from wattmesh_twin.adapters.sunspec.order import Order, OrderPoints, OrderRegisters
from wattmesh_twin.adapters.sunspec.register_map import Point, RegisterMap, power_scale
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.domain.battery import BatterySpec, BatteryState
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.register import shown_register
from wattmesh_twin.domain.topology import BATTERY_UNIT

REGISTER_STEP_WH = 0.1
"""The last digit of the energy registers [Wh]."""

_RUNNING, _STANDBY = 3, 7
_WATTS = 1
_FIXED_W = 0b10

_SETPOINT = OrderPoints(
    value=(704, "WSet"),
    enable=(704, "WSetEna"),
    seconds=(704, "WSetRvrtTms"),
    remaining=(704, "WSetRvrtRem"),
)
_ONLY: dict[Point, int] = {(704, "WSetMod"): _WATTS, (704, "WSetRvrt"): 0, (704, "WSetEnaRvrt"): 0}
_IGNORED: tuple[Point, ...] = ((704, "WSetPct"), (704, "WSetPctRvrt"))


class SunSpecBattery:
    """A site's battery, as SunSpec registers."""

    unit_id = BATTERY_UNIT

    def __init__(self, site: SiteTwin, spec: BatterySpec) -> None:
        self._site = site
        self._spec = spec
        fixed = _fixed(site.spec.id.segment, spec)
        self._map = RegisterMap((1, 701, 702, 704, 713), fixed)
        self._setpoint = OrderRegisters(self._map, _SETPOINT, _order_of(site.now().setpoint))

    @property
    def template(self) -> list[int]:
        """The registers before anything is measured."""
        return self._map.template

    def writable(self) -> set[int]:
        """Return the registers from WSetEna to WSetRvrtTms."""
        others = {offset for point in (*_ONLY, *_IGNORED) for offset in self._map.span(point)}
        return self._setpoint.writable() | others

    def read(self, asked: range) -> list[int]:
        """Return all registers as of now."""
        require_started(self._site)
        state = self._site.now()
        registers = list(self._map.template)
        remaining = state.setpoint.remaining(state.time) if state.setpoint else None
        self._setpoint.show(registers, remaining)
        if state.battery is not None:
            self._measure(registers, state.battery, self._site.powers().battery_w)
        return registers

    def write(self, start: int, values: list[int]) -> None:
        """Take a setpoint; RefusedValue for another mode than watts or another reversion than idle.

        A setpoint beyond the ratings is taken as it is; the battery does what it can.
        """
        registers = self.read(range(0))
        registers[start : start + len(values)] = values
        if any(self._map.get_raw(registers, point) != only for point, only in _ONLY.items()):
            raise RefusedValue
        order = self._setpoint.given(registers, range(start, start + len(values)))
        if order is None:
            return
        if order.enabled:
            self._site.set_battery_power(-order.value, order.duration)
        else:
            self._site.release_battery()

    def _measure(self, registers: list[int], battery: BatteryState, power_w: float) -> None:
        put = self._map.put
        put(registers, (701, "InvSt"), _RUNNING if power_w else _STANDBY)
        put(registers, (701, "W"), -power_w)
        put(registers, (701, "TotWhInj"), _shown(battery.discharge_wh))
        put(registers, (701, "TotWhAbs"), _shown(battery.charge_wh))
        put(registers, (713, "WHAvail"), battery.stored_wh)
        put(registers, (713, "SoC"), 100 * battery.soc_ratio(self._spec))


def _shown(energy_wh: float) -> float:
    return float(shown_register(energy_wh, REGISTER_STEP_WH))


def _order_of(lease: Lease | None) -> Order | None:
    if lease is None:
        return None
    duration = timedelta(seconds=round(lease.duration.total_seconds()))
    return Order(value=-lease.value, enabled=True, duration=duration)


def _fixed(site: str, spec: BatterySpec) -> dict[Point, int | str]:
    limit_w = max(spec.max_charge_power_w, spec.max_discharge_power_w)
    power_sf, energy_sf = power_scale(limit_w), power_scale(spec.capacity_wh, 65534)
    power = 10**power_sf
    charge, discharge = (
        round(spec.max_charge_power_w / power),
        round(spec.max_discharge_power_w / power),
    )
    return {
        **common(model="Battery twin", serial=f"{site}-battery", unit_id=BATTERY_UNIT),
        (701, "ACType"): 0,
        (701, "St"): 1,
        (701, "ConnSt"): 1,
        (701, "Alrm"): 0,
        (701, "W_SF"): power_sf,
        (701, "TotWh_SF"): -1,
        (702, "WMaxRtg"): discharge,
        (702, "WMax"): discharge,
        (702, "WChaRteMaxRtg"): charge,
        (702, "WChaRteMax"): charge,
        (702, "WDisChaRteMaxRtg"): discharge,
        (702, "WDisChaRteMax"): discharge,
        (702, "CtrlModes"): _FIXED_W,
        (702, "W_SF"): power_sf,
        (704, "WSet_SF"): 0,
        **_ONLY,
        (713, "WHRtg"): round(spec.capacity_wh / 10**energy_sf),
        (713, "WH_SF"): energy_sf,
        (713, "SoH"): 10000,
        (713, "Sta"): 0,
        (713, "Pct_SF"): -2,
    }
