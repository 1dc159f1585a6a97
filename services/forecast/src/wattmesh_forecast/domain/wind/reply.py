"""The forecast of one wind turbine, and what it comes from."""

import numpy as np

from wattmesh_forecast.domain.forecast import ASSUMED, SEASONAL, WEATHER
from wattmesh_forecast.domain.hours import AssetHours, Floats
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_forecast.domain.wind.expectation import WindPast, told_wind, wind_quantiles
from wattmesh_forecast.domain.wind.turbine import Turbine


def turbine_magnitudes(
    subject: Subject, hours: AssetHours, last: int, targets: range, ratios: tuple[float, ...]
) -> tuple[Floats, str]:
    """Return quantiles of generation (targets, ratios) [W], and their source.

    It is `weather` where the wind of every target is told, else `seasonal`, or `assumed` where less
    than a day was measured.
    """
    assert subject.turbine is not None
    turbine = Turbine.of(subject.turbine)
    ratio = np.minimum(hours.power_w / turbine.rated_w, 1.0)
    wanted = np.arange(targets.start, targets.stop)
    past = WindPast(turbine=turbine, ratio=ratio, speed_m_per_s=hours.wind_m_per_s, last=last)
    found = turbine.rated_w * wind_quantiles(past, wanted, ratios)
    if told_wind(hours.wind_m_per_s, wanted).all():
        return found, WEATHER
    return found, SEASONAL if len(past.hours) >= DAY else ASSUMED
