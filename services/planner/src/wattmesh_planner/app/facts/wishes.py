"""What people want of zones and deferrable loads: asked once a plan, of sites that have some."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import numpy as np

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.comfort import ZoneWishes
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.app.ports import SiteWishes, UsageWishes
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.kinds.deferrable_load import IMPORT
from wattmesh_planner.domain.kinds.kind import Wishes
from wattmesh_planner.domain.model import Scope, ScopeSite, SiteAsset
from wattmesh_planner.domain.runs import Run, RunState
from wattmesh_runtime.aio.tasks import together

WishesByAsset: TypeAlias = Mapping[AssetId, Fact[Wishes | None]]

NOTHING_WANTED: Fact[Wishes | None] = Known(value=None)
USABLE_AGE = timedelta(days=1)
"""Until then what was heard last stands in for what cannot be asked."""
_LEAST_WH = 5.0
"""Less is a device that stands by."""
_BEGUN_RATIO = 0.02


@dataclass(frozen=True, slots=True)
class _Heard:
    time: datetime
    wishes: SiteWishes


class WishFacts:
    """Asks usage; for a day what was heard last will do, and is said to be assumed.

    Without usage (`wishes` None) zones have the bands of their rating, and nothing is to be run.
    """

    def __init__(
        self, clock: Clock, wishes: UsageWishes | None, energies: Energies, resolution: timedelta
    ) -> None:
        self._clock = clock
        self._wishes = wishes
        self._energies = energies
        self._resolution = resolution
        self._heard: dict[SiteId, _Heard] = {}

    async def __call__(self, scope: Scope, target: TimeRange) -> WishesByAsset:
        """Return what is wanted of each zone and deferrable load of a scope."""
        sites = [site for site in scope.sites if any(map(_is_wanted_of, site.assets))]
        found = await together(*(self._of_site(site, target) for site in sites)) if sites else []
        return {asset: fact for each in found for asset, fact in each.items()}

    async def _of_site(self, site: ScopeSite, target: TimeRange) -> WishesByAsset:
        assets = [asset for asset in site.assets if _is_wanted_of(asset)]
        if self._wishes is None:
            return {asset.id: Known(value=_of(asset, SiteWishes())) for asset in assets}
        try:
            wishes = await self._wishes.wishes(site.site.id, target)
        except WattmeshError as error:
            return self._as_heard(site.site.id, assets, error.message)
        wishes = replace(wishes, runs=await self._tracked(assets, wishes.runs))
        self._heard[site.site.id] = _Heard(self._clock.now(), wishes)
        return {asset.id: Known(value=_of(asset, wishes)) for asset in assets}

    def _as_heard(self, site: SiteId, assets: list[SiteAsset], detail: str) -> WishesByAsset:
        heard = self._heard.get(site)
        why = Why(topic=Topic.WISHES, reason=Reason.SERVICE_UNAVAILABLE, detail=detail)
        age = None if heard is None else self._clock.now() - heard.time
        if heard is None or age is None or age > USABLE_AGE:
            return {
                asset.id: Missing(why=why, age=age)
                if KINDS[type(asset.rating)].needs.run
                else Assumed(value=_of(asset, SiteWishes()), why=why, age=age)
                for asset in assets
            }
        return {
            asset.id: Assumed(value=_of(asset, heard.wishes), why=why, age=age) for asset in assets
        }

    async def _tracked(
        self, assets: list[SiteAsset], runs: Mapping[AssetId, tuple[Run, ...]]
    ) -> Mapping[AssetId, tuple[Run, ...]]:
        """Return runs with what was metered of those that are due or begun.

        What nothing meters is taken to do as it is told, from when it was promised on.
        """
        now = floor_time(self._clock.now(), self._resolution)
        metered = {asset.id for asset in assets if IMPORT in asset.points}
        return {
            asset: tuple(
                [
                    await self._metered(asset, run, now) if asset in metered else _trusted(run, now)
                    for run in each
                ]
            )
            for asset, each in runs.items()
        }

    async def _metered(self, asset: AssetId, run: Run, now: datetime) -> Run:
        since = run.began or (None if run.planned is None else run.planned.start)
        if since is None or floor_time(since, self._resolution) >= now:
            return run
        span = TimeRange(floor_time(since, self._resolution), now)
        try:
            energies = await self._energies.over(span, [asset])
        except WattmeshError:
            return replace(run, used_wh=None)
        energy = energies.get(asset)
        if energy is None or not np.isfinite(energy.import_wh.values).any():
            return replace(run, used_wh=None)
        return _seen(run, span, np.nan_to_num(energy.import_wh.values), self._resolution)


def _seen(run: Run, span: TimeRange, used_wh: np.ndarray, resolution: timedelta) -> Run:
    """Return a run with what it used since `span` began: more than idle, and it has begun."""
    total = float(used_wh.sum())
    run = replace(run, rests=float(used_wh[-1]) <= _LEAST_WH / 2)
    least = max(_LEAST_WH, _BEGUN_RATIO * (run.energy_wh or 0.0))
    if run.begun or total <= least:
        return replace(run, used_wh=total)
    first = int(np.argmax(used_wh > _LEAST_WH / 2))
    return replace(
        run, used_wh=total, state=RunState.RUNNING, began=span.start + first * resolution
    )


def _trusted(run: Run, now: datetime) -> Run:
    """Return a run that nothing meters: begun when it was promised to."""
    if run.begun or run.planned is None or run.planned.start >= now:
        return run
    return replace(run, state=RunState.RUNNING, began=run.planned.start)


def _of(asset: SiteAsset, wishes: SiteWishes) -> Wishes:
    if KINDS[type(asset.rating)].needs.run:
        return wishes.runs.get(asset.id, ())
    return wishes.zones.get(asset.id, ZoneWishes())


def _is_wanted_of(asset: SiteAsset) -> bool:
    return KINDS[type(asset.rating)].needs.wishes
