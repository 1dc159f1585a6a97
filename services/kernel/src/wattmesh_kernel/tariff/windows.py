"""Recurring times of a tariff: seasons, kinds of day and times of day, on the local wall clock."""

from dataclasses import dataclass
from enum import Enum

from wattmesh_kernel.errors import InvalidArgument

MINUTES_PER_DAY = 1440
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Day(Enum):
    """The kind of a local date; a holiday is a holiday only, not its day of the week."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7
    HOLIDAY = 8


WEEKDAYS = frozenset({Day.MONDAY, Day.TUESDAY, Day.WEDNESDAY, Day.THURSDAY, Day.FRIDAY})
"""Monday to Friday, without holidays."""

WEEKENDS = frozenset({Day.SATURDAY, Day.SUNDAY, Day.HOLIDAY})
"""Saturday, Sunday and holidays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Season:
    """A part of every year, both dates included; it may wrap around the turn of the year.

    November 1 to April 30 is `Season(start_month=11, start_day=1, end_month=4, end_day=30)`.
    Error: InvalidArgument for a date no year has.
    """

    start_month: int
    start_day: int = 1
    end_month: int
    end_day: int = 31

    def __post_init__(self) -> None:
        if self.end_day == 31 and 1 <= self.end_month <= 12:
            object.__setattr__(self, "end_day", _LONGEST_MONTHS[self.end_month - 1])
        for month, day in ((self.start_month, self.start_day), (self.end_month, self.end_day)):
            if not (1 <= month <= 12 and 1 <= day <= _LONGEST_MONTHS[month - 1]):
                raise InvalidArgument(
                    "INVALID_TARIFF", f"no year has month {month}, day {day}", field="season"
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockRange:
    """A part of every day, `[start_minute, end_minute)` on the wall clock.

    It wraps around midnight when the end does not come after the start: 21:30 to 8:30 is
    `ClockRange(start_minute=1290, end_minute=510)`; after the wrap the date is the next one.
    Error: InvalidArgument for minutes outside the day.
    """

    start_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        if not (
            0 <= self.start_minute < MINUTES_PER_DAY and 0 <= self.end_minute <= MINUTES_PER_DAY
        ):
            raise InvalidArgument(
                "INVALID_TARIFF",
                f"{self.start_minute}–{self.end_minute} are not minutes of a day",
                field="clock_ranges",
            )

    @classmethod
    def hours(cls, start: float, end: float) -> "ClockRange":
        """Return the range between two hours of the day: `hours(8.5, 12)` is 8:30 to 12:00."""
        return cls(start_minute=round(start * 60), end_minute=round(end * 60))


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Recurring local times: one season, one kind of day and one clock range must hold.

    An empty collection holds always, so `Window()` is all the time.
    """

    seasons: tuple[Season, ...] = ()
    days: frozenset[Day] = frozenset()
    clock_ranges: tuple[ClockRange, ...] = ()


ALWAYS = Window()
"""The window that holds at any time."""
