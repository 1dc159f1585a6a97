"""Readings and where they came from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wattmesh_kernel.ids import PointId
from wattmesh_kernel.quantities import QUANTITIES, Quality


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One value of a point, in the unit of the point; (point, measure time) is its key."""

    point: PointId
    measure_time: datetime
    value: float
    quality: Quality = Quality.MEASURED

    def __post_init__(self) -> None:
        """Refuse what nobody could keep or send on: ValueError."""
        if not math.isfinite(self.value):
            raise ValueError(f"{self.point} is {self.value}, which is no value")
        if self.measure_time.tzinfo is None:
            raise ValueError(f"{self.point} was measured at no moment: its time has no zone")


def is_possible(reading: Reading) -> bool:
    """Return whether the quantity of a reading's point can have its value."""
    quantity = QUANTITIES.get(reading.point.segment)
    return quantity is None or quantity.accepts(reading.value)


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
    telegrams_quarantined: int = 0
    telegrams_in_quarantine: int = 0
    oldest_spooled_time: datetime | None = None
