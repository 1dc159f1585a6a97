"""Devices as the site model describes them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_kernel.ids import DeviceId, PointId


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttAddress:
    """A device that publishes on MQTT; `address` fills `{address}` in the profile's topics."""

    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModbusEndpoint:
    """A TCP endpoint that one or several Modbus units answer on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModbusAddress:
    """One Modbus unit behind a TCP endpoint."""

    endpoint: ModbusEndpoint
    unit_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A device of this gateway. `points` are the segments of its points, e.g. `soc_ratio`."""

    id: DeviceId
    profile: str
    connection: MqttAddress | ModbusAddress
    points: frozenset[str]
    reporting_interval: timedelta

    def point(self, segment: str) -> PointId:
        """Return the id of one of the device's points."""
        return PointId(self.id, segment)


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """Whether a device answers, since when, and what happened."""

    device: DeviceId
    online: bool
    change_time: datetime
    message: str
