"""The weather of hours, as forecasting uses it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_forecast.domain.weather.columns import Quantity, height_of, quantity_of
from wattmesh_forecast.domain.weather.known import Known
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WeatherHours:
    """The weather of consecutive hours, (n,); NaN where it is not known.

    `temperature_celsius` is the air's, `irradiance_w_m2` global horizontal irradiance [W/m²],
    `winds_m_per_s` the wind by the height above ground [m] for which it is told, `pressure_pa` that
    at the ground.
    """

    temperature_celsius: Floats
    irradiance_w_m2: Floats
    pressure_pa: Floats
    winds_m_per_s: Mapping[float, Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, known: Known, hours: TimeRange) -> "WeatherHours":
        """Return what is known, hour by hour, of some of the hours."""
        first, count = (hours.start - known.span.start) // HOUR, hours.count(HOUR)

        def part(name: str) -> Floats:
            found = np.full(count, np.nan)
            if (values := known.columns.get(name)) is not None:
                begin, end = max(first, 0), min(first + count, len(values))
                if begin < end:
                    found[begin - first : end - first] = values[begin:end]
            return found

        heights = {name: height_of(name) for name in known.columns}
        return cls(
            temperature_celsius=part(Quantity.TEMPERATURE),
            irradiance_w_m2=part(Quantity.GLOBAL_IRRADIANCE),
            pressure_pa=part(Quantity.PRESSURE),
            winds_m_per_s={
                height: part(name)
                for name, height in heights.items()
                if height is not None and quantity_of(name) is Quantity.WIND_SPEED
            },
        )

    @property
    def nothing(self) -> bool:
        """Whether none of it is known."""
        columns = (self.temperature_celsius, self.irradiance_w_m2, *self.winds_m_per_s.values())
        return not any(np.isfinite(each).any() for each in columns)
