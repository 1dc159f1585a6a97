"""Tells somebody else's VTN what was metered, where it wants to know."""

from collections.abc import Sequence
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


class ReportingVtn(Protocol):
    """Somebody else's VTN that wants reports."""

    async def report_requests(self, resources: Sequence[str]) -> Sequence[ReportRequest]:
        """Offer reports of resources; return which are wanted. Error: Unavailable."""

    async def report(self, request: ReportRequest, energies: Sequence[MeteredEnergy]) -> None:
        """Tell energies of one request. Error: Unavailable."""


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

    async def _report(self, request: ReportRequest, subjects: dict[str, str]) -> None:
        now, step = self._clock.now(), request.granularity
        if step < timedelta(minutes=1):  # no meter tells more often
            return
        due = self._next.setdefault(request.id, floor_time(now, step) + request.every)
        if now < due:
            return
        energies: list[MeteredEnergy] = []
        told = dict[tuple[str, str], datetime]()
        for resource in request.resources:
            if resource in subjects:
                key = (request.id, resource)
                span = self._span(key, step, due - request.every, now)
                some = await self._energies(resource, subjects[resource], span, step)
                told[key] = _told_until(span, step, some, now)
                energies += [each for each in some if each.start < told[key]]
        if energies:
            await self._vtn.report(request, energies)
        self._told_until |= told
        self._next[request.id] = floor_time(now, step) + request.every

    def _span(
        self, key: tuple[str, str], step: timedelta, begun: datetime, now: datetime
    ) -> TimeRange:
        end = floor_time(now, step)
        start = max(self._told_until.get(key, begun), end - _MOST_INTERVALS * step)
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

    async def _subjects(self) -> dict[str, str]:
        """Return who is metered, by the name that the VTN knows: their external id, or ours."""
        found: dict[str, str] = {}
        programmes, _ = await self._programmes.list(Query(), MOST_IN_PAGE, "")
        for programme in programmes:
            if programme.resource.external_id:
                query = Query(parent=Parent(programme=programme.resource.id))
                page, _ = await self._enrolments.list(query, MOST_IN_PAGE, "")
                found |= {
                    each.resource.external_id or each.resource.id.segment: each.resource.subject
                    for each in page
                }
        return found


def _told_until(
    span: TimeRange, step: timedelta, told: Sequence[MeteredEnergy], now: datetime
) -> datetime:
    """Return from when on is to be told next: gaps are waited for, but not for ever."""
    starts = {each.start for each in told}
    missing = [each for each in span.starts(step) if each not in starts]
    waited = [each for each in missing if each + step > now - _LATEST]
    return waited[0] if waited else span.end
