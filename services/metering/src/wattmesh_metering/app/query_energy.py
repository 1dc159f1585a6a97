"""Energy of assets per interval, balanced over their sites."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_metering.app.ports import MeteredAssets, ReadingStore
from wattmesh_metering.domain.balance import Energy, MeteredAsset, Role, site_energies
from wattmesh_metering.domain.checks import require
from wattmesh_metering.domain.grid import Grid, require_size
from wattmesh_metering.domain.readings import Floats
from wattmesh_metering.domain.resampling import increase
from wattmesh_metering.domain.selectors import AssetSelector

Model = Mapping[SiteId, Sequence[MeteredAsset]]


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
        assets: MeteredAssets,
        store: ReadingStore,
        *,
        longest_gap: timedelta,
        tolerance_wh: float,
    ) -> None:
        self._assets = assets
        self._store = store
        self._longest_gap = longest_gap
        self._tolerance_wh = tolerance_wh

    async def run(self, selectors: Sequence[AssetSelector], grid: Grid) -> list[AssetEnergy]:
        """Return the energies in the order asked, `-` by name. Error: NotFound."""
        require(bool(selectors), "NO_ASSETS", "name at least one asset", "assets")
        model = await self._assets.of_sites({selector.site for selector in selectors})
        asked = _select(selectors, model)
        require_size(2 * len(asked) * grid.intervals)
        needed = _needed(asked, model)
        increases = await self._increases(needed, grid)
        energies: dict[AssetId, Energy] = {}
        for assets in needed.values():
            energies |= site_energies(
                assets, increases, intervals=grid.intervals, tolerance_wh=self._tolerance_wh
            )
        return [
            AssetEnergy(
                asset=asset.id, energy=energies[asset.id], derived=asset.role is Role.DERIVED
            )
            for asset in asked
        ]

    async def _increases(self, needed: Model, grid: Grid) -> dict[int, Floats]:
        keys = {key for assets in needed.values() for asset in assets for key in asset.keys}
        histories = await self._store.histories(
            keys, grid.range.start - self._longest_gap, grid.range.end + self._longest_gap
        )
        bounds_us = grid.bounds_us()
        gap_us = self._longest_gap // timedelta(microseconds=1)
        return {key: increase(histories[key], bounds_us, gap_us) for key in keys}


def _select(selectors: Sequence[AssetSelector], model: Model) -> list[MeteredAsset]:
    asked: list[MeteredAsset] = []
    for selector in selectors:
        if selector.site not in model:
            raise NotFound("SITE_NOT_FOUND", f"there is no {selector.site}")
        of_site = model[selector.site]
        chosen = [asset for asset in of_site if selector.asset in (None, asset.id)]
        if selector.asset is not None and not chosen:
            raise NotFound("ASSET_NOT_FOUND", f"there is no {selector.asset}")
        asked.extend(chosen)
    return asked


def _needed(asked: Sequence[MeteredAsset], model: Model) -> Model:
    """Return what must be read: the assets asked for, and all of a site whose load is derived."""
    sites = {asset.id.site for asset in asked}
    derived = {asset.id.site for asset in asked if asset.role is Role.DERIVED}
    ids = {asset.id for asset in asked}
    return {
        site: [asset for asset in model[site] if site in derived or asset.id in ids]
        for site in sites
    }
