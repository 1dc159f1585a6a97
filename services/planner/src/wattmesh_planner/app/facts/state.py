"""How the assets of a scope stand when its plan begins: cheapest, most decisive, asked first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId, PointId
from wattmesh_planner.app.batch import Batch
from wattmesh_planner.app.facts.sessions import NOBODY, SessionsByAsset
from wattmesh_planner.app.ports import StateMeter
from wattmesh_planner.app.told_setpoints import Told
from wattmesh_planner.domain.charging import ChargingSession
from wattmesh_planner.domain.facts import Fact, value_of
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.kinds.kind import AgeLimits, Beginning, Reading
from wattmesh_planner.domain.model import Scope, SiteAsset
from wattmesh_planner.domain.plan import Setpoint
from wattmesh_runtime.aio.tasks import BackgroundTasks


class StateFacts:
    """Reads the newest readings, one call for all scopes that ask together."""

    def __init__(
        self, clock: Clock, meter: StateMeter, limits: AgeLimits, background: BackgroundTasks
    ) -> None:
        self._clock = clock
        self._meter = meter
        self._limits = limits
        self._readings: Batch[None, PointId, Reading] = Batch(self._latest, background)

    async def __call__(
        self, scope: Scope, start: datetime, told: Told, sessions: SessionsByAsset
    ) -> Mapping[AssetId, Fact[Any]]:
        """Return the state of every asset at `start`."""
        points = [point.id for asset in scope.assets for point in asset.points.values()]
        readings = await self._readings.ask(None, points)
        return {
            asset.id: self._begin(asset, start, readings, told, sessions.get(asset.id, NOBODY))
            for asset in scope.assets
        }

    def _begin(
        self,
        asset: SiteAsset,
        start: datetime,
        readings: Mapping[PointId, Reading],
        told: Told,
        session: Fact[ChargingSession | None],
    ) -> Fact[Any]:
        own = {
            quantity: readings[point.id]
            for quantity, point in asset.points.items()
            if point.id in readings
        }
        beginning = Beginning(
            now=self._clock.now(),
            start=start,
            limits=self._limits,
            readings=own,
            told=_told(asset, _since(own, session), start, told),
            session=session,
        )
        return KINDS[type(asset.rating)].begin(asset, beginning)

    async def _latest(self, group: None, points: Sequence[PointId]) -> Mapping[PointId, Reading]:
        return await self._meter.latest(points)


def _since(
    readings: Mapping[str, Reading], session: Fact[ChargingSession | None]
) -> datetime | None:
    """Return when the oldest of what is known of an asset was measured."""
    times = [each.measure_time for each in readings.values()]
    found = value_of(session)
    return min(times if found is None else (*times, found.measure_time), default=None)


def _told(
    asset: SiteAsset, since: datetime | None, start: datetime, told: Told
) -> Sequence[Setpoint]:
    """Return what the asset's device was told to do from `since` to `start`."""
    device = None if asset.controller is None else told.get(asset.controller)
    return () if device is None or since is None else device.between(since, start)
