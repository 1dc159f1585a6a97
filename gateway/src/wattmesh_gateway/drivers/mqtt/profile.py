"""Profiles of devices that publish JSON telegrams on MQTT.

A scale is what the device's number is multiplied by to become the value in the unit of the point.
Wattmesh counts power into the component positive; a device that counts the other way round has a
negative scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from wattmesh_gateway.domain.profile import DeviceProfile


class TimeFormat(Enum):
    """How a telegram says when it was measured."""

    RFC3339 = "rfc3339"
    """Text such as `2016-09-05T07:15:00Z`; without an offset it is taken as UTC."""

    UNIX_S = "unix_s"
    """Seconds since 1970."""

    UNIX_MS = "unix_ms"
    """Milliseconds since 1970."""

    ARRIVAL = "arrival"
    """Not at all: the time of arrival counts, and a repeated telegram is a second reading."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TelegramTime:
    """Where a telegram says when it was measured; `path` is empty for ARRIVAL."""

    format: TimeFormat
    path: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TelegramPoint:
    """Where a telegram carries a value."""

    path: tuple[str, ...]
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TelegramFormat:
    """One JSON telegram; `{address}` in `topic` is the device's address."""

    topic: str
    time: TelegramTime
    points: Mapping[str, TelegramPoint]

    def topic_of(self, address: str) -> str:
        """Return the topic on which the device at `address` publishes."""
        return self.topic.replace("{address}", address)


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttProfile(DeviceProfile):
    """A device that publishes JSON telegrams on MQTT."""

    telegrams: Sequence[TelegramFormat]

    @property
    def quantities(self) -> frozenset[str]:
        """What such a device measures."""
        return frozenset(point for each in self.telegrams for point in each.points)
