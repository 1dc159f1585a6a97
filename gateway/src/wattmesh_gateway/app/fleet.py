"""The devices that the gateway talks to: opened, polled, listened to."""

import logging
from collections.abc import Sequence

from wattmesh_gateway.app.poll_devices import PollDevices
from wattmesh_gateway.app.ports import Drivers, OpenedDevice, Topics
from wattmesh_gateway.app.presence import Presences
from wattmesh_gateway.app.receive_telegrams import ReceiveTelegrams
from wattmesh_gateway.domain.device import Device
from wattmesh_gateway.domain.errors import ProfileError
from wattmesh_gateway.domain.profile import MqttProfile
from wattmesh_kernel.ids import DeviceId

log = logging.getLogger(__name__)


class Fleet:
    """Follows the list of devices."""

    def __init__(
        self,
        drivers: Drivers,
        topics: Topics,
        polls: PollDevices,
        telegrams: ReceiveTelegrams,
        presences: Presences,
    ) -> None:
        self._drivers = drivers
        self._topics = topics
        self._polls = polls
        self._telegrams = telegrams
        self._presences = presences
        self._opened: dict[DeviceId, tuple[Device, OpenedDevice]] = {}

    def settable(self, device: DeviceId) -> OpenedDevice | None:
        """Return a device that takes setpoints; None when there is none of that name."""
        entry = self._opened.get(device)
        return entry[1] if entry else None

    async def change(self, devices: Sequence[Device]) -> None:
        """Talk to exactly these devices from now on; those that stay are left alone."""
        self._presences.keep(device.id for device in devices)
        opened: dict[DeviceId, tuple[Device, OpenedDevice]] = {}
        listened: dict[DeviceId, tuple[Device, MqttProfile]] = {}
        for device in devices:
            try:
                driver = await self._open(device)
            except ProfileError as error:
                self._presences.lost(device.id, str(error))
                continue
            self._presences.expect(device.id, "not heard of yet")
            if isinstance(driver, MqttProfile):
                listened[device.id] = (device, driver)
            else:
                opened[device.id] = (device, driver)
        self._opened = opened
        await self._polls.poll(opened)
        await self._topics.listen(self._telegrams.expect(listened))

    async def _open(self, device: Device) -> OpenedDevice | MqttProfile:
        entry = self._opened.get(device.id)
        if entry is not None and entry[0] == device:
            return entry[1]
        return await self._drivers.open(device)
