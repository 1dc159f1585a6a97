"""Energy of assets per interval, balanced over their sites."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import AssetId
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ports import ReadingStore
from wattmesh_metering.domain.balance import (
    Energy,
    MeteredAsset,
    Role,
    metered_energies,
    with_derived,
)
from wattmesh_metering.domain.intervals import Intervals, require_size
from wattmesh_metering.domain.readings import Ints
from wattmesh_metering.domain.selectors import AssetSelector


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AssetEnergy:
    """Energy of one asset per interval of the query."""

    asset: AssetId
    energy: Energy
    derived: bool


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
        self, selectors: Sequence[AssetSelector], intervals: Intervals
    ) -> list[AssetEnergy]:
        """Return the energies in the order asked, `-` by name. Error: NotFound."""
        require(bool(selectors), "NO_ASSETS", "name at least one asset", "assets")
        asked = await self._follower.find(
            lambda model: [asset for each in selectors for asset in model.metered(each)]
        )
        require_size(2 * len(asked) * intervals.count)
        energies = await self._energies(asked, intervals)
        bounds_us = intervals.bounds_us()
        return [
            AssetEnergy(
                asset=asset.id,
                energy=_until(energies[asset.id], asset.deleted_us, bounds_us),
                derived=asset.role is Role.DERIVED,
            )
            for asset in asked
        ]

    async def _energies(
        self, asked: Sequence[MeteredAsset], intervals: Intervals
    ) -> dict[AssetId, Energy]:
        balanced = [
            self._follower.model.all_metered(site)
            for site in {asset.id.site for asset in asked if asset.role is Role.DERIVED}
        ]
        needed = {asset.id: asset for asset in (*asked, *_flat(balanced))}
        histories = await self._store.histories(
            sorted({key for asset in needed.values() for key in asset.keys}),
            intervals.range.start - self._longest_gap,
            intervals.range.end + self._longest_gap,
        )
        gap_us = self._longest_gap // timedelta(microseconds=1)
        metered = metered_energies(list(needed.values()), histories, intervals.bounds_us(), gap_us)
        for assets in balanced:
            metered |= with_derived(
                assets, metered, intervals=intervals.count, tolerance_wh=self._tolerance_wh
            )
        return metered


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
