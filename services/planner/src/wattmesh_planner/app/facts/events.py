"""What the grid asks of a scope: kept in memory as it is told, so that a plan asks nobody."""

from dataclasses import dataclass, replace
from datetime import timedelta

from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import TimeRange
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

    With `events` None there is nobody to ask, and nothing is asked.
    """

    def __init__(self, events: GridEvents | None) -> None:
        self._events = events

    async def __call__(self, scope: Scope, target: TimeRange) -> KnownEvents:
        """Return the events that a scope takes part in within `target`."""
        if self._events is None:
            return NONE
        subjects = {scope.name, *(site.site.name for site in scope.sites)}
        found = [each for each in self._events.of(subjects) if each.span.intersect(target)]
        lost = self._events.lost_for()
        degradations = [] if lost is None else [_degradation(scope.name, "", Remedy.ASSUMED, lost)]
        known = [await self._with_baseline(each, degradations) for each in found]
        return KnownEvents(
            events=in_order(tuple(each for each in known if each is not None)),
            degradations=tuple(degradations),
        )

    async def _with_baseline(
        self, event: GridEvent, degradations: list[Degradation]
    ) -> GridEvent | None:
        """Return an event with what it is counted against; None: that is not known."""
        if not isinstance(event.terms, ReductionTerms):
            return event
        assert self._events is not None
        try:
            return replace(event, baseline_w=await self._events.baseline_w(event))
        except WattmeshError as error:
            detail = f"{event.id}: {error.message}"
            degradations.append(_degradation(event.subject, detail, Remedy.IGNORED, None))
            return None


def _degradation(subject: str, detail: str, remedy: Remedy, age: timedelta | None) -> Degradation:
    reason = Reason.NOT_AVAILABLE if detail else Reason.SERVICE_UNAVAILABLE
    return Degradation(
        subject=subject, topic=Topic.EVENTS, remedy=remedy, reason=reason, detail=detail, age=age
    )
