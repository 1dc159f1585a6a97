"""How the assets of a scope stand when its plan begins: cheapest, most decisive, asked first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId, PointId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.batch import Batch
from wattmesh_planner.app.facts.outlooks import NOTHING_SAID, OutlooksByAsset
from wattmesh_planner.app.facts.sessions import NOBODY, SessionsByAsset
from wattmesh_planner.app.facts.wishes import NOTHING_WANTED, WishesByAsset
from wattmesh_planner.app.ports import StateMeter
from wattmesh_planner.app.told_setpoints import Told
from wattmesh_planner.domain.charging import ChargingSession
from wattmesh_planner.domain.facts import Fact, value_of
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.kinds.kind import AgeLimits, Beginning, Reading
from wattmesh_planner.domain.model import Scope, ScopeSite, SiteAsset
from wattmesh_planner.domain.plan import Setpoint
from wattmesh_planner.domain.thermal import with_after
from wattmesh_runtime.aio.tasks import BackgroundTasks


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownOfAssets:
    """What is known of assets beside their readings, by topic; of those that have some."""

    sessions: SessionsByAsset = field(default_factory=dict)
    outlooks: OutlooksByAsset = field(default_factory=dict)
    wishes: WishesByAsset = field(default_factory=dict)


class StateFacts:
    """Reads the newest readings, one call for all scopes that ask together."""

    def __init__(
        self,
        clock: Clock,
        meter: StateMeter,
        limits: AgeLimits,
        resolution: timedelta,
        background: BackgroundTasks,
    ) -> None:
        self._resolution = resolution
        self._clock = clock
        self._meter = meter
        self._limits = limits
        self._readings: Batch[None, PointId, Reading] = Batch(self._latest, background)

    async def __call__(
        self, scope: Scope, target: TimeRange, told: Told, known: KnownOfAssets
    ) -> Mapping[AssetId, Fact[Any]]:
        """Return the state of every asset when `target` begins."""
        points = [point.id for asset in scope.assets for point in asset.points.values()]
        readings = await self._readings.ask(None, points)
        intervals = _starts(target, self._resolution)
        later = _starts(TimeRange(target.end, with_after(target).end), self._resolution)
        return {
            asset.id: self._begin(asset, site, readings, told, known, (intervals, later))
            for site in scope.sites
            for asset in site.assets
        }

    def _begin(
        self,
        asset: SiteAsset,
        site: ScopeSite,
        readings: Mapping[PointId, Reading],
        told: Told,
        known: KnownOfAssets,
        starts: tuple[Sequence[datetime], Sequence[datetime]],
    ) -> Fact[Any]:
        intervals, later = starts
        start = intervals[0]
        session = known.sessions.get(asset.id, NOBODY)
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
            outlook=known.outlooks.get(asset.id, NOTHING_SAID),
            wishes=known.wishes.get(asset.id, NOTHING_WANTED),
            zone=site.site.zone,
            intervals=intervals,
            later=later,
        )
        return KINDS[type(asset.rating)].begin(asset, beginning)

    async def _latest(self, group: None, points: Sequence[PointId]) -> Mapping[PointId, Reading]:
        return await self._meter.latest(points)


def _starts(target: TimeRange, resolution: timedelta) -> Sequence[datetime]:
    """Return when each interval of a plan begins."""
    return [target.start + index * resolution for index in range(target.count(resolution))]


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
