"""What the grid asks of a scope: kept in memory as it is told, so that a plan asks nobody."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import TimeRange, ceil_time
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.app.facts.usual_evenings import UsualEvenings
from wattmesh_planner.app.ports import GridEvents
from wattmesh_planner.domain.degradations import Degradation, Remedy
from wattmesh_planner.domain.events import GridEvent, ReductionTerms, in_order
from wattmesh_planner.domain.facts import Reason, Topic
from wattmesh_planner.domain.model import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownEvents:
    """The events of a scope within a plan's horizon, and what was not known of them."""

    events: tuple[GridEvent, ...] = ()
    degradations: tuple[Degradation, ...] = ()


NONE = KnownEvents()


class EventFacts:
    """Gives what was last told; a baseline is asked for where a reduction is counted against one.

    Of a reduction that has begun metering is asked what it came to so far: its net is paid; of one
    that is to come, what its sites took in those hours on days before, since it is promised. With
    `events` None there is nobody to ask, and nothing is asked.
    """

    def __init__(
        self,
        events: GridEvents | None,
        energies: Energies | None = None,
        resolution: timedelta = timedelta(0),
    ) -> None:
        self._events = events
        self._energies = energies
        self._resolution = resolution
        self._evenings = None if energies is None else UsualEvenings(energies, resolution)

    async def __call__(self, scope: Scope, target: TimeRange) -> KnownEvents:
        """Return the events that a scope takes part in within `target`."""
        if self._events is None:
            return NONE
        subjects = {scope.name, *(site.site.name for site in scope.sites)}
        found = [each for each in self._events.of(subjects) if each.span.intersect(target)]
        lost = self._events.lost_for()
        degradations = [] if lost is None else [_degradation(scope.name, "", Remedy.ASSUMED, lost)]
        known = [await self._counted(each, scope, target, degradations) for each in found]
        return KnownEvents(
            events=in_order(tuple(each for each in known if each is not None)),
            degradations=tuple(degradations),
        )

    async def _counted(
        self, event: GridEvent, scope: Scope, target: TimeRange, degradations: list[Degradation]
    ) -> GridEvent | None:
        """Return an event with what it is counted against; None: that is not known."""
        if not isinstance(event.terms, ReductionTerms):
            return event
        assert self._events is not None
        try:
            event = replace(event, baseline_w=await self._events.baseline_w(event))
            if self._evenings is not None and event.span.start >= target.start:
                most_w = await self._evenings.most_w(event, scope, target.start)
                event = replace(event, usual_most_w=most_w)
            return replace(event, delivered_wh=await self._delivered_wh(event, scope, target))
        except WattmeshError as error:
            detail = f"{event.id}: {error.message}"
            degradations.append(_degradation(event.subject, detail, Remedy.IGNORED, None))
            return None

    async def _delivered_wh(self, event: GridEvent, scope: Scope, target: TimeRange) -> float:
        """Return what counts of a reduction before a plan [Wh], as far as it was metered."""
        step = self._resolution
        if self._energies is None or event.span.start + step > target.start:
            return 0.0
        past = TimeRange(ceil_time(event.span.start, step), target.start)
        connections = [
            site.grid_connection
            for site in scope.sites
            if event.subject in (scope.name, site.site.name)
        ]
        energies = await self._energies.over(past, connections)
        net_wh = np.sum([each.net_wh.values for each in energies.values()], axis=0)
        return event.counted_wh(past, step, net_wh)


def _degradation(subject: str, detail: str, remedy: Remedy, age: timedelta | None) -> Degradation:
    reason = Reason.NOT_AVAILABLE if detail else Reason.SERVICE_UNAVAILABLE
    return Degradation(
        subject=subject, topic=Topic.EVENTS, remedy=remedy, reason=reason, detail=detail, age=age
    )
