"""A protocol of a test's own: devices that answer, or do not, and devices that speak."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.fakes.settable_devices import FakeDevice
from wattmesh_gateway.app.ports import Inbox, OpenedDevice
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.domain.telegram import Delivery, Telegram
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.sites import Device


@dataclass(frozen=True, kw_only=True, slots=True)
class FakeProfile(DeviceProfile):
    """Measures the state of charge."""

    @property
    def quantities(self) -> frozenset[str]:
        return frozenset({"soc_ratio"})


def fake_profile(name: str, protocol: str) -> FakeProfile:
    """Return a profile of any protocol."""
    return FakeProfile(name=name, title=name, protocol=protocol, source="a test")


class FakeDriver:
    """Knows what is opened and listened to. `trouble` is raised by opening.

    `reads`, `listens` and `sets` say what it is able to do.
    """

    def __init__(
        self, inbox: Inbox | None = None, *, reads: bool = True, sets: bool = True
    ) -> None:
        self._inbox = inbox
        self._reads = reads
        self._sets = sets
        self.trouble: Exception | None = None
        self.devices: dict[DeviceId, FakeDevice] = {}
        self.opened: list[DeviceId] = []
        self.closed: list[DeviceId] = []
        self.heard: set[DeviceId] = set()

    async def open(self, device: Device, profile: DeviceProfile) -> OpenedDevice:
        if self.trouble is not None:
            raise self.trouble
        self.opened.append(device.id)
        fake = self.devices.setdefault(device.id, FakeDevice())
        return OpenedDevice(
            close=lambda: self._close(device.id),
            reads=fake if self._reads else None,
            sets=fake if self._sets else None,
            listens=None if self._inbox is None else _Listened(self.heard, device.id),
        )

    async def wait_ready(self, within_seconds: float) -> bool:
        """Be ready."""
        return True

    async def say(self, *telegrams: Telegram, origin: str = "somewhere") -> None:
        """Have devices speak."""
        assert self._inbox is not None
        await self._inbox.take([Delivery(origin=origin, telegrams=telegrams)])

    def _close(self, device: DeviceId) -> None:
        self.closed.append(device)
        self.heard.discard(device)


class _Listened:
    def __init__(self, heard: set[DeviceId], device: DeviceId) -> None:
        self._heard = heard
        self._device = device

    def begin(self) -> None:
        self._heard.add(self._device)

    def understand(self, origin: str, payload: bytes, arrival: datetime) -> Sequence[Telegram]:
        return ()
