"""What a schedule's owner asks and is answered."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_control.domain.exchange import ExchangeSchedule
from wattmesh_control.domain.limits import Answer
from wattmesh_control.domain.proposal import check_text
from wattmesh_control.domain.schedule import DeviceSchedule
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """An owner's schedules for some devices.

    Error: InvalidArgument when the request has no id, or a slot or site has two schedules.
    """

    request_id: str
    source: str
    owner: str
    priority: int
    schedules: tuple[DeviceSchedule, ...]
    exchanges: tuple[ExchangeSchedule, ...] = ()
    """What it counts on at grid connections."""

    def __post_init__(self) -> None:
        check_text(self.request_id, "request_id")
        slots = [each.slot for each in self.schedules]
        if len(set(slots)) < len(slots):
            raise InvalidArgument(
                "SCHEDULES_CONFLICT",
                "a device has two schedules that steer the same of it",
                field="schedules",
            )
        sites = [each.site for each in self.exchanges]
        if len(set(sites)) < len(sites):
            raise InvalidArgument(
                "SCHEDULES_CONFLICT", "a site has two exchanges", field="exchanges"
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
