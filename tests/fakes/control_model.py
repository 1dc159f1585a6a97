"""A site model and a shelf for control, in memory."""

from collections.abc import Sequence
from datetime import datetime

from wattmesh_control.domain.envelope import ControllableDevice, battery_envelopes
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId

SITE = SiteId("home-1")
BATTERY_ID = DeviceId(SITE, "battery")


def battery(limit_w: float = 5000.0) -> ControllableDevice:
    """Return a battery that charges and discharges with at most `limit_w`."""
    return ControllableDevice(
        device=BATTERY_ID,
        asset=AssetId(SITE, "battery"),
        gateway=GatewayId("local"),
        envelopes=battery_envelopes(limit_w, limit_w),
    )


class FakeSiteModel:
    """SiteModel that answers with what it was given, or with an error."""

    def __init__(self, *known: ControllableDevice) -> None:
        self.known = list(known)
        self.error: Exception | None = None
        self.asked = 0

    async def devices(self) -> list[ControllableDevice]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return list(self.known)


class FakeShelf:
    """DeviceShelf in memory."""

    def __init__(self) -> None:
        self.kept: list[ControllableDevice] | None = None

    async def load(self) -> list[ControllableDevice] | None:
        return self.kept

    async def store(self, devices: Sequence[ControllableDevice], now: datetime) -> None:
        self.kept = list(devices)
