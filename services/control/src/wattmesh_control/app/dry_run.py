"""Say what would become of a schedule or a command as things stand, and change nothing."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Protocol

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.issue_command import Override
from wattmesh_control.app.reconcile import answer_of
from wattmesh_control.app.submission import Submission
from wattmesh_control.domain.controllable import NotSteered
from wattmesh_control.domain.hold import Hold
from wattmesh_control.domain.limits import Accepted, Answer, Limit, LimitSet, Refused
from wattmesh_control.domain.proposal import Origin, Proposal, outranking
from wattmesh_control.domain.schedule import DeviceSchedule, Setpoint
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import DeviceId, PlanId
from wattmesh_kernel.time import TimeRange

RATING = "rating"
"""What limits a value when the device can do no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What stands for some devices, now and later."""

    proposals: Sequence[Proposal] = ()
    limits: Sequence[Limit] = ()
    holds: Sequence[Hold] = ()


class OutlookReader(Protocol):
    """Reads what stands, without locks."""

    async def read(self, devices: Collection[DeviceId], now: datetime) -> Outlook:
        """Return what stands for devices and has not ended at `now`."""

    async def of_source(self, source: str, now: datetime) -> list[Proposal]:
        """Return the proposals of a source that have not ended at `now`, by device and time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What would become of one setpoint over a range in which nothing that is known changes."""

    device: DeviceId
    span: TimeRange
    requested_value: float
    answer: Answer
    limited_by: tuple[str, ...] = ()
    held_by: str = ""
    outranked_by: str = ""


class DryRun:
    """Asks what a unit of work would ask, of every part of every setpoint."""

    def __init__(self, *, clock: Clock, devices: Devices, reader: OutlookReader) -> None:
        self._clock = clock
        self._devices = devices
        self._reader = reader

    async def schedule(self, submission: Submission) -> list[Forecast]:
        """Return what would become of each setpoint. Error: Unavailable, as in SubmitSchedule."""
        devices = [each.device for each in submission.schedules]
        await self._devices.require(devices)
        now = self._clock.now()
        outlook = await self._reader.read(devices, now)
        return [
            each
            for schedule in submission.schedules
            for setpoint in schedule.setpoints
            for each in self._parts(_asked(submission, schedule, setpoint, now), outlook, now)
        ]

    async def plan(self, plan: PlanId) -> list[Forecast]:
        """Return what would become of what is left of a plan. Error: NotFound."""
        now = self._clock.now()
        asked = await self._reader.of_source(plan.name, now)
        if not asked:
            raise NotFound("PLAN_NOT_FOUND", f"nothing of {plan} is left")
        devices = {each.device for each in asked}
        await self._devices.require(devices)
        outlook = await self._reader.read(devices, now)
        return [part for each in asked for part in self._parts(each, outlook, now)]

    async def command(self, override: Override) -> list[Forecast]:
        """Return what would become of a command. Errors: as in IssueCommand."""
        await self._devices.require([override.device])
        now = self._clock.now()
        self._devices.get(override.device, now)
        outlook = await self._reader.read([override.device], now)
        return list(self._parts(override.proposal(now, 0), outlook, now))

    def _parts(self, asked: Proposal, outlook: Outlook, now: datetime) -> Iterator[Forecast]:
        """Cut a setpoint where anything known begins or ends, and look at each part."""
        mine = _of(asked.device, outlook, self._devices.subjects_of(asked.device))
        if asked.span.end <= now:
            yield self._part(asked, asked.span, mine, now)
            return
        span = TimeRange(max(asked.span.start, now), asked.span.end)
        cuts = sorted({span.start, *_turns(mine, asked, span), span.end})
        for start, end in pairwise(cuts):
            yield self._part(asked, TimeRange(start, end), mine, now)

    def _part(self, asked: Proposal, span: TimeRange, outlook: Outlook, now: datetime) -> Forecast:
        start = span.start
        hold = next((each for each in outlook.holds if _keeps_off(each, asked, start)), None)
        limits = [each for each in outlook.limits if each.in_force(start)]
        before = outranking(outlook.proposals, asked, start)
        answer = self._answer(asked, limits, hold, before, now)
        return Forecast(
            device=asked.device,
            span=span,
            requested_value=asked.value,
            answer=answer,
            limited_by=() if hold is not None else tuple(self._limiting(asked, limits, now)),
            held_by="" if hold is None else hold.hold.name,
            outranked_by="" if before is None else before.owner,
        )

    def _answer(
        self,
        asked: Proposal,
        limits: Sequence[Limit],
        hold: Hold | None,
        before: Proposal | None,
        now: datetime,
    ) -> Answer:
        if asked.span.end <= now:
            return Refused("it is over")
        if hold is not None:
            return Refused(str(hold))
        if before is not None and asked.origin is Origin.OVERRIDE:
            return Refused(f"{before.owner} goes first with priority {before.priority}")
        told = (asked.device, asked.kind, asked.value)
        return answer_of(self._devices, *told, limits, now, asked.phase)

    def _limiting(self, asked: Proposal, limits: Sequence[Limit], now: datetime) -> Iterator[str]:
        """Return whose bounds the value does not keep."""
        steering = self._devices.steering(asked.device, asked.kind, now)
        if isinstance(steering, NotSteered):
            return
        if not steering.envelope.admits(asked.value):
            yield RATING
        for limit in limits:
            envelope = steering.envelope.on(asked.phase)
            alone = LimitSet(asked.kind, envelope, (limit,)).clamp(asked.value)
            free = LimitSet(asked.kind, envelope).clamp(asked.value)
            if not isinstance(alone, Accepted) and alone != free:
                yield (limit.parent or limit.limit).name


def _asked(
    submission: Submission, schedule: DeviceSchedule, setpoint: Setpoint, now: datetime
) -> Proposal:
    return Proposal(
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
        phase=schedule.phase,
    )


def _of(device: DeviceId, outlook: Outlook, subjects: Collection[str]) -> Outlook:
    return Outlook(
        proposals=[each for each in outlook.proposals if each.device == device],
        limits=[each for each in outlook.limits if each.device == device],
        holds=[each for each in outlook.holds if each.subject in subjects],
    )


def _keeps_off(hold: Hold, asked: Proposal, moment: datetime) -> bool:
    return hold.in_force(moment) and hold.keeps_off(asked.priority, asked.origin)


def _turns(outlook: Outlook, asked: Proposal, span: TimeRange) -> Iterator[datetime]:
    """Return the instants inside of a range at which something that matters begins or ends."""
    instants = [each.expire_time for each in outlook.limits]
    instants += [each.start_time for each in outlook.limits if each.start_time is not None]
    instants += [each.expire_time for each in outlook.holds if each.expire_time is not None]
    rivals = [each for each in outlook.proposals if each.priority > asked.priority]
    instants += [end for each in rivals for end in (each.span.start, each.span.end)]
    yield from (each for each in instants if span.start < each < span.end)
