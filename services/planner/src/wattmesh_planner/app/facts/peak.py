"""The highest import that the sites of a group shared in the running month."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.domain.billing import (
    closed_until,
    missing_duration,
    month_start,
    peak_power_w,
    total_net_wh,
)
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.model import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class _Month:
    """The peak of a month up to `until`, without the time that was `missing`."""

    start: datetime
    connections: tuple[AssetId, ...]
    until: datetime
    peak_w: float = 0.0
    missing: timedelta = timedelta(0)


class PeakFacts:
    """Carries shared peaks on: only the intervals that are new are asked for."""

    def __init__(self, clock: Clock, energies: Energies, resolution: timedelta) -> None:
        self._clock = clock
        self._energies = energies
        self._resolution = resolution
        self._months: dict[str, _Month] = {}

    async def __call__(self, scope: Scope, target: TimeRange) -> Fact[float]:
        """Return the month's peak so far [W]; Known(0) when the scope has no price for it."""
        if not scope.peak_price_per_kw:
            return Known(value=0.0)
        month = self._month(scope, target)
        try:
            month = await self._carried_on(month)
        except WattmeshError as error:
            why = _why(Reason.SERVICE_UNAVAILABLE, error.message)
            if month.until == floor_time(month.start, self._resolution):
                return Missing(why=why)
            return Assumed(value=month.peak_w, why=why, age=self._clock.now() - month.until)
        self._months[scope.name] = month
        return self._fact(month)

    def _month(self, scope: Scope, target: TimeRange) -> _Month:
        """Return the month that is kept; a new one when it has begun or the sites are others."""
        start = month_start(target.start, scope.sites[0].site.zone)
        connections = tuple(site.grid_connection for site in scope.sites)
        kept = self._months.get(scope.name)
        if kept is not None and (kept.start, kept.connections) == (start, connections):
            return kept
        until = floor_time(start, self._resolution)
        return _Month(start=start, connections=connections, until=until)

    async def _carried_on(self, month: _Month) -> _Month:
        now = floor_time(self._clock.now(), self._resolution)
        if month.until >= now:
            return month
        energies = await self._energies.over(TimeRange(month.until, now), month.connections)
        if len(energies) < len(month.connections):
            return month
        total = total_net_wh([energies[each] for each in month.connections])
        total = total.window(TimeRange(total.start, closed_until(total)))
        return replace(
            month,
            until=total.end,
            peak_w=max(month.peak_w, peak_power_w(total)),
            missing=month.missing + missing_duration(total),
        )

    def _fact(self, month: _Month) -> Fact[float]:
        age = max(self._clock.now() - month.until, timedelta(0))
        if month.missing:
            why = _why(Reason.INCOMPLETE, f"{month.missing} were not metered")
            return Assumed(value=month.peak_w, why=why, age=age)
        if age > 3 * self._resolution:
            return Assumed(value=month.peak_w, why=_why(Reason.STALE, ""), age=age)
        return Known(value=month.peak_w, age=age)


def _why(reason: Reason, detail: str) -> Why:
    return Why(topic=Topic.BILLING_STATE, reason=reason, detail=detail)
