"""Weather and people of a simulated zone: as measured, or a course that comes again every day."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wattmesh_twin.domain.measured import MeasuredSeries
from wattmesh_twin.domain.zone import Surroundings

_WARMEST_HOUR, _NOON_HOUR, _DAY_HOURS = 15.0, 12.0, 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DailyClimate:
    """A daily swing around a mean [°C, K], a clear sky [W/m²], people in the evening [W]; UTC.

    Outdoors it is warmest at 15:00; the sun is up for ten hours around noon; devices give 150 W all
    day, and people `people_w` more from 17:00 to 23:00.
    """

    mean_celsius: float = 5.0
    swing_k: float = 4.0
    noon_irradiance_w_per_m2: float = 300.0
    people_w: float = 350.0

    def at(self, moment: datetime) -> Surroundings:
        """Return what acts on the zone at a moment."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        hour = (moment - midnight) / timedelta(hours=1)
        swing = math.cos(2.0 * math.pi * (hour - _WARMEST_HOUR) / 24.0)
        height = math.cos(math.pi * (hour - _NOON_HOUR) / _DAY_HOURS)
        up = abs(hour - _NOON_HOUR) < _DAY_HOURS / 2.0
        return Surroundings(
            outdoor_celsius=self.mean_celsius + self.swing_k * swing,
            irradiance_w_per_m2=self.noon_irradiance_w_per_m2 * height if up else 0.0,
            gains_w=150.0 + (self.people_w if 17.0 <= hour < 23.0 else 0.0),
        )


class MeasuredClimate:
    """What was measured acts on a zone: outdoor temperature [°C], sun [W/m²], and gains [W].

    Each holds for its data interval, and where something was not measured the value before goes on.
    """

    def __init__(
        self,
        *,
        outdoor_celsius: MeasuredSeries,
        sun_w_per_m2: MeasuredSeries,
        gains_w: MeasuredSeries,
    ) -> None:
        self._series = (outdoor_celsius, sun_w_per_m2, gains_w)
        self._known = [20.0, 0.0, 0.0]
        self._holds = (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))
        self._found = Surroundings(outdoor_celsius=20.0)

    @property
    def start(self) -> datetime:
        """Since when all of it is measured."""
        return max(each.start for each in self._series)

    def at(self, moment: datetime) -> Surroundings:
        """Return what acts on the zone at a moment. Error: LookAhead."""
        if self._holds[0] <= moment < self._holds[1]:
            return self._found
        for index, each in enumerate(self._series):
            value = each.current(moment)
            self._known[index] = self._known[index] if value is None else value
        ends = [each.next_change(moment) for each in self._series]
        self._holds = (moment, min((each for each in ends if each is not None), default=moment))
        outdoor, sun, gains = self._known
        self._found = Surroundings(outdoor_celsius=outdoor, irradiance_w_per_m2=sun, gains_w=gains)
        return self._found
