"""The gateway's view of a device: how it is talked to, what may be set, whether it answers."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Device


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceStatus:
    """Whether a device answers, since when, and what happened."""

    device: DeviceId
    online: bool
    change_time: datetime
    message: str


def talked_to_alike(one: Device, other: Device) -> bool:
    """Return whether nothing changed in how a device is talked to.

    What it does for which asset may have changed: that is asked when it is needed.
    """
    return (one.profile, one.connection, one.points, one.reporting_interval) == (
        other.profile,
        other.connection,
        other.points,
        other.reporting_interval,
    )


def why_not_set(device: Device, kind: SetpointKind, now: datetime) -> str | None:
    """Return why a device is not to be told a setpoint; None when it may be told."""
    controlling = [each for each in device.functions if each.controls and each.holds(now)]
    if not controlling:
        return "the device controls no asset"
    if any(not each.setpoint_kinds or kind in each.setpoint_kinds for each in controlling):
        return None
    return f"the device is not to be told {kind.value}"
