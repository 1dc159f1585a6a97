"""What sites exchanged with the grid last: the first change of a plan is counted from it."""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.domain.model import Scope


class ExchangeFacts:
    """Asks for the newest whole interval, where changes of power count at all."""

    def __init__(self, clock: Clock, energies: Energies, resolution: timedelta) -> None:
        self._clock = clock
        self._energies = energies
        self._resolution = resolution

    async def __call__(self, scope: Scope) -> Mapping[SiteId, float]:
        """Return the mean grid power of each site in that interval [W]; not of those unmetered."""
        if not scope.counts_changes:
            return {}
        end = floor_time(self._clock.now(), self._resolution)
        connections = {site.grid_connection: site.site.id for site in scope.sites}
        try:
            energies = await self._energies.over(
                TimeRange(end - self._resolution, end), connections
            )
        except WattmeshError:  # the first change of power is then free
            return {}
        hours = self._resolution / timedelta(hours=1)
        powers_w = {
            connections[each]: float(energy.net_wh.values[-1]) / hours
            for each, energy in energies.items()
        }
        return {site: power_w for site, power_w in powers_w.items() if np.isfinite(power_w)}
