"""What plain rules tell the thermostats."""

from datetime import datetime

from tests.bench.hvac.office.building import AWAY, QUARTER, ZONE_TIME, ZONES, Season
from tests.bench.hvac.office.environment import Metered, Told

_AHEAD_HOURS = 2
_OWN = (21.1, 23.9)
"""The building's own set points while people are there [°C]."""


class Schedule:
    """Leaves it to the building."""

    def __call__(self, metered: Metered) -> Told:
        return [None] * len(ZONES)


class ByPrice:
    """Cools or heats further for two hours before energy is dearer, and less while it is."""

    def __init__(self, season: Season) -> None:
        self._season = season

    def __call__(self, metered: Metered) -> Told:
        now = metered.start + QUARTER
        return [self._at(now)] * len(ZONES)

    def _at(self, now: datetime) -> tuple[float, float]:
        local = now.astimezone(ZONE_TIME)
        works = local.weekday() < 5 and local.date() not in self._season.closed
        if not works or not 6 <= local.hour < 18:
            return AWAY.min_temperature_celsius, AWAY.max_temperature_celsius
        if 12 - _AHEAD_HOURS <= local.hour < 12:
            return (_OWN[0], 22.0) if self._season.cooled else (23.0, _OWN[1])
        if local.hour >= 12:
            return 20.2, 24.8
        return _OWN
