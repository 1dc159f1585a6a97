"""Who is at the charge points: asked once a plan, and of sites that have some alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_planner.app.ports import Sessions
from wattmesh_planner.domain.charging import ChargingSession
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.model import Scope, ScopeSite, SiteAsset
from wattmesh_runtime.aio.tasks import together

SessionFact: TypeAlias = Fact[ChargingSession | None]
SessionsByAsset: TypeAlias = Mapping[AssetId, SessionFact]

NOBODY: SessionFact = Known(value=None)
_NOBODY_TO_ASK = Missing(
    why=Why(topic=Topic.SESSIONS, reason=Reason.NOT_AVAILABLE, detail="no usage service is set")
)
USABLE_AGE = timedelta(hours=1)
"""Until then what was heard last stands in for what cannot be asked."""


@dataclass(frozen=True, slots=True)
class _Heard:
    time: datetime
    sessions: Mapping[AssetId, ChargingSession]


class SessionFacts:
    """Asks for sessions; for an hour what was heard last will do, and is said to be assumed.

    With `sessions` None there is nobody to ask: who is at a charge point is missing.
    """

    def __init__(self, clock: Clock, sessions: Sessions | None) -> None:
        self._clock = clock
        self._sessions = sessions
        self._heard: dict[SiteId, _Heard] = {}

    async def __call__(self, scope: Scope) -> SessionsByAsset:
        """Return who is at each charge point of a scope."""
        sites = [site for site in scope.sites if any(map(_has_sessions, site.assets))]
        found = await together(*(self._of_site(site) for site in sites)) if sites else []
        return {asset: fact for each in found for asset, fact in each.items()}

    async def _of_site(self, site: ScopeSite) -> SessionsByAsset:
        assets = [asset.id for asset in site.assets if _has_sessions(asset)]
        if self._sessions is None:
            return dict.fromkeys(assets, _NOBODY_TO_ASK)
        try:
            found = await self._sessions.sessions(site.site.id)
        except WattmeshError as error:
            return self._as_heard(site.site.id, assets, error.message)
        self._heard[site.site.id] = _Heard(self._clock.now(), found)
        return {asset: self._known(found.get(asset)) for asset in assets}

    def _known(self, session: ChargingSession | None) -> SessionFact:
        if session is None:
            return NOBODY
        return Known(value=session, age=self._clock.now() - session.measure_time)

    def _as_heard(self, site: SiteId, assets: list[AssetId], detail: str) -> SessionsByAsset:
        heard = self._heard.get(site)
        why = Why(topic=Topic.SESSIONS, reason=Reason.SERVICE_UNAVAILABLE, detail=detail)
        age = None if heard is None else self._clock.now() - heard.time
        if heard is None or age is None or age > USABLE_AGE:
            return {asset: Missing(why=why, age=age) for asset in assets}
        return {
            asset: Assumed(value=heard.sessions.get(asset), why=why, age=age) for asset in assets
        }


def _has_sessions(asset: SiteAsset) -> bool:
    return KINDS[type(asset.rating)].needs.session
