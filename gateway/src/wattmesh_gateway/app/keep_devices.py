"""Keeps the list of devices as metering has it, and everything that depends on it."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from wattmesh_gateway.app.fleet import Fleet
from wattmesh_gateway.app.ports import DeviceCache, SiteDirectory
from wattmesh_gateway.domain.device import Device
from wattmesh_kernel.errors import WattmeshError
from wattmesh_runtime.aio.losses import LossLog

log = logging.getLogger(__name__)

_UNTIL_FIRST = timedelta(milliseconds=500)
"""How often metering is asked while no device is known [wall]."""


class KeepDevices:
    """Begins with the devices of the run before, so that metering need not be there."""

    def __init__(
        self, directory: SiteDirectory, cache: DeviceCache, fleet: Fleet, interval: timedelta
    ) -> None:
        self._directory = directory
        self._cache = cache
        self._fleet = fleet
        self._interval = interval
        self._known: Sequence[Device] = ()
        self._loss = LossLog(log, "the site model")

    async def start(self) -> None:
        """Talk to the devices known from before; ask for them when there are none."""
        await self._take(await self._cache.load_devices())
        if not self._known:
            await self.refresh()

    async def run(self) -> None:
        """Ask for the devices again and again, for ever."""
        while True:
            await self.refresh()
            interval = self._interval if self._known else min(self._interval, _UNTIL_FIRST)
            await asyncio.sleep(interval.total_seconds())

    async def refresh(self) -> None:
        """Ask for the devices once; keep the known ones when nobody answers."""
        try:
            devices = await self._directory.list_devices()
        except WattmeshError as error:
            self._loss.lost(error)
            return
        self._loss.back()
        if list(devices) != list(self._known):
            await self._cache.save_devices(devices)
            await self._take(devices)

    async def _take(self, devices: Sequence[Device]) -> None:
        self._known = devices
        if devices:
            log.info("%d devices", len(devices))
        await self._fleet.change(devices)
