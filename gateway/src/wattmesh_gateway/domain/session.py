"""A charging session: one stay of one vehicle at a charge point, as the charge point tells it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from wattmesh_kernel.ids import AssetId, DeviceId


class SessionState(Enum):
    """What goes on in a session."""

    WAITING = "waiting"
    """Plugged in, not charging: not released yet, or waiting."""

    CHARGING = "charging"
    """Energy flows."""

    DISCHARGING = "discharging"
    """The vehicle gives energy."""

    SUSPENDED_BY_CHARGER = "suspended_by_charger"
    """The charge point holds it back: its setpoint is below what the vehicle needs."""

    SUSPENDED_BY_VEHICLE = "suspended_by_vehicle"
    """The vehicle takes nothing."""

    FAULTED = "faulted"
    """A fault of charge point or vehicle; it may go on."""

    ENDED = "ended"
    """Unplugged; final."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargingSession:
    """What is known of a session; energy since the arrival [Wh], None: not metered, not told.

    `measure_time` is when the charge point last said something about it.
    """

    device: DeviceId
    state: SessionState
    arrival_time: datetime
    measure_time: datetime
    departure_time: datetime | None = None
    token: str = ""
    charged_energy_wh: float | None = None
    discharged_energy_wh: float | None = None
    soc_ratio: float | None = None
    soc_measure_time: datetime | None = None

    @property
    def key(self) -> str:
        """What it is known by at the gateway: a device has one arrival at a time."""
        return f"{self.device.name}/{self._arrival}"

    def name_at(self, asset: AssetId) -> str:
        """Return its resource name, as the session of an asset."""
        return f"{asset.name}/charging-sessions/{self._arrival}"

    @property
    def _arrival(self) -> str:
        return f"{self.arrival_time:%Y%m%dt%H%M%Sz}"
