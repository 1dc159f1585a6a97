"""What is usual at a time of the day, of what was lately known: the last resort."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_forecast.domain.lags import mean
from wattmesh_forecast.domain.weather.columns import Quantity, quantity_of
from wattmesh_forecast.domain.weather.known import Candidate, Known, known_weather
from wattmesh_forecast.domain.weather.told import WeatherKind
from wattmesh_kernel.time import TimeRange, floor_time

DAY = timedelta(days=1)
LEAST_DAYS = 3


def usual_weather(
    candidates: Sequence[Candidate], lately: TimeRange, wanted: Known
) -> dict[str, Floats]:
    """Return columns over the intervals of `wanted`: the mean of that UTC hour over past days.

    `lately` ends when it is asked: nothing later counts. Where fewer than three days are known of
    an hour it stays NaN. Directions of wind and depths of snow have no such mean.
    """
    end = floor_time(lately.end, HOUR)
    days = (end - lately.start) // DAY
    span = TimeRange(end - days * DAY, end)
    told = [each for each in candidates if each.kind is not WeatherKind.CLIMATOLOGY]
    past = known_weather(told, span, HOUR)
    hours = [
        (start + wanted.resolution / 2 - span.start) // HOUR % 24
        for start in wanted.span.starts(wanted.resolution)
    ]
    found: dict[str, Floats] = {}
    for name, values in past.columns.items():
        if quantity_of(name) in (Quantity.WIND_DIRECTION, Quantity.SNOW_DEPTH):
            continue
        by_hour = values.reshape(days, 24).T
        enough = np.isfinite(by_hour).sum(axis=1) >= LEAST_DAYS
        usual = np.where(enough, mean(by_hour), np.nan)[hours]
        whole = quantity_of(name) is Quantity.PRECIPITATION
        found[name] = usual * (wanted.resolution / HOUR) if whole else usual
    return found
