"""Something worth remembering that happened to a device, apart from the states of its commands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wattmesh_kernel.ids import CommandId, DeviceId
from wattmesh_kernel.setpoints import SetpointKind


class EventType(StrEnum):
    """What may happen to a device."""

    ONLINE = "online"
    OFFLINE = "offline"
    LEASE_ENDED = "lease_ended"
    """A lease ended without a newer command."""
    SET_ASIDE = "set_aside"
    TAKEN_UP = "taken_up"
    SETPOINT_DRIFTED = "drifted"
    """Within its lease it holds something else than what was written."""
    SETPOINT_REAPPLIED = "reapplied"
    RELEASE_PENDING = "release_pending"
    RELEASED = "released"
    EFFECT_AMISS = "effect_amiss"
    """A command had no effect, or the opposite one."""
    EFFECT_BACK = "effect_back"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceEvent:
    """Something worth remembering that happened to a device.

    `command` whose setpoint it is about, `value` what the device holds, in the unit of `kind`.
    """

    device: DeviceId
    time: datetime
    what: str
    """An EventType; kept as it is when it is of a newer version."""
    message: str
    command: CommandId | None = None
    kind: SetpointKind | None = None
    value: float | None = None
    number: int = 0
    """Grows with every event that is stored; 0 before."""
