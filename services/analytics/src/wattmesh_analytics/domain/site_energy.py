"""What was metered at a site, and what would have been."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_analytics.domain.energy import Energy, Floats
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.time import TimeRange


class Counterfactual(Enum):
    """What would have been, had nobody controlled the site."""

    IDLE_STORAGE = "idle_storage"
    """Batteries do nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteEnergy:
    """The energies of a site's assets over the same intervals: the grid's, plants', batteries'."""

    site: SiteId
    zone: ZoneInfo
    grid: Energy
    generation: tuple[Energy, ...] = ()
    batteries: Mapping[AssetId, Energy] = field(default_factory=dict)
    ratings: Mapping[AssetId, BatteryRating] = field(default_factory=dict)

    def window(self, span: TimeRange) -> "SiteEnergy":
        """Return the part in `span`."""
        return SiteEnergy(
            site=self.site,
            zone=self.zone,
            grid=self.grid.window(span),
            generation=tuple(each.window(span) for each in self.generation),
            batteries={name: each.window(span) for name, each in self.batteries.items()},
            ratings=self.ratings,
        )

    @property
    def storage_net_wh(self) -> Floats:
        """What the batteries took less what they gave [Wh]; NaN where one was not metered."""
        nothing = np.zeros(len(self.grid.import_wh))
        return sum((each.net_wh for each in self.batteries.values()), nothing)

    @property
    def generation_wh(self) -> Floats | None:
        """What the plants gave [Wh]; NaN where one was not metered; None: there is none."""
        if not self.generation:
            return None
        return np.asarray(-np.sum([each.net_wh for each in self.generation], axis=0))

    @property
    def consumption_wh(self) -> Floats:
        """What was consumed [Wh]; NaN where something was not metered."""
        consumed = self.grid.net_wh - self.storage_net_wh
        generation = self.generation_wh
        return consumed if generation is None else consumed + generation

    def exchange(self, counterfactual: Counterfactual | None) -> Energy:
        """Return the exchange with the grid: as metered, or as it would have been.

        A home that imported 3 kWh while its battery took 2 kWh would have imported 1 kWh.
        """
        match counterfactual:
            case None:
                return self.grid
            case Counterfactual.IDLE_STORAGE:
                net_wh = self.grid.net_wh - self.storage_net_wh
                return Energy.of_net(self.grid.import_wh.with_values(net_wh))

    def compared(self, counterfactual: Counterfactual) -> tuple[Energy, Energy]:
        """Return both exchanges in the intervals in which both are known."""
        metered, without = self.exchange(None), self.exchange(counterfactual)
        both = metered.known & without.known
        return metered.only(both), without.only(both)
