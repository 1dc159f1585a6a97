"""Collect what a plan is computed from: what is cheap and decides the most comes first."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.facts.billing import BillingFacts
from wattmesh_planner.app.facts.carbon import CarbonFacts
from wattmesh_planner.app.facts.events import EventFacts
from wattmesh_planner.app.facts.exchange import ExchangeFacts
from wattmesh_planner.app.facts.forecast import ForecastFacts
from wattmesh_planner.app.facts.outlooks import OutlookFacts
from wattmesh_planner.app.facts.owners_limits import LimitFacts
from wattmesh_planner.app.facts.peak import PeakFacts
from wattmesh_planner.app.facts.sessions import SessionFacts
from wattmesh_planner.app.facts.state import KnownOfAssets, StateFacts
from wattmesh_planner.app.facts.tariff import TariffFacts
from wattmesh_planner.app.facts.wishes import WishFacts
from wattmesh_planner.app.told_setpoints import Told, ToldSetpoints
from wattmesh_planner.domain.assembly import (
    ScopeFacts,
    degradations,
    require_something_to_steer,
    site_inputs,
)
from wattmesh_planner.domain.facts import Fact, value_of
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.model import Scope, ScopeSite
from wattmesh_planner.domain.timing import Rhythm
from wattmesh_runtime.aio.tasks import together

V = TypeVar("V")


@dataclass(frozen=True, kw_only=True, slots=True)
class Topics:
    """One reader per topic."""

    state: StateFacts
    sessions: SessionFacts
    outlooks: OutlookFacts
    wishes: WishFacts
    tariff: TariffFacts
    forecast: ForecastFacts
    carbon: CarbonFacts
    billing: BillingFacts
    peak: PeakFacts
    exchange: ExchangeFacts
    events: EventFacts = field(default_factory=lambda: EventFacts(None))
    limits: LimitFacts = field(default_factory=lambda: LimitFacts(None))


class GatherFacts:
    """Collects the inputs of one plan.

    States and prices decide whether there is anything to steer; only then the rest is asked, side
    by side. What fails of it ends what runs beside it.
    """

    def __init__(self, clock: Clock, topics: Topics, told: ToldSetpoints, rhythm: Rhythm) -> None:
        self._clock = clock
        self._topics = topics
        self._told = told
        self._rhythm = rhythm

    async def __call__(self, scope: Scope, start: datetime) -> PlanInputs:
        """Return the inputs for the plan of `scope` whose first interval begins at `start`.

        Errors: NothingToSteer when all that could be steered has to be left out; Unavailable when
        the states cannot be read.
        """
        target, issue_time = self._rhythm.target(start), self._clock.now()
        facts = await self._decisive(scope, target)
        require_something_to_steer(scope, facts)
        facts = await self._completed(scope, target, facts)
        asked = await self._topics.events(scope, target)
        limits, unsure = self._topics.limits(scope, target)
        return PlanInputs(
            scope=scope,
            issue_time=issue_time,
            target=target,
            resolution=self._rhythm.resolution,
            sites=site_inputs(scope, facts),
            peak_so_far_w=_number(facts.peak_so_far_w),
            events=asked.events,
            limits=limits,
            degradations=(*degradations(scope, facts), *asked.degradations, *unsure),
        )

    async def _decisive(self, scope: Scope, target: TimeRange) -> ScopeFacts:
        told = await self._told.of(scope.name, target.start)
        states, prices = await together(
            self._states(scope, target, told),
            _by_site(scope, target, self._topics.tariff),
        )
        return ScopeFacts(states=states, prices=prices)

    async def _states(
        self, scope: Scope, target: TimeRange, told: Told
    ) -> Mapping[AssetId, Fact[Any]]:
        sessions, outlooks, wishes = await together(
            self._topics.sessions(scope),
            self._topics.outlooks(scope, target),
            self._topics.wishes(scope, target),
        )
        known = KnownOfAssets(sessions=sessions, outlooks=outlooks, wishes=wishes)
        return await self._topics.state(scope, target, told, known)

    async def _completed(self, scope: Scope, target: TimeRange, facts: ScopeFacts) -> ScopeFacts:
        forecasts, carbon, billing, peak, exchange = await together(
            self._topics.forecast(scope, target),
            _by_site(scope, target, self._topics.carbon),
            _by_site(scope, target, self._topics.billing),
            self._topics.peak(scope, target),
            self._topics.exchange(scope),
        )
        return replace(
            facts,
            forecasts=forecasts,
            carbon=carbon,
            billing=billing,
            peak_so_far_w=peak,
            powers_before_w=exchange,
        )


async def _by_site(
    scope: Scope, target: TimeRange, ask: Callable[[ScopeSite, TimeRange], Awaitable[Fact[V]]]
) -> Mapping[SiteId, Fact[V]]:
    """Return a fact of every site, asked side by side."""

    async def one(site: ScopeSite) -> Fact[V]:
        return await ask(site, target)

    if len(scope.sites) == 1:  # a task for one would cost more than what most topics do
        return {scope.sites[0].site.id: await one(scope.sites[0])}
    facts = await together(*(one(site) for site in scope.sites))
    return {site.site.id: fact for site, fact in zip(scope.sites, facts, strict=True)}


def _number(fact: Fact[float]) -> float:
    return value_of(fact) or 0.0
