"""Tell what becomes of plans, whoever makes them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime

from wattmesh_kernel.errors import Unavailable
from wattmesh_planner.app.ports import PlanStore
from wattmesh_planner.domain.plan import Plan
from wattmesh_planner.domain.scopes import scope_ids
from wattmesh_runtime.aio.broadcast import Broadcast, Watcher
from wattmesh_sitemodel.view import SiteModelView

LOOK_SECONDS = 5.0
"""How often it is looked what other planners have made, while somebody watches [s of the wall]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanNews:
    """Plans that are new, scopes that are planned no more; `complete`: all newest are told."""

    plans: tuple[Plan, ...] = ()
    ended: tuple[str, ...] = ()
    complete: bool = False


class WatchSummaries:
    """Follows the plans of this process as they are made, and those of others by looking.

    A look costs one statement that finds each scope's newest plan by an index, however many plans
    there are.
    """

    def __init__(
        self,
        *,
        view: SiteModelView,
        plans: PlanStore,
        made: Broadcast[Plan],
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._view = view
        self._plans = plans
        self._made = made
        self._look_seconds = look_seconds

    async def __call__(self, scope: str) -> AsyncIterator[PlanNews]:
        """Give the newest plan of a scope ("" for all of each), then what changes, for ever.

        Errors: Unavailable `SITE_MODEL_UNKNOWN`, and while the database is away;
        ResourceExhausted `WATCHER_TOO_SLOW` when plans come faster than they are read.
        """
        told = _Told()
        with self._made.watch(lambda plan: scope in ("", plan.scope)) as coming:
            while True:
                scopes = self._scopes(scope)
                found = await self._plans.newest(scopes)
                yield PlanNews(plans=told.new(found), ended=told.drop_but(scopes), complete=True)
                async for plans in _until_look(coming, self._look_seconds):
                    yield PlanNews(plans=told.made(plans))

    def _scopes(self, scope: str) -> list[str]:
        if scope:
            return [scope]
        if not self._view.known:
            raise Unavailable("SITE_MODEL_UNKNOWN", "the site model is not known yet")
        return [each.name for each in scope_ids(self._view.model)]


class _Told:
    """What one watcher was told last of each scope."""

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}

    def made(self, plans: Iterable[Plan]) -> tuple[Plan, ...]:
        """Return plans that were made, each; the newest of a scope counts from now on."""
        found = tuple(plans)
        for each in found:
            before = self._plans.get(each.scope)
            if before is None or _order(before) <= _order(each):
                self._plans[each.scope] = each
        return found

    def new(self, plans: Iterable[Plan]) -> tuple[Plan, ...]:
        """Return those that were not told, and are no older than what was."""
        return self.made([each for each in plans if self._is_new(each)])

    def drop_but(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """Forget all scopes but these, and return which."""
        gone = tuple(sorted(self._plans.keys() - set(scopes)))
        for each in gone:
            del self._plans[each]
        return gone

    def _is_new(self, plan: Plan) -> bool:
        before = self._plans.get(plan.scope)
        if before is None:
            return True
        same = (before.id, before.accept_time) == (plan.id, plan.accept_time)
        return not same and _order(before) <= _order(plan)


def _order(plan: Plan) -> tuple[datetime, datetime]:
    return plan.target.start, plan.issue_time


async def _until_look(coming: Watcher[Plan], seconds: float) -> AsyncIterator[list[Plan]]:
    """Give what is made, until it is time to look again."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (left := end - loop.time()) > 0:
        try:
            async with asyncio.timeout(left):
                plans = await coming.batch()
        except TimeoutError:
            return
        yield plans
