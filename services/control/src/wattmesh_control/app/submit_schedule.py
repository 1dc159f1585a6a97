"""Replace an owner's schedules from now on."""

import logging
from datetime import datetime

from wattmesh_control.app.catalog import DeviceCatalog
from wattmesh_control.app.changes import Announce, Changes
from wattmesh_control.app.limit_sets import LimitSets
from wattmesh_control.app.ports import Books, Ledger
from wattmesh_control.app.reconcile import Reconcile
from wattmesh_control.app.submission import (
    SetpointAnswer,
    Submission,
    SubmissionAnswer,
    answer_from_document,
    answer_to_document,
)
from wattmesh_control.domain.limits import Accepted, Refused
from wattmesh_control.domain.schedule import DeviceSchedule, Replacement, Setpoint, replace_schedule
from wattmesh_control.domain.wish import Origin, Wish
from wattmesh_kernel.clock import Clock

log = logging.getLogger(__name__)

_METHOD = "SubmitSchedule"


class SubmitSchedule:
    """Answers each setpoint, stores the wishes and acts at once on those that are running."""

    def __init__(
        self,
        *,
        clock: Clock,
        ledger: Ledger,
        catalog: DeviceCatalog,
        reconcile: Reconcile,
        announce: Announce,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._catalog = catalog
        self._reconcile = reconcile
        self._announce = announce

    async def __call__(self, submission: Submission) -> SubmissionAnswer:
        """Take a submission; a repeat gets the first answer.

        Error: Unavailable while the devices' limits are not known.
        """
        await self._catalog.require(each.device for each in submission.schedules)
        async with self._ledger.transaction() as books:
            first = await books.requests.claim(_METHOD, submission.request_id, self._clock.now())
            if first is not None:
                return answer_from_document(first)
            answer, changes = await self._take(books, submission)
            document = answer_to_document(answer)
            await books.requests.remember(_METHOD, submission.request_id, document)
        self._announce(changes)
        return answer

    async def _take(self, books: Books, submission: Submission) -> tuple[SubmissionAnswer, Changes]:
        devices = [each.device for each in submission.schedules]
        await books.lock(devices)
        now = self._clock.now()
        await books.wishes.forget(devices, now)
        standing = await books.wishes.standing(devices, now)
        limits = LimitSets(self._catalog, await books.limits.in_force(devices, now))
        answers, replacements = list[SetpointAnswer](), list[Replacement]()
        for schedule in submission.schedules:
            mine = _answers(schedule, limits, now)
            answers += mine
            replacements.append(_replacement(submission, schedule, mine, standing, now))
        await _write(books, replacements)
        changes = await self._reconcile(books, devices)
        exceptions = tuple(each for each in answers if not isinstance(each.answer, Accepted))
        accepted = len(answers) - len(exceptions)
        log.info("%s: took %d of %d setpoints", submission.source, accepted, len(answers))
        answer = SubmissionAnswer(accept_time=now, accepted=accepted, exceptions=exceptions)
        return answer, changes


async def _write(books: Books, replacements: list[Replacement]) -> None:
    await books.wishes.remove([number for each in replacements for number in each.removed])
    await books.wishes.cut([end for each in replacements for end in each.cut])
    await books.wishes.add([wish for each in replacements for wish in each.added])


def _replacement(
    submission: Submission,
    schedule: DeviceSchedule,
    answers: list[SetpointAnswer],
    standing: list[Wish],
    now: datetime,
) -> Replacement:
    wanted = [
        _wish(submission, schedule, setpoint, now)
        for setpoint, each in zip(schedule.setpoints, answers, strict=True)
        if not isinstance(each.answer, Refused)
    ]
    if schedule.setpoints and not wanted:
        return Replacement(removed=(), cut=(), added=())  # nothing was taken: what stands stays
    starts = (setpoint.span.start for setpoint in schedule.setpoints if setpoint.span.end > now)
    return replace_schedule(
        [wish for wish in standing if _replaces(submission, schedule, wish)],
        wanted,
        turn=max(now, next(starts, now)),
        now=now,
    )


def _answers(schedule: DeviceSchedule, limits: LimitSets, now: datetime) -> list[SetpointAnswer]:
    return [
        SetpointAnswer(
            device=schedule.device,
            start=setpoint.span.start,
            answer=(
                Refused("it is over")
                if setpoint.span.end <= now
                else limits.answer(
                    schedule.device,
                    schedule.kind,
                    setpoint.value,
                    max(now, setpoint.span.start),
                )
            ),
        )
        for setpoint in schedule.setpoints
    ]


def _wish(
    submission: Submission, schedule: DeviceSchedule, setpoint: Setpoint, now: datetime
) -> Wish:
    return Wish(
        origin=Origin.SCHEDULE,
        device=schedule.device,
        kind=schedule.kind,
        owner=submission.owner,
        priority=submission.priority,
        source=submission.source,
        request_id=submission.request_id,
        span=setpoint.span,
        value=setpoint.value,
        accept_time=now,
    )


def _replaces(submission: Submission, schedule: DeviceSchedule, wish: Wish) -> bool:
    return (
        wish.origin is Origin.SCHEDULE
        and wish.owner == submission.owner
        and wish.slot == schedule.slot
    )
