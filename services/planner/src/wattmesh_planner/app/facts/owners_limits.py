"""Limits of owners on a scope's sites: kept in memory as they are told."""

from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import OwnersLimits
from wattmesh_planner.domain.degradations import Degradation, Remedy
from wattmesh_planner.domain.facts import Reason, Topic
from wattmesh_planner.domain.model import Scope
from wattmesh_planner.domain.owners_limits import OwnersLimit


class LimitFacts:
    """Gives what was last told; with `limits` None nobody limits anything."""

    def __init__(self, limits: OwnersLimits | None) -> None:
        self._limits = limits

    def __call__(
        self, scope: Scope, target: TimeRange
    ) -> tuple[tuple[OwnersLimit, ...], tuple[Degradation, ...]]:
        """Return the limits that hold within `target`, and what was not known of them."""
        if self._limits is None:
            return (), ()
        subjects = {scope.name, *(site.site.name for site in scope.sites)}
        found = sorted(self._limits.of(subjects), key=lambda each: each.name)
        lost = self._limits.lost_for()
        degradation = Degradation(
            subject=scope.name,
            topic=Topic.EVENTS,
            remedy=Remedy.ASSUMED,
            reason=Reason.SERVICE_UNAVAILABLE,
            detail="limits of owners",
            age=lost,
        )
        return (
            tuple(each for each in found if each.within(target) is not None),
            () if lost is None else (degradation,),
        )
