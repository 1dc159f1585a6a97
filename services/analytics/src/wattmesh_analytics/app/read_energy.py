"""Read what was metered at a site."""

from dataclasses import replace
from datetime import datetime, timedelta

from wattmesh_analytics.app.ports import Meter
from wattmesh_analytics.app.question import SiteAssets
from wattmesh_analytics.domain.energy import added_up
from wattmesh_analytics.domain.site_energy import Fuelled, SiteEnergy
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import SiteModel
from wattmesh_kernel.time import TimeRange


class ReadEnergy:
    """Reads the energies of a site's connection, plants and batteries."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def __call__(
        self,
        assets: SiteAssets,
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None = None,
        *,
        substitutes: bool = False,
    ) -> SiteEnergy:
        """Return the energies over `span`, which is on the raster, or as they were known then.

        `substitutes` as `Meter.energy` has it.
        """
        found = await self._meter.energy(
            assets.every, span, resolution, as_of, substitutes=substitutes
        )
        return SiteEnergy(
            site=assets.site.id,
            zone=assets.zone,
            grid=added_up([found[each] for each in assets.grids]),
            generation=tuple(found[each] for each in assets.plants),
            fuelled=tuple(
                Fuelled(energy=found[each], emission_gco2e_per_kwh=emission)
                for each, emission in assets.emissions_gco2e_per_kwh.items()
            ),
            batteries={each: found[each] for each in assets.batteries},
            ratings=assets.batteries,
        )

    async def with_charge(
        self, model: SiteModel, energy: SiteEnergy, moment: datetime
    ) -> SiteEnergy:
        """Return the energies with how full the batteries were at a moment, as far as is known."""
        ratios = dict[AssetId, float]()
        for asset in energy.ratings:
            point = model.point_of(asset, "soc_ratio", moment)
            found = None if point is None else await self._meter.value_at(point, moment)
            if found is not None:
                ratios[asset] = found
        return replace(energy, first_soc_ratios=ratios, soc_time=moment)
