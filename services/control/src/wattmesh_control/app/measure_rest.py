"""What sites draw beside the devices that can be steered there, from their meters."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.ports import EnergyMeter
from wattmesh_control.domain.headroom import CONDUCTORS
from wattmesh_control.domain.subject import NodeName, subject_of
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import GridConnectionRating, Phase
from wattmesh_kernel.time import TimeRange, floor_time

log = logging.getLogger(__name__)

_MINUTE = timedelta(minutes=1)
_SPAN = timedelta(minutes=5)


_NONE: tuple[float, ...] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rest:
    """What is drawn beside what can be steered [W]: of each site, and of all in L1, L2 and L3."""

    sites_w: Mapping[SiteId, float] = field(default_factory=dict)
    conductors_w: tuple[float, ...] = _NONE


class MeasureRest:
    """Takes the steered assets' power from the grid connection's, over the last whole minutes.

    What a steered asset draws that is not metered counts as the rest of the site.
    """

    def __init__(self, *, clock: Clock, devices: Devices, meter: EnergyMeter) -> None:
        self._clock = clock
        self._devices = devices
        self._meter = meter

    async def __call__(self, subject: str) -> Rest:
        """Return the mean power of the rest of each site of a subject, importing positive [W].

        A site whose connection is not metered is left out, as all are while metering is away. Of a
        site's node it is what else is metered below it. In conductors it is what the assets draw
        that say theirs, and a third of what else there is.
        """
        end = floor_time(self._clock.now(), _MINUTE)
        span = TimeRange(end - _SPAN, end)
        named = subject_of(subject, "subject")
        if isinstance(named, NodeName) and isinstance(named.owner, SiteId):
            return await self._below(named.owner, named.id, span)
        return await self._of_sites(self._devices.sites_of(named), span)

    async def _below(self, site: SiteId, node: str, span: TimeRange) -> Rest:
        others = sorted(self._devices.assets_below(site, node) - set(self._steered(site)))
        if not others:
            return Rest()
        try:
            powers_w = await self._meter.mean_power_w(others, span)
        except WattmeshError as error:
            log.debug("what %s draws below %s is not known: %s", site, node, error)
            return Rest()
        return Rest(
            sites_w={site: sum(powers_w.values())}, conductors_w=self._in_conductors(powers_w)
        )

    async def _of_sites(self, sites: Iterable[SiteId], span: TimeRange) -> Rest:
        found, conductors_w = dict[SiteId, float](), _NONE
        for site in sites:
            connection = self._connection_of(site)
            if connection is None:
                continue
            steered = self._steered(site)
            others = [
                each.id
                for each in self._devices.model.assets_of(site)
                if each.phase is not Phase.THREE and each.id not in {connection, *steered}
            ]
            try:
                powers_w = await self._meter.mean_power_w([connection, *steered, *others], span)
            except WattmeshError as error:
                log.debug("what %s draws by itself is not known: %s", site, error)
                continue
            if connection not in powers_w:
                continue
            rest_w = powers_w[connection] - sum(powers_w.get(asset, 0.0) for asset in steered)
            found[site] = rest_w
            known_w = {each: powers_w[each] for each in others if each in powers_w}
            third_w = (rest_w - sum(known_w.values())) / len(CONDUCTORS)
            conductors_w = tuple(
                before + own + third_w
                for before, own in zip(conductors_w, self._in_conductors(known_w), strict=True)
            )
        return Rest(sites_w=found, conductors_w=conductors_w)

    def _in_conductors(self, powers_w: Mapping[AssetId, float]) -> tuple[float, ...]:
        assets = self._devices.model.assets
        return tuple(
            sum(assets[asset].phase.share(one) * each for asset, each in powers_w.items())
            for one in CONDUCTORS
        )

    def _connection_of(self, site: SiteId) -> AssetId | None:
        found = [
            each.id
            for each in self._devices.model.assets_of(site)
            if isinstance(each.rating, GridConnectionRating)
        ]
        return found[0] if len(found) == 1 else None

    def _steered(self, site: SiteId) -> list[AssetId]:
        under = self._devices.under(site.name, self._clock.now())
        assets = {steering.asset for each in under for steering in each.steerings.values()}
        return sorted(assets)
