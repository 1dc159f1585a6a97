"""What is known of the weather at a place, hour by hour, and since when."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_forecast.domain.subjects import Location
from wattmesh_kernel.time import TimeRange

_CELSIUS = (-90.0, 60.0)
_IRRADIANCE_W_M2 = (0.0, 1500.0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WeatherReport:
    """Hours past and to come at a place as somebody told them at `issue_time`; kept as told.

    Arrays over consecutive UTC hours from `start` on, NaN where nothing is known:
    `temperature_celsius` the air's at the start of the hour, `irradiance_w_m2` the hour's mean
    global horizontal irradiance [W/m²]. Values that no weather has are taken for not known.
    """

    source: str
    place: Location
    issue_time: datetime
    start: datetime
    temperature_celsius: Floats
    irradiance_w_m2: Floats

    def __post_init__(self) -> None:
        if self.temperature_celsius.shape != self.irradiance_w_m2.shape:
            raise ValueError("as many temperatures as irradiances are told")
        for name, bounds in (
            ("temperature_celsius", _CELSIUS),
            ("irradiance_w_m2", _IRRADIANCE_W_M2),
        ):
            values: Floats = getattr(self, name)
            possible = (values >= bounds[0]) & (values <= bounds[1])
            object.__setattr__(self, name, np.where(possible, values, np.nan))

    def over(self, hours: TimeRange) -> tuple[Floats, Floats]:
        """Return temperature [°C] and irradiance [W/m²] of every hour that starts in a range."""
        first, count = (hours.start - self.start) // HOUR, hours.count(HOUR)
        return _window(self.temperature_celsius, first, count), _window(
            self.irradiance_w_m2, first, count
        )


def _window(values: Floats, first: int, count: int) -> Floats:
    found = np.full(count, np.nan)
    begin, end = max(first, 0), min(first + count, len(values))
    if begin < end:
        found[begin - first : end - first] = values[begin:end]
    return found
