"""Energy of assets per interval, balanced over their sites."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ports import NOW, ReadingStore, View
from wattmesh_metering.domain.balance import (
    Energy,
    MeteredAsset,
    Role,
    metered_energies,
    not_begun,
    with_derived,
)
from wattmesh_metering.domain.calendars import CalendarIntervals
from wattmesh_metering.domain.coverage import Worth, least, whole_where, worth_of_meters
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.intervals import Intervals, require_size
from wattmesh_metering.domain.readings import Ints, Mask, from_microseconds
from wattmesh_metering.domain.rollups import DAY_US, on_quarters
from wattmesh_metering.domain.selectors import AssetSelector
from wattmesh_metering.domain.spans import Meters, MeterSpan

_MOST_PIECE_VALUES = 100_000
_FEWEST_PIECE_ASSETS, _MOST_PIECE_ASSETS = 40, 200
"""Of a long range a piece has fewer assets: each asset costs, however short its part of it."""
_SHORTEST_ROLLED_US = 3 * DAY_US
"""Of what is shorter than that, nearly all is not rolled up yet."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AssetEnergy:
    """Energy of one asset per interval between `bounds_us`; what in and out are worth, if asked."""

    asset: AssetId
    energy: Energy
    derived: bool
    bounds_us: Ints
    worths: tuple[Worth, Worth] | None = None


class QueryEnergy:
    """Turns registers into energies.

    Parameters: `longest_gap` as in QuerySeries, `tolerance_wh` as in `derived_energy`.
    """

    def __init__(
        self,
        follower: FollowSiteModel,
        store: ReadingStore,
        *,
        longest_gap: timedelta,
        tolerance_wh: float,
    ) -> None:
        self._follower = follower
        self._store = store
        self._longest_gap = longest_gap
        self._tolerance_wh = tolerance_wh

    async def run(
        self,
        selectors: Sequence[AssetSelector],
        intervals: Intervals | CalendarIntervals,
        view: View = NOW,
    ) -> list[AssetEnergy]:
        """Return the energies in the order asked, `-` by name.

        Errors: NotFound; InvalidArgument.
        """
        asked = await self._asked(selectors)
        parts = [
            (assets, await self._bounds_us(assets[0].id.site, intervals))
            for assets in self._by_zone(asked, intervals)
        ]
        require_size(sum(2 * len(assets) * (len(bounds) - 1) for assets, bounds in parts))
        found = [
            each
            for assets, bounds_us in parts
            for each in await self._answer(assets, bounds_us, view)
        ]
        of_asset = {each.asset: each for each in found}
        return [of_asset[asset.id] for asset in asked]

    async def stream(
        self,
        selectors: Sequence[AssetSelector],
        intervals: Intervals | CalendarIntervals,
        view: View = NOW,
    ) -> AsyncGenerator[list[AssetEnergy], None]:
        """Yield the same in bounded pieces: some assets over a part of the time."""
        asked = await self._asked(selectors)
        zones = isinstance(intervals, CalendarIntervals)
        for assets in _consecutive(asked, _piece_assets(intervals), by_site=zones):
            bounds_us = await self._bounds_us(assets[0].id.site, intervals)
            size = max(1, _MOST_PIECE_VALUES // (2 * len(assets)))
            for first in range(0, len(bounds_us) - 1, size):
                yield await self._answer(assets, bounds_us[first : first + size + 1], view)

    async def _asked(self, selectors: Sequence[AssetSelector]) -> list[MeteredAsset]:
        require(bool(selectors), "NO_ASSETS", "name at least one asset", "assets")
        return await self._follower.find(
            lambda model: [asset for each in selectors for asset in model.metered(each)]
        )

    def _by_zone(
        self, assets: Sequence[MeteredAsset], intervals: Intervals | CalendarIntervals
    ) -> list[list[MeteredAsset]]:
        """Return the assets in parts that have the same intervals."""
        if isinstance(intervals, Intervals):
            return [list(assets)] if assets else []
        parts: dict[ZoneInfo, list[MeteredAsset]] = {}
        for asset in assets:
            parts.setdefault(self._follower.model.zone(asset.id.site), []).append(asset)
        return list(parts.values())

    async def _bounds_us(self, site: SiteId, intervals: Intervals | CalendarIntervals) -> Ints:
        if isinstance(intervals, Intervals):
            return intervals.bounds_us()
        return intervals.bounds_us(await self._follower.find(lambda model: model.zone(site)))

    async def _answer(
        self, asked: Sequence[MeteredAsset], bounds_us: Ints, view: View
    ) -> list[AssetEnergy]:
        of_site = {
            site: self._follower.model.all_metered(site)
            for site in {asset.id.site for asset in asked if asset.role is Role.DERIVED}
        }
        needed = {asset.id: asset for asset in (*asked, *_flat(of_site.values()))}
        histories = await self._histories(list(needed.values()), bounds_us, view)
        gap_us = self._longest_gap // timedelta(microseconds=1)
        energies = metered_energies(list(needed.values()), histories, bounds_us, gap_us)
        idle = await self._idle(_flat(of_site.values()), energies, bounds_us)
        for assets in of_site.values():
            energies |= with_derived(
                assets,
                energies,
                idle=idle,
                intervals=len(bounds_us) - 1,
                tolerance_wh=self._tolerance_wh,
            )
        worths = _Worths(of_site, histories, bounds_us, gap_us, idle) if view.qualities else None
        return [
            AssetEnergy(
                asset=asset.id,
                energy=_until(energies[asset.id], asset.deleted_us, bounds_us),
                derived=asset.role is Role.DERIVED,
                bounds_us=bounds_us,
                worths=None if worths is None else worths.of(asset),
            )
            for asset in asked
        ]

    async def _idle(
        self, assets: Sequence[MeteredAsset], energies: Mapping[AssetId, Energy], bounds_us: Ints
    ) -> Mapping[AssetId, Mask]:
        """Return in which intervals assets are no part of a balance yet, of those not known."""
        unknown = [
            asset
            for asset in assets
            if asset.role is Role.BALANCED and np.isnan(energies[asset.id].net_wh).any()
        ]
        asked = {key for asset in unknown if asset.draws for key in asset.keys}
        firsts_us = await self._store.firsts_us(sorted(asked)) if asked else {}
        return {asset.id: not_begun(asset, firsts_us, bounds_us) for asset in unknown}

    async def _histories(
        self, assets: Sequence[MeteredAsset], bounds_us: Ints, view: View
    ) -> Histories:
        """Return what the registers of assets show; of days that are past, at quarters alone."""
        keys = sorted({key for asset in assets for key in asset.keys})
        first_us, last_us = int(bounds_us[0]), int(bounds_us[-1])
        long = last_us - first_us >= _SHORTEST_ROLLED_US
        if long and view.known_by is None and on_quarters(bounds_us):
            gap_us = self._longest_gap // timedelta(microseconds=1)
            moving = {key for asset in assets for key in asset.moving_keys}
            rollable = frozenset(keys) - moving
            span_us = first_us, last_us
            return await self._store.registers(keys, rollable, span_us, gap_us, view)
        return await self._store.histories(
            keys,
            from_microseconds(first_us) - self._longest_gap,
            from_microseconds(last_us) + self._longest_gap,
            view,
        )


class _Worths:
    """What the energies of assets are worth: a derived one no more than all that it is made of."""

    def __init__(
        self,
        of_site: Mapping[SiteId, Sequence[MeteredAsset]],
        histories: Histories,
        bounds_us: Ints,
        longest_gap_us: int,
        idle: Mapping[AssetId, Mask],
    ) -> None:
        self._of_site = of_site
        self._idle = idle
        self._histories = histories
        self._bounds_us = bounds_us
        self._longest_gap_us = longest_gap_us

    def of(self, asset: MeteredAsset) -> tuple[Worth, Worth]:
        """Return the worth of what goes into and out of one asset."""
        if asset.role is Role.DERIVED:
            parts = [
                worth
                for each in self._of_site[asset.id.site]
                if each.role in (Role.GRID, Role.BALANCED)
                for worth in self._in_balance(each)
            ]
            worst = least(parts, len(self._bounds_us) - 1)
            return worst, worst
        return (
            self._worth(asset.imports or asset.exports),
            self._worth(asset.exports or asset.imports),
        )

    def _in_balance(self, asset: MeteredAsset) -> tuple[Worth, ...]:
        """Return what an asset takes off a balance: nothing where it is no part of it yet."""
        idle = self._idle.get(asset.id)
        worths = self.of(asset)
        return worths if idle is None else tuple(whole_where(idle, each) for each in worths)

    def _worth(self, spans: tuple[MeterSpan, ...]) -> Worth:
        meters = Meters(spans=spans)
        return worth_of_meters(meters, self._histories, self._bounds_us, self._longest_gap_us)


def _piece_assets(intervals: Intervals | CalendarIntervals) -> int:
    """Return how many assets a piece has."""
    if isinstance(intervals, CalendarIntervals):
        return _MOST_PIECE_ASSETS
    fitting = _MOST_PIECE_VALUES // (2 * max(1, len(intervals.bounds_us()) - 1))
    return max(_FEWEST_PIECE_ASSETS, min(_MOST_PIECE_ASSETS, fitting))


def _consecutive(
    assets: Sequence[MeteredAsset], size: int, *, by_site: bool
) -> Iterator[list[MeteredAsset]]:
    """Yield assets in their order, in bounded parts, of one site each if so wanted."""
    for first in range(0, len(assets), size):
        part = assets[first : first + size]
        sites = groupby(part, lambda asset: asset.id.site if by_site else None)
        yield from (list(group) for _, group in sites)


def _flat(groups: Iterable[Iterable[MeteredAsset]]) -> list[MeteredAsset]:
    return [asset for group in groups for asset in group]


def _until(energy: Energy, deleted_us: int | None, bounds_us: Ints) -> Energy:
    """Return the energy with nothing known from the asset's deletion on."""
    if deleted_us is None:
        return energy
    gone = bounds_us[:-1] >= deleted_us
    return Energy(
        imported_wh=np.where(gone, np.nan, energy.imported_wh),
        exported_wh=np.where(gone, np.nan, energy.exported_wh),
    )
