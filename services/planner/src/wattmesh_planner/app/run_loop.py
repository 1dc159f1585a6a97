"""The receding-horizon loop: every interval, for every scope, a plan in time."""

import asyncio
import logging
from datetime import datetime, timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_planner.app.make_plan import MakePlan
from wattmesh_planner.app.ports import Lease, Leases, PlanStore, SiteCatalogue
from wattmesh_planner.domain.model import Scope
from wattmesh_planner.domain.timing import Rhythm, due_after

_log = logging.getLogger(__name__)


class PlanningLoop:
    """Plans every scope whose lease this process gets, for ever.

    `retry_seconds` and `refresh_seconds` are wall time: how soon a plan that could not be made is
    tried again, and how often the list of scopes is read.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        sites: SiteCatalogue,
        make_plan: MakePlan,
        plans: PlanStore,
        leases: Leases,
        rhythm: Rhythm,
        retry_seconds: float = 0.25,
        refresh_seconds: float = 5.0,
    ) -> None:
        self._clock = clock
        self._sites = sites
        self._make_plan = make_plan
        self._plans = plans
        self._leases = leases
        self._rhythm = rhythm
        self._retry_seconds = retry_seconds
        self._refresh_seconds = refresh_seconds
        self._running: dict[str, asyncio.Task[None]] = {}
        self._scopes: dict[str, Scope] = {}

    async def run(self) -> None:
        """Keep one loop per scope until cancelled."""
        try:
            while True:
                await self._adopt_scopes()
                known = bool(self._scopes)
                await asyncio.sleep(self._refresh_seconds if known else self._retry_seconds)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def scope(self, name: str) -> Scope | None:
        """Return a scope that the loop knows."""
        return self._scopes.get(name)

    async def _adopt_scopes(self) -> None:
        try:
            scopes = await self._sites.scopes()
        except WattmeshError as error:
            _log.warning("the list of sites could not be read: %s", error)
            return
        self._scopes = {scope.name: scope for scope in scopes}
        for name in self._scopes:
            if name not in self._running or self._running[name].done():
                self._running[name] = asyncio.create_task(self._hold(name), name=f"plan {name}")
        for name in set(self._running) - set(self._scopes):
            self._running.pop(name).cancel()

    async def _hold(self, name: str) -> None:
        """Plan a scope while this process holds its lease."""
        while True:
            try:
                async with self._leases.hold(name) as lease:
                    if lease is not None:
                        _log.info("planning %s", name)
                        await self._plan_forever(name, lease)
            except Exception:  # the edge of a loop that must live, whatever one round brings
                _log.exception("planning %s was interrupted", name)
            await asyncio.sleep(self._retry_seconds)

    async def _plan_forever(self, name: str, lease: Lease) -> None:
        while True:
            await lease.confirm()
            due = due_after(await self._plans.last_start(name), self._clock.now(), self._rhythm)
            for start in due.missed:
                await self._make_plan.give_up(
                    self._scopes[name], start, "no planner was running in this interval"
                )
            await self._clock.sleep_until(due.next_start - self._rhythm.lead)
            await lease.confirm()
            await self._plan_interval(name, due.next_start)

    async def _plan_interval(self, name: str, start: datetime) -> None:
        """Try until the plan is made or its interval has passed."""
        deadline, reason = start + self._rhythm.resolution, "the interval passed"
        while self._clock.now() < deadline:
            scope = self._scopes[name]
            try:
                await self._make_plan(scope, start)
            except WattmeshError as error:
                if str(error) != reason:
                    reason = str(error)
                    _log.warning("%s from %s: %s", name, start.isoformat(), reason)
                await self._pause()
            else:
                return
        await self._make_plan.give_up(self._scopes[name], start, reason)

    async def _pause(self) -> None:
        await self._clock.sleep(timedelta(seconds=self._retry_seconds * self._clock.rate))
