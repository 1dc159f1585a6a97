"""What is known of vehicles and zones, by which they are run again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from wattmesh_analytics.domain.charge_at_once import AtOnce, Stay, charge_at_once
from wattmesh_analytics.domain.savings import LeftOut
from wattmesh_analytics.domain.site_energy import SiteEnergy
from wattmesh_analytics.domain.thermostat import ZonePlant, ZoneRecord
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Asset
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargingFacts:
    """What charge points took less what they gave [Wh] in a site's intervals, and who was there."""

    nets: Mapping[AssetId, Series] = field(default_factory=dict)
    stays: Mapping[AssetId, Sequence[Stay]] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    def at_once(
        self,
        energy: SiteEnergy,
        asked: TimeRange,
        most_w: float,
        power_w: float | None = None,
        *,
        idle: bool,
    ) -> AtOnce:
        """Return what they would have taken had each vehicle charged at once, within a connection.

        `most_w`: what the connection may draw [W]; `idle`: batteries do nothing meanwhile.
        """
        nothing = np.zeros(len(energy.grid.import_wh))
        others = energy.grid.net_wh - sum((each.values for each in self.nets.values()), nothing)
        others = others - energy.storage_net_wh if idle else others
        room_wh = most_w * energy.grid.hours - others
        room = energy.grid.import_wh.with_values(np.where(np.isnan(room_wh), np.inf, room_wh))
        window = {name: net.window(asked) for name, net in self.nets.items()}
        return charge_at_once(window, self.stays, room.window(asked).values, power_w)


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneFact:
    """A zone, what it took [Wh] in a site's intervals, its record of those asked about, and how it
    answers.
    """

    zone: Asset
    net: Series
    record: ZoneRecord
    plant: ZonePlant


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneFacts:
    """Zones that can be run again, and why others cannot."""

    zones: Mapping[AssetId, ZoneFact] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
