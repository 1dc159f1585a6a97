"""Replace an owner's schedules from now on."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from wattmesh_control.app.chunks import MOST_AT_ONCE, chunks
from wattmesh_control.app.devices import Devices
from wattmesh_control.app.draft import Draft
from wattmesh_control.app.ports import Request, Scope
from wattmesh_control.app.reconcile import holds_on
from wattmesh_control.app.submission import SetpointAnswer, Submission, SubmissionAnswer
from wattmesh_control.app.unit_of_work import UnitOfWork, Work
from wattmesh_control.domain.controllable import NotSteered, Steering
from wattmesh_control.domain.hold import Hold
from wattmesh_control.domain.limits import Accepted, Answer, Limit, LimitSet, Refused
from wattmesh_control.domain.proposal import Origin, Proposal
from wattmesh_control.domain.schedule import DeviceSchedule, Setpoint, take_over
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.time import TimeRange

log = logging.getLogger(__name__)

_METHOD = "SubmitSchedule"
_OVER = Refused("it is over")
_FAILED = Refused("control fails on this device at present")


class SubmitSchedule:
    """Answers each setpoint, stores the proposals and acts at once on those that are running.

    More devices than go into one transaction are taken in parts, each remembered by itself. A
    device on which control fails alone is refused; the others are taken.
    """

    def __init__(self, *, clock: Clock, devices: Devices, unit_of_work: UnitOfWork) -> None:
        self._clock = clock
        self._devices = devices
        self._unit_of_work = unit_of_work

    async def __call__(self, submission: Submission) -> SubmissionAnswer:
        """Take a submission; a repeat gets the first answer.

        Error: Unavailable while the devices' limits are not known.
        """
        await self._devices.require(each.device for each in submission.schedules)
        parts = list(chunks(submission.schedules, MOST_AT_ONCE)) or [()]
        answers = [
            await self._take(_part(submission, part, index), f"{_METHOD}{_nth(index)}")
            for index, part in enumerate(parts)
        ]
        answer = _together(answers)
        taken = sum(len(each.setpoints) for each in submission.schedules)
        log.info("%s: took %d of %d setpoints", submission.source, answer.accepted, taken)
        return answer

    async def _take(self, submission: Submission, method: str) -> SubmissionAnswer:
        try:
            work = _Taking(submission=submission, method=method, devices_known=self._devices)
            return (await self._unit_of_work(work)).answer
        except WattmeshError:
            raise
        except Exception as error:  # of one device: the others are taken all the same
            if not submission.schedules or (method == _METHOD and len(submission.schedules) == 1):
                raise
            return await self._halve(submission, method, error)

    async def _halve(
        self, submission: Submission, method: str, error: Exception
    ) -> SubmissionAnswer:
        schedules = submission.schedules
        if len(schedules) == 1:
            log.error("%s cannot be scheduled", schedules[0].device, exc_info=error)
            return _refused(schedules, self._clock.now())
        middle = len(schedules) // 2
        return _together(
            [
                await self._take(_part(submission, half, index), f"{method}.{index}")
                for index, half in enumerate((schedules[:middle], schedules[middle:]))
            ]
        )


@dataclass(kw_only=True)
class _Taking(Work[SubmissionAnswer]):
    """Takes the schedules of at most 500 devices."""

    submission: Submission
    method: str
    devices_known: Devices
    accepted: int = 0
    exceptions: list[SetpointAnswer] = field(default_factory=list)

    @property
    def scope(self) -> Scope:
        schedules = self.submission.schedules
        return Scope(
            devices=frozenset(each.device for each in schedules),
            request=Request(
                method=self.method,
                request_id=self.submission.request_id,
                answer=SubmissionAnswer,
            ),
            new_proposals=sum(len(each.setpoints) for each in schedules),
            ahead=True,
        )

    def decide(self, draft: Draft) -> None:
        limits = defaultdict[DeviceId, list[Limit]](list)
        for limit in draft.standing.limits:
            if limit.device is not None:
                limits[limit.device].append(limit)
        for schedule in self.submission.schedules:
            self._take(draft, schedule, limits.get(schedule.device, ()))
        draft.unmoved = _unmoved(draft)
        if self.submission.exchanges:
            draft.submission = self.submission

    def answer(self, draft: Draft) -> SubmissionAnswer:
        return SubmissionAnswer(
            accept_time=draft.now, accepted=self.accepted, exceptions=tuple(self.exceptions)
        )

    def _take(self, draft: Draft, schedule: DeviceSchedule, limits: Sequence[Limit]) -> None:
        now = draft.now
        steering = self.devices_known.steering(schedule.device, schedule.kind, now)
        holds = self._holds(draft, schedule.device)
        answers = [
            _answer(schedule, steering, setpoint, limits, holds, now)
            for setpoint in schedule.setpoints
        ]
        self._count(schedule, answers)
        wanted = [
            self._proposal(schedule, setpoint, now, next(draft.numbers))
            for setpoint, answer in zip(schedule.setpoints, answers, strict=True)
            if not isinstance(answer, Refused)
        ]
        if schedule.setpoints and not wanted:
            return  # nothing was taken: what stands stays
        starts = (each.span.start for each in schedule.setpoints if each.span.end > now)
        turn = max(now, next(starts, now))
        owner, running = self.submission.owner, draft.standing.proposals
        takeover = take_over(schedule.slot, owner, running, wanted, turn=turn, now=now)
        draft.takeovers.append(takeover)
        draft.added_proposals.extend(takeover.added)

    def _holds(self, draft: Draft, device: DeviceId) -> Sequence[Hold]:
        priority = self.submission.priority
        holds = holds_on(self.devices_known, device, draft.standing.holds)
        return [each for each in holds if each.keeps_off(priority, Origin.SCHEDULE)]

    def _count(self, schedule: DeviceSchedule, answers: Sequence[Answer]) -> None:
        for setpoint, answer in zip(schedule.setpoints, answers, strict=True):
            if isinstance(answer, Accepted):
                self.accepted += 1
            else:
                start = setpoint.span.start
                self.exceptions.append(
                    SetpointAnswer(device=schedule.device, start=start, answer=answer)
                )

    def _proposal(
        self, schedule: DeviceSchedule, setpoint: Setpoint, now: datetime, number: int
    ) -> Proposal:
        return Proposal(
            number=number,
            origin=Origin.SCHEDULE,
            device=schedule.device,
            kind=schedule.kind,
            owner=self.submission.owner,
            priority=self.submission.priority,
            source=self.submission.source,
            request_id=self.submission.request_id,
            span=setpoint.span,
            value=setpoint.value,
            accept_time=now,
            phase=schedule.phase,
        )


def _answer(
    schedule: DeviceSchedule,
    steering: Steering | NotSteered,
    setpoint: Setpoint,
    limits: Sequence[Limit],
    holds: Sequence[Hold],
    now: datetime,
) -> Answer:
    if setpoint.span.end <= now:
        return _OVER
    for hold in holds:
        if hold.covers(TimeRange(max(now, setpoint.span.start), setpoint.span.end)):
            return Refused(str(hold))
    if isinstance(steering, NotSteered):
        return Refused(steering.reason)
    begins = max(now, setpoint.span.start)
    held = [limit for limit in limits if limit.in_force(begins)] if limits else ()
    envelope = steering.envelope.on(schedule.phase)
    return LimitSet(schedule.kind, envelope, held).clamp(setpoint.value)


def _unmoved(draft: Draft) -> bool:
    """Tell whether what holds now is the same before and after, so that no command changes."""
    before = {proposal.number for proposal in draft.standing.proposals}
    return before == {proposal.number for proposal in draft.proposals()}


def _part(submission: Submission, schedules: Sequence[DeviceSchedule], index: int) -> Submission:
    """Return a part of a submission; the first has what it counts on at grid connections."""
    exchanges = () if index else submission.exchanges
    return replace(submission, schedules=tuple(schedules), exchanges=exchanges)


def _nth(index: int) -> str:
    return f"/{index}" if index else ""


def _refused(schedules: Sequence[DeviceSchedule], now: datetime) -> SubmissionAnswer:
    refused = (
        SetpointAnswer(device=schedule.device, start=setpoint.span.start, answer=_FAILED)
        for schedule in schedules
        for setpoint in schedule.setpoints
    )
    return SubmissionAnswer(accept_time=now, accepted=0, exceptions=tuple(refused))


def _together(answers: Sequence[SubmissionAnswer]) -> SubmissionAnswer:
    return SubmissionAnswer(
        accept_time=answers[0].accept_time,
        accepted=sum(each.accepted for each in answers),
        exceptions=tuple(entry for each in answers for entry in each.exceptions),
    )
