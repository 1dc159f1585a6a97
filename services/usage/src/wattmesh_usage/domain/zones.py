"""What people want of zones, and what they know of who will be there."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_kernel.checks import (
    require,
    require_at_least,
    require_between,
    require_display_name,
    require_text,
)
from wattmesh_kernel.comfort import ZonePeriod
from wattmesh_kernel.ids import OccupancyId, ZoneScheduleId
from wattmesh_kernel.time import TimeRange

MOST_PERIODS = 100
LONGEST_SOURCE = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneSchedule:
    """Which temperatures people want in a zone; `range` None: always."""

    id: ZoneScheduleId
    display_name: str = ""
    priority: int = 0
    range: TimeRange | None = None
    periods: tuple[ZonePeriod, ...] = ()

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        require_between(self.priority, 0, 100, "priority")
        require(len(self.periods) <= MOST_PERIODS, "INVALID_VALUE", "too many periods", "periods")
        require(
            self.range is None or self.range.start < self.range.end,
            "INVALID_RANGE",
            "a schedule holds for some time",
            "range",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Occupancy:
    """What somebody knows about the presence of people in `range`; the ratio is 0 to 1."""

    id: OccupancyId
    range: TimeRange
    occupancy_ratio: float
    display_name: str = ""
    occupant_count: int | None = None
    source: str = ""
    create_time: datetime | None = None

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        require_between(self.occupancy_ratio, 0, 1, "occupancy_ratio")
        require_at_least(self.occupant_count, 0, "occupant_count")
        require_text(self.source, LONGEST_SOURCE, "source")
        require(self.range.start < self.range.end, "INVALID_RANGE", "an occupancy lasts", "range")
