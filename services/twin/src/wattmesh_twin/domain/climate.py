"""Weather and people of a simulated zone, without data: a course that comes again every day."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

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
