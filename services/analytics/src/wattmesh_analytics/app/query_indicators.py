"""Compute indicators of a site over the parts of a span."""

from wattmesh_analytics.app.question import Span, site_assets
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.domain.indicators import (
    Division,
    Indicators,
    divide,
    indicators,
    on_raster,
)
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import SiteId
from wattmesh_sitemodel.view import SiteModelView


class QueryIndicators:
    """Tells how much of what a site uses is its own, how even, how hard its storage works."""

    def __init__(self, *, clock: Clock, view: SiteModelView, energy: ReadEnergy) -> None:
        self._clock = clock
        self._view = view
        self._energy = energy

    async def __call__(self, site: SiteId, span: Span, division: Division) -> list[Indicators]:
        """Return one for each part, oldest first. Errors: as `site_assets`; not over yet."""
        span.require_past(self._clock)
        assets = site_assets(self._view, site)
        energy = await self._energy(assets, span.range, span.resolution)
        parts = [on_raster(part, energy) for part in divide(span.range, division, assets.zone)]
        return [indicators(energy.window(part)) for part in parts if not part.empty]
