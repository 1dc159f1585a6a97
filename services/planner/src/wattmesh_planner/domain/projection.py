"""Where a battery will stand when a plan begins, from where it stands now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.model import Battery


@dataclass(frozen=True, kw_only=True, slots=True)
class StateOfCharge:
    """A metered state of charge."""

    measure_time: datetime
    soc_ratio: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Setpoint:
    """The power a battery was told to hold over a range [W], charging positive."""

    range: TimeRange
    power_w: float


def project_soc(
    battery: Battery, state: StateOfCharge, setpoints: Iterable[Setpoint], until: datetime
) -> float:
    """Return the state of charge at `until` if the battery follows its setpoints, 0 to 1.

    Between setpoints the battery is idle. Charging 1 kW for half an hour at an efficiency of 0.95
    puts 475 Wh into the store: 6.4 kWh at 0.50 then stand at 0.574.
    """
    if until <= state.measure_time:
        return state.soc_ratio
    window = TimeRange(state.measure_time, until)
    energy_wh = state.soc_ratio * battery.capacity_wh
    for setpoint in sorted(setpoints, key=lambda item: item.range.start):
        if overlap := setpoint.range.intersect(window):
            hours = overlap.duration.total_seconds() / 3600
            energy_wh += _stored_power_w(battery, setpoint.power_w) * hours
            energy_wh = min(max(energy_wh, 0.0), battery.capacity_wh)
    return energy_wh / battery.capacity_wh


def _stored_power_w(battery: Battery, power_w: float) -> float:
    """Return what reaches the store [W] of a power on the AC side; negative: what leaves it."""
    power_w = min(max(power_w, -battery.discharge_limit_w), battery.charge_limit_w)
    if power_w >= 0:
        return power_w * battery.charge_efficiency_ratio
    return power_w / battery.discharge_efficiency_ratio
