"""How far the batteries of sites follow a reserve just now: who is reached, and answers."""

import time
from collections.abc import Callable, Collection
from typing import Protocol

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.links import GatewayLinks
from wattmesh_control.domain.stand_in import Able
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import BatteryRating

BELIEVED_SECONDS = 2.0
"""For how long it is believed which gateways other processes hold [s of the wall]."""


class Reached(Protocol):
    """Which gateways are connected, to whichever process."""

    async def connected(self, gateways: Collection[GatewayId]) -> frozenset[GatewayId]:
        """Return which of these are connected. Error: Unavailable."""


class ReserveReach:
    """Knows the streams of this process, and asks of others at most every 2 s."""

    def __init__(
        self,
        *,
        clock: Clock,
        devices: Devices,
        links: GatewayLinks,
        reached: Reached,
        is_lost: Callable[[DeviceId], bool],
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._devices = devices
        self._links = links
        self._reached = reached
        self._is_lost = is_lost
        self._wall = wall
        self._asked_at = -BELIEVED_SECONDS
        self._known: dict[GatewayId, bool] = {}

    async def able(self, sites: Collection[SiteId]) -> dict[SiteId, Able | None]:
        """Return how far the batteries of sites go that gateways reach; None: there are none."""
        following = {each.gateway for each in self._links.counting if each.takes_reserve_signals}
        here = {each.gateway for each in self._links.counting}
        devices = (each for site in sites for each in self._devices.model.devices_of_site(site))
        following |= await self._held_elsewhere({each.gateway for each in devices} - here)
        return {site: self._able(site, following) for site in sites}

    async def _held_elsewhere(self, gateways: Collection[GatewayId]) -> set[GatewayId]:
        """Return which gateways other processes hold; while nobody can say, all do."""
        if not gateways:
            return set()
        now = self._wall()
        if now - self._asked_at >= BELIEVED_SECONDS or not set(gateways) <= self._known.keys():
            try:
                connected = await self._reached.connected(gateways)
            except Unavailable:
                return set(gateways)
            self._asked_at, self._known = now, {each: each in connected for each in gateways}
        return {each for each in gateways if self._known[each]}

    def _able(self, site: SiteId, following: Collection[GatewayId]) -> Able | None:
        model, now = self._devices.model, self._clock.now()
        charge_w = discharge_w = 0.0
        for asset in model.assets_of(site):
            if not isinstance(asset.rating, BatteryRating):
                continue
            device = model.controller_of(asset.id, now)
            if device is None or device.gateway not in following or self._is_lost(device.id):
                continue
            charge_w += asset.rating.max_charge_power_w
            discharge_w += asset.rating.max_discharge_power_w
        if not charge_w and not discharge_w:
            return None
        return Able(charge_w=charge_w, discharge_w=discharge_w)
