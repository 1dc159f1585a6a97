"""What a device that heats or cools is told: temperatures, powers, or on and off."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_planner.adapters.kinds.part import schedule
from wattmesh_planner.domain.inputs import AssetInputs
from wattmesh_planner.domain.plan import DeviceSchedule

ON_RATIO = 0.5
"""Of its most power, from which on a machine that is only switched is on."""
_DECIMALS = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a machine shall do per interval: temperatures [°C], and powers [W] of at most `most_w`.

    A temperature is what its own controller keeps: so it protects comfort though the plan errs.
    """

    celsius: Sequence[float]
    powers_w: Sequence[float]
    most_w: float


def thermostat_schedules(
    asset: AssetInputs, wanted: Wanted, start: datetime, resolution: timedelta
) -> Iterable[DeviceSchedule]:
    """Return the schedule in the terms of the device: a temperature where it takes one."""
    kinds = asset.asset.setpoint_kinds
    if not kinds or SetpointKind.TEMPERATURE_CELSIUS in kinds:
        kind, values = SetpointKind.TEMPERATURE_CELSIUS, list(wanted.celsius)
        return schedule(asset, kind, values, start, resolution, _DECIMALS)
    if not wanted.powers_w:
        return ()
    if SetpointKind.ACTIVE_POWER_W in kinds:
        kind, values = SetpointKind.ACTIVE_POWER_W, list(wanted.powers_w)
        return schedule(asset, kind, values, start, resolution)
    if SetpointKind.ON_OFF in kinds:
        least_w = ON_RATIO * wanted.most_w
        on = [1.0 if power_w >= least_w and power_w > 0 else 0.0 for power_w in wanted.powers_w]
        return schedule(asset, SetpointKind.ON_OFF, on, start, resolution)
    return ()
