"""Compute indicators of a site, or of a group's sites together, over the parts of a span."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wattmesh_analytics.app.ports import Meter
from wattmesh_analytics.app.question import Span, known_model, site_assets
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.indicators import (
    Division,
    Indicators,
    asset_indicators,
    divide,
    indicators,
    on_raster,
)
from wattmesh_analytics.domain.site_energy import SiteEnergy, together
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import AssetId, GroupId, SiteId
from wattmesh_kernel.sites import Asset
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.view import SiteModelView


class QueryIndicators:
    """Tells how much of what a site uses is its own, how even, how hard its storage works."""

    def __init__(
        self, *, clock: Clock, view: SiteModelView, energy: ReadEnergy, meter: Meter
    ) -> None:
        self._clock = clock
        self._view = view
        self._energy = energy
        self._meter = meter

    async def __call__(
        self,
        subject: SiteId | GroupId,
        span: Span,
        division: Division,
        *,
        by_asset: bool = False,
    ) -> list[Indicators]:
        """Return one for each part, oldest first. Errors: as `site_assets`; not over yet."""
        span.require_past(self._clock)
        sites = self._sites(subject)
        energy = await self._read(subject, sites, span)
        assets = await self._assets(sites, span) if by_asset else {}
        parts = [on_raster(part, energy) for part in divide(span.range, division, energy.zone)]
        return [_of_part(energy, assets, part) for part in parts if not part.empty]

    def _sites(self, subject: SiteId | GroupId) -> Sequence[SiteId]:
        if isinstance(subject, SiteId):
            return (subject,)
        group = known_model(self._view).groups.get(subject)
        if group is None:
            raise NotFound("GROUP_NOT_FOUND", f"there is no group {subject}")
        require(bool(group.sites), "INVALID_VALUE", f"{subject} has no sites", "group")
        return group.sites

    async def _read(
        self, subject: SiteId | GroupId, sites: Sequence[SiteId], span: Span
    ) -> SiteEnergy:
        found = [
            await self._energy(site_assets(self._view, site), span.range, span.resolution)
            for site in sites
        ]
        return found[0] if isinstance(subject, SiteId) else together(subject, found)

    async def _assets(
        self, sites: Sequence[SiteId], span: Span
    ) -> Mapping[AssetId, tuple[Asset, Energy]]:
        """Return the energies of all assets that are metered at any time of the span."""
        model = known_model(self._view)
        assets = {each.id: each for site in sites for each in model.assets_of(site)}
        found = await self._meter.energy(tuple(assets), span.range, span.resolution)
        return {
            name: (assets[name], energy)
            for name, energy in sorted(found.items(), key=lambda each: each[0].name)
            if energy.known.any()
        }


def _of_part(
    energy: SiteEnergy, assets: Mapping[AssetId, tuple[Asset, Energy]], part: TimeRange
) -> Indicators:
    return replace(
        indicators(energy.window(part)),
        assets=tuple(asset_indicators(asset, each.window(part)) for asset, each in assets.values()),
    )
