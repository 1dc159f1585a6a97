"""How zones and tanks will answer to their plants: asked of forecast, for scopes that have some."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.batch import Batch
from wattmesh_planner.app.ports import OutlookAnswer, Outlooks
from wattmesh_planner.domain.facts import Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.kinds.kind import Outlook
from wattmesh_planner.domain.model import Scope
from wattmesh_planner.domain.thermal import with_after
from wattmesh_planner.domain.timing import Rhythm
from wattmesh_runtime.aio.tasks import BackgroundTasks

OutlooksByAsset: TypeAlias = Mapping[AssetId, Fact[Outlook | None]]

NOTHING_SAID: Fact[Outlook | None] = Known(value=None)
_LEAST_SECONDS = 1.0
_LEAD_RATIO = 0.25
"""The part of the lead that is left which it may take: forecasts come after it."""


class OutlookFacts:
    """Asks forecast for outlooks, one call for all scopes that ask together."""

    def __init__(
        self,
        clock: Clock,
        outlooks: Outlooks,
        rhythm: Rhythm,
        most_seconds: float,
        background: BackgroundTasks,
    ) -> None:
        self._clock = clock
        self._outlooks = outlooks
        self._rhythm = rhythm
        self._most_seconds = most_seconds
        self._batch: Batch[TimeRange, AssetId, OutlookAnswer] = Batch(self._ask, background)

    async def __call__(self, scope: Scope, target: TimeRange) -> OutlooksByAsset:
        """Return what is known of each zone and tank of a scope, or why nothing is; and for
        some days beyond the plan."""
        assets = [each.id for each in scope.assets if KINDS[type(each.rating)].needs.outlook]
        if not assets:
            return {}
        try:
            found = await self._batch.ask(with_after(target), assets)
        except WattmeshError as error:
            away = _missing(Reason.SERVICE_UNAVAILABLE, error.message)
            return dict.fromkeys(assets, away)
        silent = _missing(Reason.NOT_AVAILABLE, "forecast says nothing of it")
        return {asset: _fact(found[asset]) if asset in found else silent for asset in assets}

    async def _ask(
        self, target: TimeRange, assets: Sequence[AssetId]
    ) -> Mapping[AssetId, OutlookAnswer]:
        share = max(self._left(target.start) * _LEAD_RATIO, _LEAST_SECONDS)
        within = min(share, self._most_seconds)
        return await self._outlooks.outlooks(assets, target, self._rhythm.resolution, within)

    def _left(self, start: datetime) -> float:
        return (start - self._clock.now()) / timedelta(seconds=1) / self._clock.rate


def _fact(answer: OutlookAnswer) -> Fact[Outlook | None]:
    return Missing(why=answer) if isinstance(answer, Why) else Known(value=answer)


def _missing(reason: Reason, detail: str) -> Missing:
    return Missing(why=Why(topic=Topic.FORECAST, reason=reason, detail=detail))
