"""The receding-horizon loop: every interval, for every scope that is held, a plan in time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import floor_time
from wattmesh_planner.app.facts.tariff import TariffFacts
from wattmesh_planner.app.make_plan import MakePlan
from wattmesh_planner.app.ports import PlanStore
from wattmesh_planner.app.prompts import Prompts
from wattmesh_planner.app.told_setpoints import ToldSetpoints
from wattmesh_planner.domain.degradations import Degradation
from wattmesh_planner.domain.errors import NothingToSteer
from wattmesh_planner.domain.model import Scope, ScopeState, parse_scope
from wattmesh_planner.domain.scopes import scope_ids, scope_of
from wattmesh_planner.domain.timing import Rhythm, due_after
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.leased_work import LeasedWork
from wattmesh_runtime.aio.leases import Lease, Leases
from wattmesh_runtime.aio.losses import LossLog, retry
from wattmesh_runtime.aio.tasks import together
from wattmesh_sitemodel.view import SiteModelView, tariffs_of

_log = logging.getLogger(__name__)

T = TypeVar("T")

NOBODY = "no planner was running in this interval"
_LEAST_BETWEEN_UPDATES = 0.5
"""How long changes of the site model are collected before scopes are read anew [s of the wall]."""
_FIRST_RETRY_SECONDS = 0.25
_LONGEST_RETRY_SECONDS = 30.0
_LEAST_LEFT_SECONDS = 2.0
"""How much of an interval must be left to plan it anew [s of the wall]: plan, command and write
take their time, and what ends before it is written was for nothing."""
_SECOND = timedelta(seconds=1)


class PlanScopes:
    """Shares the scopes with other planners by lease, and plans those that it holds, for ever."""

    def __init__(
        self,
        *,
        clock: Clock,
        view: SiteModelView,
        tariffs: TariffFacts,
        make_plan: MakePlan,
        plans: PlanStore,
        told: ToldSetpoints,
        leases: Leases,
        rhythm: Rhythm,
        prompts: Prompts | None = None,
        poll_seconds: float = 1.0,
    ) -> None:
        self._clock = clock
        self._view = view
        self._tariffs = tariffs
        self._make_plan = make_plan
        self._plans = plans
        self._told = told
        self._rhythm = rhythm
        self._prompts = prompts or Prompts(None)
        self._turns: dict[str, asyncio.Lock] = {}
        self._work = LeasedWork(leases, self._plan_forever, poll_seconds=poll_seconds)
        self._loss = LossLog(_log, "the store of plans")

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that are planned here."""
        return self._work.running

    async def run(self) -> None:
        """Follow the site model and plan what is held, until cancelled."""
        heard = self._prompts.follow(self._scopes_with)
        await together(self._work.run(), self._follow(), self._look_again(), heard)

    async def _follow(self) -> None:
        """Take up changes of the site model, and news of published prices."""
        async for update in self._view.updates():
            self._tariffs.forget(tariffs_of(update.published) if update.heard_all else None)
            self._want()
            await asyncio.sleep(_LEAST_BETWEEN_UPDATES)

    async def _look_again(self) -> None:
        """See once an interval which devices have come into or gone out of use by their dates."""
        while True:
            await self._clock.sleep(self._rhythm.resolution)
            self._want()

    def _want(self) -> None:
        model, now = self._view.model, self._clock.now()
        scopes = [scope_of(model, each, now) for each in scope_ids(model)]
        self._work.want(
            scope.name
            for scope in scopes
            if scope is not None and scope.state is ScopeState.PLANNED
        )

    async def _plan_forever(self, lease: Lease) -> None:
        """Plan the scope of a lease, interval by interval."""
        name = lease.name
        _log.info("planning %s", name)
        self._told.hold(name)
        self._prompts.hold(name)
        self._turns[name] = asyncio.Lock()
        try:
            await together(self._plan_each(lease), self._plan_prompted(lease))
        finally:
            self._told.forget(name)
            self._prompts.forget(name)

    async def _plan_each(self, lease: Lease) -> None:
        last = await self._stored(lambda: self._plans.last_start(lease.name))
        while True:
            last = await self._plan_next(lease, last)

    async def _plan_prompted(self, lease: Lease) -> None:
        """Plan anew whenever somebody cannot wait for the next interval.

        The plan of the interval that runs steers at once, with what is left of it taken for all of
        it; where the next interval was planned already, without what has happened, that is planned
        anew too, if there is time before it begins: else the former stands for it. What happens
        meanwhile comes first: a vehicle waits for the interval that runs, not for the next.
        """
        while True:
            await self._prompts.wait(lease.name)
            running = floor_time(self._clock.now(), self._rhythm.resolution)
            last = await self._stored(lambda: self._plans.last_start(lease.name))
            if last is None or last < running:
                continue  # its first plan is yet to come, and will know
            following = running + self._rhythm.resolution
            for start in (running, following):
                if start == following and self._prompts.waits(lease.name):
                    break  # it is planned anew after what has happened now
                if start <= last and self._clock.now() < self._worth_until(following):
                    await self._plan_anew(lease, start)

    async def _plan_anew(self, lease: Lease, start: datetime) -> None:
        """Plan an interval once more; where that fails the plan before stands."""
        if (scope := self._scope(lease.name)) is None:
            return
        try:
            async with self._turns[lease.name]:
                end = self._worth_until(start + self._rhythm.resolution)
                await self._make_plan(scope, start, lease, prompted=True, until=end)
        except WattmeshError as error:
            _log.warning("%s was not planned anew: %s", lease.name, error)

    def _worth_until(self, end: datetime) -> datetime:
        """Return until when an interval that ends then is worth planning anew."""
        return end - _LEAST_LEFT_SECONDS * self._clock.rate * _SECOND

    def _scopes_with(self, site: SiteId) -> list[str]:
        """Return the scopes planned here that a site is in."""
        scopes = {name: self._scope(name) for name in self.scopes}
        return [
            name
            for name, scope in scopes.items()
            if scope is not None and any(each.site.id == site for each in scope.sites)
        ]

    async def _plan_next(self, lease: Lease, last: datetime | None) -> datetime:
        """Plan the interval after `last`; return its start."""
        due = due_after(last, self._clock.now(), self._rhythm)
        if due.missed and (scope := self._scope(lease.name)):
            await self._stored(lambda: self._make_plan.give_up(scope, due.missed, NOBODY))
        scopes = len(self.scopes)
        await self._clock.sleep_until(self._rhythm.issue_time(lease.name, due.next_start, scopes))
        await self._plan_interval(lease, due.next_start)
        return due.next_start

    async def _plan_interval(self, lease: Lease, start: datetime) -> None:
        """Try until the plan is made or its interval has passed; the waits between grow."""
        deadline, failure = start + self._rhythm.resolution, "the interval passed"
        degradations: tuple[Degradation, ...] = ()
        backoff = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS)
        while (scope := self._scope(lease.name)) and self._clock.now() < deadline:
            try:
                async with self._turns[lease.name]:
                    await self._make_plan(scope, start, lease)
            except WattmeshError as error:
                failure = self._logged_once(lease.name, failure, error)
                degradations = error.degradations if isinstance(error, NothingToSteer) else ()
            else:
                return
            await self._pause(backoff, deadline)
        if scope is not None:
            await self._stored(
                lambda: self._make_plan.give_up(scope, [start], failure, degradations)
            )

    def _logged_once(self, name: str, before: str, error: WattmeshError) -> str:
        """Log a failure unless the attempt before failed in the same way; return it in words."""
        if str(error) != before:
            _log.warning("%s: %s", name, error)
        return str(error)

    async def _pause(self, backoff: Backoff, deadline: datetime) -> None:
        wait = timedelta(seconds=backoff.next_seconds() * self._clock.rate)
        await self._clock.sleep_until(min(self._clock.now() + wait, deadline))

    async def _stored(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what needs the store, again and again while it is away."""
        return await retry(work, self._loss, Backoff(_FIRST_RETRY_SECONDS, 5.0))

    def _scope(self, name: str) -> Scope | None:
        """Return a scope as it is now; None when it is not planned any more."""
        scope = scope_of(self._view.model, parse_scope(name), self._clock.now())
        return scope if scope is not None and scope.state is ScopeState.PLANNED else None
