"""What is known of the weather at a place, hour by hour, and since when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_forecast.domain.subjects import Location
from wattmesh_kernel.time import TimeRange

_CELSIUS = (-90.0, 60.0)
_IRRADIANCE_W_M2 = (0.0, 1500.0)
_WIND_M_PER_S = (0.0, 120.0)
_PRESSURE_PA = (40_000.0, 115_000.0)


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


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WeatherReport:
    """Hours past and to come at a place as somebody told them at `issue_time`; kept as told.

    Arrays over consecutive UTC hours from `start` on, NaN where nothing is known:
    `temperature_celsius` the air's at the start of the hour, `irradiance_w_m2` the hour's mean
    global horizontal irradiance [W/m²], `pressure_pa` that at the ground, `winds_m_per_s` speeds by
    height above ground [m]. Values that no weather has are taken for not known.
    """

    source: str
    place: Location
    issue_time: datetime
    start: datetime
    temperature_celsius: Floats
    irradiance_w_m2: Floats
    pressure_pa: Floats | None = None
    winds_m_per_s: Mapping[float, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.temperature_celsius.shape != self.irradiance_w_m2.shape:
            raise ValueError("as many temperatures as irradiances are told")
        for name, bounds in (
            ("temperature_celsius", _CELSIUS),
            ("irradiance_w_m2", _IRRADIANCE_W_M2),
        ):
            object.__setattr__(self, name, _possible(getattr(self, name), bounds))
        winds = {h: _possible(v, _WIND_M_PER_S) for h, v in self.winds_m_per_s.items()}
        object.__setattr__(self, "winds_m_per_s", winds)
        if self.pressure_pa is not None:
            object.__setattr__(self, "pressure_pa", _possible(self.pressure_pa, _PRESSURE_PA))

    def over(self, hours: TimeRange) -> WeatherHours:
        """Return the weather of every hour that starts in a range."""
        first, count = (hours.start - self.start) // HOUR, hours.count(HOUR)

        def window(values: Floats | None) -> Floats:
            return np.full(count, np.nan) if values is None else _window(values, first, count)

        return WeatherHours(
            temperature_celsius=window(self.temperature_celsius),
            irradiance_w_m2=window(self.irradiance_w_m2),
            pressure_pa=window(self.pressure_pa),
            winds_m_per_s={height: window(each) for height, each in self.winds_m_per_s.items()},
        )


def _possible(values: Floats, bounds: tuple[float, float]) -> Floats:
    return np.where((values >= bounds[0]) & (values <= bounds[1]), values, np.nan)


def _window(values: Floats, first: int, count: int) -> Floats:
    found = np.full(count, np.nan)
    begin, end = max(first, 0), min(first + count, len(values))
    if begin < end:
        found[begin - first : end - first] = values[begin:end]
    return found
