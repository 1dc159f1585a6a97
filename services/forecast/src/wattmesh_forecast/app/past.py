"""The past of assets, as far as forecasting looks back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.app.ports import History, SiteDirectory, Sky
from wattmesh_forecast.domain.hours import HOUR, AssetHours, LocalClock
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.sites import Site
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time
from wattmesh_runtime.aio.tasks import together

LOOK_BACK = timedelta(days=45)
"""Four weeks of lags, tried over two weeks, and some days to spare."""


async def read_sites(directory: SiteDirectory, assets: Sequence[AssetId]) -> dict[SiteId, Site]:
    """Return the sites of assets."""
    ids = sorted({asset.site for asset in assets})
    return dict(zip(ids, await together(*map(directory.site, ids)), strict=True))


class Past:
    """Puts metered power, local clock and sun of assets on one grid of hours."""

    def __init__(self, history: History, sky: Sky) -> None:
        self._history = history
        self._sky = sky

    async def until(
        self, assets: Sequence[AssetId], sites: Mapping[SiteId, Site], now: datetime, end: datetime
    ) -> dict[AssetId, AssetHours]:
        """Return each asset's complete hours before `now`, and room for the hours up to `end`."""
        known = TimeRange(floor_time(now - LOOK_BACK, HOUR), floor_time(now, HOUR))
        grid = TimeRange(known.start, ceil_time(end, HOUR))
        return await self.over(assets, sites, known, grid)

    async def over(
        self,
        assets: Sequence[AssetId],
        sites: Mapping[SiteId, Site],
        known: TimeRange,
        grid: TimeRange,
    ) -> dict[AssetId, AssetHours]:
        """Return each asset over `grid`, measured within `known`, both of whole hours."""
        power = await self._history.power_w(assets, known, HOUR)
        clocks = {site.zone: LocalClock.of(grid, site.zone) for site in sites.values()}
        return {
            asset: self._hours(
                sites[asset.site], asset, power[asset].window(grid), clocks[sites[asset.site].zone]
            )
            for asset in assets
        }

    def _hours(self, site: Site, asset: AssetId, power: Series, clock: LocalClock) -> AssetHours:
        kind = site.kind_of(asset)
        magnitude = np.maximum(kind.sign * power.values, 0.0)  # NaN stays NaN
        sun = None
        if kind is Kind.PV and site.location is not None:
            sun = self._sky.sun(site.location, power.range)
        return AssetHours(start=power.start, power_w=magnitude, clock=clock, sun=sun)
