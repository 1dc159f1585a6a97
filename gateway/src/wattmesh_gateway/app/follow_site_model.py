"""Follows the site model: a device that is added, changed or deleted is known within seconds."""

import logging
from collections.abc import Sequence

from wattmesh_gateway.app.roster import Roster
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import GatewayId
from wattmesh_kernel.sites import Device, SiteModel
from wattmesh_sitemodel.view import SiteModelView

log = logging.getLogger(__name__)

_FIRST_SECONDS = 2.0
"""How long the start waits for a model when none was kept from the run before [s of the wall]."""


class FollowSiteModel:
    """Hands the roster the devices of this gateway whenever they change."""

    def __init__(self, view: SiteModelView, gateway: GatewayId, roster: Roster) -> None:
        self._view = view
        self._gateway = gateway
        self._roster = roster
        self._devices: Sequence[Device] = ()

    async def start(self) -> None:
        """Talk to the devices known from the run before, or to those of the first model."""
        try:
            await self._take(
                await self._view.wait_until(lambda _: self._view.known, _FIRST_SECONDS)
            )
        except Unavailable:
            log.warning("the site model is not known yet; devices follow when it is")

    async def run(self) -> None:
        """Follow, for ever."""
        async for update in self._view.updates():
            await self._take(update.model)

    async def _take(self, model: SiteModel) -> None:
        devices = model.devices_of_gateway(self._gateway)
        if devices != self._devices:
            self._devices = devices
            log.info("%d devices", len(devices))
            await self._roster.change(devices)
