"""Reading ahead, so that the first forecast comes as fast as every other."""

import logging
from datetime import timedelta

from wattmesh_forecast.app.past import Past, read_sites
from wattmesh_forecast.app.ports import SiteDirectory
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.sites import Site
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId

log = logging.getLogger(__name__)


class WarmUp:
    """Reads the past of all that can be forecast once; what fails is read when it is needed."""

    def __init__(self, *, sites: SiteDirectory, past: Past, clock: Clock, most_assets: int) -> None:
        self._sites = sites
        self._past = past
        self._clock = clock
        self._most_assets = most_assets

    async def __call__(self) -> None:
        """Read ahead, unless there are too many assets."""
        try:
            ids = await self._sites.sites()
            if len(ids) <= self._most_assets:
                await self._read([await self._sites.site(site) for site in ids])
        except WattmeshError as error:
            log.info("nothing read ahead: %s", error)

    async def _read(self, sites: list[Site]) -> None:
        assets = [asset for site in sites for asset in _forecast_assets(site)]
        if assets and len(assets) <= self._most_assets:
            described = await read_sites(self._sites, assets)
            now = self._clock.now()
            await self._past.until(assets, described, now, now + timedelta(days=1))
            log.info("read the past of %d assets ahead", len(assets))


def _forecast_assets(site: Site) -> list[AssetId]:
    return [
        asset
        for asset, kind in site.assets.items()
        if kind is Kind.LOAD or (kind is Kind.PV and site.location is not None)
    ]
