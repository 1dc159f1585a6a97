"""The devices that control may steer, as the site model last described them."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import timedelta

from wattmesh_control.app.ports import DeviceShelf, SiteModel
from wattmesh_control.domain.envelope import ControllableDevice
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound, Unavailable, WattmeshError
from wattmesh_kernel.ids import DeviceId

log = logging.getLogger(__name__)


class DeviceCatalog:
    """Holds the devices and their limits; nothing is steered before they were fetched once."""

    def __init__(self, *, clock: Clock, model: SiteModel, shelf: DeviceShelf) -> None:
        self._clock = clock
        self._model = model
        self._shelf = shelf
        self._devices: dict[DeviceId, ControllableDevice] | None = None
        self._fetching = asyncio.Lock()
        self.version = 0
        """Grows whenever something is new."""

    @property
    def known(self) -> bool:
        """Whether the devices were ever fetched."""
        return self._devices is not None

    def find(self, device: DeviceId) -> ControllableDevice | None:
        """Return a device; None when the site model has none of that name."""
        return (self._devices or {}).get(device)

    async def recall(self) -> None:
        """Take up what was known before the last restart."""
        kept = await self._shelf.load()
        if kept is not None and self._devices is None:
            self._devices = {device.device: device for device in kept}

    async def refresh(self) -> None:
        """Fetch the devices. Error: Unavailable."""
        async with self._fetching:
            fetched = {device.device: device for device in await self._model.devices()}
            if fetched != self._devices:
                await self._shelf.store(list(fetched.values()), self._clock.now())
                self._devices = fetched
                self.version += 1
                log.info("the site model has %d devices", len(fetched))

    async def require(self, devices: Iterable[DeviceId]) -> None:
        """Make sure that limits are known, asking again when one of the devices is not.

        Error: Unavailable when the site model was never fetched and does not answer.
        """
        if self.known and all(self.find(device) for device in devices):
            return
        try:
            await self.refresh()
        except WattmeshError as error:
            if not self.known:
                raise Unavailable(
                    "SITE_MODEL_UNAVAILABLE",
                    "the limits of the devices are not known yet: metering does not answer",
                    retry_after=timedelta(seconds=1),
                ) from error
            log.warning("the site model cannot be asked for a new device: %s", error)

    def get(self, device: DeviceId) -> ControllableDevice:
        """Return a device. Error: NotFound."""
        found = self.find(device)
        if found is None:
            raise NotFound("DEVICE_NOT_FOUND", f"there is no {device}", {"device": device.name})
        return found
