"""Who is planned, by whom, and who is not and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound, Unavailable
from wattmesh_planner.app.ports import Holders, PlanStore
from wattmesh_planner.domain.model import Scope, ScopeId
from wattmesh_planner.domain.scopes import scope_ids, scope_of
from wattmesh_sitemodel.view import SiteModelView


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopeStatus:
    """A scope, the newest interval that has a plan, and the process that plans it ("": nobody)."""

    scope: Scope
    last_planned: datetime | None
    holder: str


class QueryScopes:
    """Answers from the site model, the plans and the leases."""

    def __init__(
        self, clock: Clock, view: SiteModelView, plans: PlanStore, holders: Holders
    ) -> None:
        self._clock = clock
        self._view = view
        self._plans = plans
        self._holders = holders

    async def get(self, scope_id: ScopeId) -> ScopeStatus:
        """Return how one scope stands; NotFound `SCOPE_NOT_FOUND`."""
        self._require_model()
        for status in await self._status([scope_id]):
            return status
        raise NotFound("SCOPE_NOT_FOUND", f"there is nothing to plan by the name {scope_id}")

    async def page(self, limit: int, after: str) -> list[ScopeStatus]:
        """Return scopes by name, from the one after `after` on."""
        self._require_model()
        ids = [each for each in scope_ids(self._view.model) if each.name > after]
        return await self._status(ids[:limit])

    def _require_model(self) -> None:
        if not self._view.known:
            raise Unavailable("SITE_MODEL_UNKNOWN", "the site model is not known yet")

    async def _status(self, ids: Sequence[ScopeId]) -> list[ScopeStatus]:
        model, now = self._view.model, self._clock.now()
        scopes = [scope for each in ids if (scope := scope_of(model, each, now)) is not None]
        names = [scope.name for scope in scopes]
        planned = await self._plans.last_planned(names)
        holders = await self._holders.holders(names)
        return [
            ScopeStatus(
                scope=scope,
                last_planned=planned.get(scope.name),
                holder=holders.get(scope.name, ""),
            )
            for scope in scopes
        ]
