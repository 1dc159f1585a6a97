"""What people want of zones: schedules, who is there, and the band that follows from both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.sites import ComfortBand, HvacZoneRating
from wattmesh_kernel.tariff import ALWAYS, Window
from wattmesh_kernel.tariff.calendar import LocalTimes, epoch_s
from wattmesh_kernel.time import TimeRange

FROST_CELSIUS, HEAT_CELSIUS = 7.0, 40.0
"""Where a building is protected though nobody wants anything of it."""
DISCOMFORT_PRICE_PER_KELVIN_HOUR = 2.0
"""What an hour of a kelvin outside of a band counts [currency/(K h)]: more than the heat for it.
Plans weigh comfort with it, and savings are made comparable by it."""
_OCCUPIED_RATIO = 0.5


class ZoneMode(StrEnum):
    """What a zone does; `ANY` whatever keeps the band, `OFF` but for the building's protection."""

    ANY = "any"
    AUTOMATIC = "automatic"
    HEATING = "heating"
    COOLING = "cooling"
    OFF = "off"


@dataclass(frozen=True, kw_only=True, slots=True)
class ZonePeriod:
    """What is wanted in a window that comes again; `band` None: as the rating has it."""

    window: Window = field(default=ALWAYS)
    band: ComfortBand | None = None
    mode: ZoneMode = ZoneMode.ANY


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneSchedule:
    """Temperatures wanted; `range` None: always. Of several the highest priority, then the name."""

    name: str
    priority: int = 0
    range: TimeRange | None = None
    periods: tuple[ZonePeriod, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Occupancy:
    """Somebody knows how many of the usual occupants are there in `range`, 0 to 1."""

    range: TimeRange
    ratio: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneWishes:
    """What people want of one zone, and what they know of who is there."""

    schedules: tuple[ZoneSchedule, ...] = ()
    occupancies: tuple[Occupancy, ...] = ()


def bands(
    rating: HvacZoneRating,
    wishes: ZoneWishes,
    expected: Sequence[float],
    starts: Sequence[datetime],
    zone: ZoneInfo,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the lower and upper edge of comfort in each interval [°C].

    The schedule of the highest priority that holds says it; where none does, the rating's band
    while somebody is there and its other one while nobody is: as somebody said, else as is
    `expected`, the share of the usual occupants in each interval, empty where nobody expects any.
    """
    occupied = _occupied(wishes.occupancies, expected, starts)
    away = rating.unoccupied_band or rating.occupied_band
    own = [rating.occupied_band if there else away for there in occupied]
    low = [each.min_temperature_celsius for each in own]
    high = [each.max_temperature_celsius for each in own]
    said = [False] * len(starts)
    ordered = sorted(wishes.schedules, key=lambda each: (-each.priority, each.name))
    local = LocalTimes.at(np.array([epoch_s(each) for each in starts]), zone)
    for schedule in ordered:
        for period in schedule.periods:
            holds = local.within(period.window, frozenset())
            for index, moment in enumerate(starts):
                if said[index] or not holds[index] or not _in(schedule.range, moment):
                    continue
                said[index] = True
                low[index], high[index] = _wanted(period, low[index], high[index])
    return _within_rating(rating, low, high)


def _within_rating(
    rating: HvacZoneRating, low: Sequence[float], high: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return edges no further than the rating's bands go: control lets nothing beyond them."""
    bands_ = [each for each in (rating.occupied_band, rating.unoccupied_band) if each is not None]
    least = min(each.min_temperature_celsius for each in bands_)
    most = max(each.max_temperature_celsius for each in bands_)
    return (
        tuple(min(max(each, least), most) for each in low),
        tuple(min(max(each, least), most) for each in high),
    )


def _wanted(period: ZonePeriod, low: float, high: float) -> tuple[float, float]:
    """Return the edges of a period: what a mode does not do, no edge asks for."""
    if period.band is not None:
        low = period.band.min_temperature_celsius
        high = period.band.max_temperature_celsius
    if period.mode in (ZoneMode.COOLING, ZoneMode.OFF):
        low = min(low, FROST_CELSIUS)
    if period.mode in (ZoneMode.HEATING, ZoneMode.OFF):
        high = max(high, HEAT_CELSIUS)
    return low, high


def _occupied(
    said: Sequence[Occupancy], expected: Sequence[float], starts: Sequence[datetime]
) -> list[bool]:
    """Return whether somebody is there in each interval; nothing known: yes."""
    found = [each >= _OCCUPIED_RATIO for each in expected] or [True] * len(starts)
    for each in said:
        for index, moment in enumerate(starts):
            if each.range.contains(moment):
                found[index] = each.ratio >= _OCCUPIED_RATIO
    return found


def _in(span: TimeRange | None, moment: datetime) -> bool:
    return span is None or span.contains(moment)
