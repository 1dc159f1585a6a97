"""Readings and where they came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from wattmesh_kernel.ids import PointId
from wattmesh_kernel.quantities import Quality


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One value of a point, in the unit of the point; (point, measure time) is its key."""

    point: PointId
    measure_time: datetime
    value: float
    quality: Quality = Quality.MEASURED


class Origin(Enum):
    """How readings reached the gateway."""

    TELEGRAM = "telegram"
    """The device published them."""

    POLL = "poll"
    """The gateway asked the device."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """What one telegram, one poll, or a group of them brought in."""

    origin: Origin
    readings: Sequence[Reading] = ()
    telegrams: int = 0
    rejected: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Readings on their way upstream; `sequence` is the spool position of the last one."""

    sequence: int
    readings: Sequence[Reading]


@dataclass(frozen=True, kw_only=True, slots=True)
class SpoolStatus:
    """What the spool has counted since it was made, and what it still holds."""

    telegrams_received: int = 0
    readings_received: int = 0
    readings_polled: int = 0
    readings_rejected: int = 0
    readings_forwarded: int = 0
    readings_spooled: int = 0
    oldest_spooled_time: datetime | None = None
