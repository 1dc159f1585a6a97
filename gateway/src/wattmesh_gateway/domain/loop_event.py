"""What a loop did, or what happened to it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from wattmesh_kernel.ids import DeviceId, SiteId


class LoopEventType(Enum):
    """What a loop may tell."""

    STARTED = "started"
    ENDED = "ended"
    LIMITING = "limiting"
    UNLIMITED = "unlimited"
    METER_STALE = "meter_stale"
    METER_USED = "meter_used"
    MEMBER_LOST = "member_lost"
    MEMBER_BACK = "member_back"
    ISLANDED = "islanded"
    RECONNECTED = "reconnected"
    SHED = "shed"
    RESTORED = "restored"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopEvent:
    """Something that a loop tells; `device` None: of the whole site."""

    site: SiteId
    type: LoopEventType
    event_time: datetime
    device: DeviceId | None = None
    value: float | None = None
    message: str = ""
