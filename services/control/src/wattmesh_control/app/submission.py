"""What a schedule's owner asks and is answered, and the answer as a document to remember."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from wattmesh_control.app.ports import Document
from wattmesh_control.domain.limits import Accepted, Answer, Clamped, Refused
from wattmesh_control.domain.schedule import DeviceSchedule
from wattmesh_control.domain.wish import check_text
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


def answer_to_document(answer: SubmissionAnswer) -> Document:
    """Return an answer as a document."""
    return {
        "accept_time": answer.accept_time.isoformat(),
        "accepted": answer.accepted,
        "exceptions": [
            {"device": each.device.name, "start": each.start.isoformat(), **_entry(each.answer)}
            for each in answer.exceptions
        ],
    }


def answer_from_document(document: Mapping[str, Any]) -> SubmissionAnswer:
    """Return the answer that a document holds."""
    return SubmissionAnswer(
        accept_time=datetime.fromisoformat(document["accept_time"]),
        accepted=document["accepted"],
        exceptions=tuple(
            SetpointAnswer(
                device=DeviceId.parse(each["device"]),
                start=datetime.fromisoformat(each["start"]),
                answer=_answer(each),
            )
            for each in document["exceptions"]
        ),
    )


def _entry(answer: Answer) -> dict[str, object]:
    match answer:
        case Accepted(value):
            return {"value": value}
        case Clamped(value, reason):
            return {"value": value, "reason": reason}
        case Refused(reason):
            return {"reason": reason}
        case _:
            assert_never(answer)


def _answer(entry: Mapping[str, Any]) -> Answer:
    if "reason" not in entry:
        return Accepted(entry["value"])
    if "value" not in entry:
        return Refused(entry["reason"])
    return Clamped(entry["value"], entry["reason"])
