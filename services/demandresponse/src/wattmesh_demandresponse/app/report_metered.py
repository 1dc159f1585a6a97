"""Tells somebody else's VTN what was metered, where it wants to know."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from wattmesh_demandresponse.app.baselines import Baselines
from wattmesh_demandresponse.app.keep import MOST_IN_PAGE
from wattmesh_demandresponse.app.ports import Query
from wattmesh_demandresponse.app.programmes import KeepEnrolments, KeepProgrammes
from wattmesh_demandresponse.domain.metered_reports import MeteredEnergy, ReportRequest
from wattmesh_demandresponse.domain.records import Parent
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.time import TimeRange, floor_time

_LATEST = timedelta(hours=1)
"""For how long a reading is waited for."""
_MOST_INTERVALS = 1500
"""Of one resource in one report."""
_MOST_REQUESTS = 10_000


class ReportingVtn(Protocol):
    """Somebody else's VTN that wants reports."""

    async def report_requests(self, resources: Sequence[str]) -> Sequence[ReportRequest]:
        """Offer reports of resources; return which are wanted. Error: Unavailable."""

    async def report(self, request: ReportRequest, energies: Sequence[MeteredEnergy]) -> None:
        """Tell energies of one request. Error: Unavailable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Metered:
    """A site or group, and the external ids of the programmes that it takes part in."""

    subject: str
    programmes: set[str] = field(default_factory=set)


class ReportMetered:
    """Tells each interval once, as soon as it was metered; what is not within an hour, never."""

    def __init__(
        self,
        vtn: ReportingVtn,
        programmes: KeepProgrammes,
        enrolments: KeepEnrolments,
        baselines: Baselines,
        clock: Clock,
    ) -> None:
        self._vtn = vtn
        self._programmes = programmes
        self._enrolments = enrolments
        self._baselines = baselines
        self._clock = clock
        self._told_until: dict[tuple[str, str], datetime] = {}
        self._next: dict[str, datetime] = {}

    async def __call__(self) -> None:
        """Report what is due. Error: Unavailable."""
        subjects = await self._subjects()
        if not subjects:
            return
        for request in await self._vtn.report_requests(sorted(subjects)):
            await self._report(request, subjects)
        self._forget()

    def _forget(self) -> None:
        """Forget the oldest requests of very many: each event may be one."""
        while len(self._next) > _MOST_REQUESTS:
            oldest = next(iter(self._next))
            del self._next[oldest]
            for key in [each for each in self._told_until if each[0] == oldest]:
                del self._told_until[key]

    async def _report(self, request: ReportRequest, subjects: dict[str, _Metered]) -> None:
        now, step = self._clock.now(), request.granularity
        if step < timedelta(minutes=1):  # no meter tells more often
            return
        begun = floor_time(now, step) if request.start is None else request.start
        due = self._next.setdefault(request.id, begun + request.every)
        if now < due:
            return
        energies: list[MeteredEnergy] = []
        told = dict[tuple[str, str], datetime]()
        waited = False
        for resource in request.resources:
            metered = subjects.get(resource)
            if metered is not None and request.programme in {"", *metered.programmes}:
                key = (request.id, resource)
                span = self._span(key, request, due - request.every, now)
                some = await self._energies(resource, metered.subject, span, step)
                told[key] = _told_until(span, step, some, now)
                energies += [each for each in some if each.start < told[key]]
                waited = waited or told[key] < span.end
        self._next[request.id] = floor_time(now, step) + (step if waited else request.every)
        if request.whole and waited:
            return
        if energies:
            await self._vtn.report(request, energies)
        self._told_until |= told

    def _span(
        self, key: tuple[str, str], request: ReportRequest, begun: datetime, now: datetime
    ) -> TimeRange:
        step = request.granularity
        first = begun if request.start is None else request.start
        end = first + (now - first) // step * step
        if request.until is not None:
            end = min(end, request.until)
        start = max(self._told_until.get(key, first), end - _MOST_INTERVALS * step)
        return TimeRange(min(start, end), end)

    async def _energies(
        self, resource: str, subject: str, span: TimeRange, step: timedelta
    ) -> list[MeteredEnergy]:
        if span.empty:
            return []
        try:
            power_w = await self._baselines.metered_w(subject, span, step)
        except (InvalidArgument, NotFound):
            return []
        hours = step / timedelta(hours=1)
        return [
            MeteredEnergy(resource=resource, start=start, energy_wh=float(value) * hours)
            for start, value in zip(span.starts(step), power_w.values, strict=True)
            if np.isfinite(value)
        ]

    async def _subjects(self) -> dict[str, _Metered]:
        """Return who is metered, by the name that the VTN knows: their external id, or ours."""
        found: dict[str, _Metered] = {}
        programmes, _ = await self._programmes.list(Query(), MOST_IN_PAGE, "")
        for programme in programmes:
            if programme.resource.external_id:
                query = Query(parent=Parent(programme=programme.resource.id))
                page, _ = await self._enrolments.list(query, MOST_IN_PAGE, "")
                for each in page:
                    enrolment = each.resource
                    name = enrolment.external_id or enrolment.id.segment
                    metered = found.setdefault(name, _Metered(subject=enrolment.subject))
                    metered.programmes.add(programme.resource.external_id)
        return found


def _told_until(
    span: TimeRange, step: timedelta, told: Sequence[MeteredEnergy], now: datetime
) -> datetime:
    """Return from when on is to be told next: gaps are waited for, but not for ever."""
    starts = {each.start for each in told}
    missing = [each for each in span.starts(step) if each not in starts]
    waited = [each for each in missing if each + step > now - _LATEST]
    return waited[0] if waited else span.end
