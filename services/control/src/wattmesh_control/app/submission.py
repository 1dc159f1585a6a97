"""What a schedule's owner asks and is answered."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_control.domain.limits import Answer
from wattmesh_control.domain.proposal import check_text
from wattmesh_control.domain.schedule import DeviceSchedule
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """An owner's schedules for some devices.

    Error: InvalidArgument when the request has no id or a slot has two schedules.
    """

    request_id: str
    source: str
    owner: str
    priority: int
    schedules: tuple[DeviceSchedule, ...]

    def __post_init__(self) -> None:
        check_text(self.request_id, "request_id")
        slots = [each.slot for each in self.schedules]
        if len(set(slots)) < len(slots):
            raise InvalidArgument(
                "SCHEDULES_CONFLICT",
                "a device has two schedules that steer the same of it",
                field="schedules",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointAnswer:
    """How the setpoint that begins at `start` was answered."""

    device: DeviceId
    start: datetime
    answer: Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionAnswer:
    """How a submission was answered; setpoints taken as asked are only counted."""

    accept_time: datetime
    accepted: int
    exceptions: tuple[SetpointAnswer, ...]
