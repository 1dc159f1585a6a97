"""Read what was metered at a site."""

from datetime import timedelta

from wattmesh_analytics.app.ports import Meter
from wattmesh_analytics.app.question import SiteAssets
from wattmesh_analytics.domain.energy import added_up
from wattmesh_analytics.domain.site_energy import SiteEnergy
from wattmesh_kernel.time import TimeRange


class ReadEnergy:
    """Reads the energies of a site's connection, plants and batteries."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def __call__(
        self, assets: SiteAssets, span: TimeRange, resolution: timedelta
    ) -> SiteEnergy:
        """Return the energies over `span`, which is on the raster."""
        found = await self._meter.energy(assets.every, span, resolution)
        return SiteEnergy(
            site=assets.site.id,
            zone=assets.zone,
            grid=added_up([found[each] for each in assets.grids]),
            generation=tuple(found[each] for each in assets.plants),
            batteries={each: found[each] for each in assets.batteries},
            ratings=assets.batteries,
        )
