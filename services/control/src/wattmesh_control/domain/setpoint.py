"""What of a device each setpoint steers, and which values make sense."""

import math
from dataclasses import dataclass

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.setpoints import Channel, SetpointKind, channel_of

__all__ = ["Channel", "Slot", "channel_of", "check_value", "in_words"]


_UNITS = {
    SetpointKind.ACTIVE_POWER_W: " W",
    SetpointKind.GENERATION_LIMIT_W: " W",
    SetpointKind.CONSUMPTION_LIMIT_W: " W",
    SetpointKind.REACTIVE_POWER_VAR: " var",
    SetpointKind.CURRENT_A: " A",
    SetpointKind.TEMPERATURE_CELSIUS: " °C",
    SetpointKind.ON_OFF: "",
}

_NOT_NEGATIVE = frozenset(
    {SetpointKind.GENERATION_LIMIT_W, SetpointKind.CONSUMPTION_LIMIT_W, SetpointKind.CURRENT_A}
)


def in_words(value: float, kind: SetpointKind) -> str:
    """Return a value with its unit for people: `2500 W`, `6.5 A`, `on`."""
    if kind is SetpointKind.ON_OFF and value in (0.0, 1.0):
        return "on" if value else "off"
    return f"{value:.6g}{_UNITS[kind]}"


def check_value(value: float, kind: SetpointKind) -> None:
    """Raise InvalidArgument when no device could ever take `value`."""
    if not math.isfinite(value):
        raise InvalidArgument("INVALID_VALUE", f"{value} is not finite", field="value")
    if kind is SetpointKind.ON_OFF and value not in (0.0, 1.0):
        raise InvalidArgument("INVALID_VALUE", f"on is 1, off is 0, not {value}", field="value")
    if value < 0 and kind in _NOT_NEGATIVE:
        raise InvalidArgument("INVALID_VALUE", f"{value} must not be negative", field="value")


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One channel of one device: at most one command is live in it."""

    device: DeviceId
    channel: Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceFilter:
    """The devices a list speaks of: one, those of a site, or all."""

    site: SiteId | None = None
    device: DeviceId | None = None

    @classmethod
    def parse(cls, parent: str) -> "DeviceFilter":
        """Read `sites/{site}/devices/{device}` where both ids may be `-`; or InvalidArgument."""
        if parent == "sites/-/devices/-":
            return cls()
        if parent.endswith("/devices/-"):
            return cls(site=SiteId.parse(parent.removesuffix("/devices/-")))
        return cls(device=DeviceId.parse(parent))

    def admits(self, device: DeviceId) -> bool:
        """Return whether the filter speaks of `device`."""
        if self.device is not None:
            return device == self.device
        return self.site is None or device.site == self.site
