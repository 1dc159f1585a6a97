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
    HANDED_OVER = "handed_over"
    """Another device takes over what it did not do."""
    TAKES_OVER = "takes_over"
    SETPOINT_OVERRULED = "overruled"
    """The gateway's own loop tells it something else than its command."""
    SETPOINT_RESTORED = "restored"
    LOOP_STARTED = "loop_started"
    LOOP_ENDED = "loop_ended"
    LOOP_LIMITING = "loop_limiting"
    LOOP_UNLIMITED = "loop_unlimited"
    LOOP_METER_STALE = "loop_meter_stale"
    LOOP_METER_USED = "loop_meter_used"
    LOOP_MEMBER_LOST = "loop_member_lost"
    LOOP_MEMBER_BACK = "loop_member_back"
    LOOP_ISLANDED = "loop_islanded"
    LOOP_RECONNECTED = "loop_reconnected"
    LOOP_SHED = "loop_shed"
    LOOP_RESTORED = "loop_restored"


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
