"""Weather over HTTP in the shape of Open-Meteo, which others serve as well.

The forecast API is described at https://open-meteo.com/en/docs: hours past and to come in one
answer, a list of them for several places, times as seconds since 1970.
"""

import re
import urllib.parse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather.columns import Quantity, column, possible
from wattmesh_forecast.domain.weather.told import (
    WeatherKind,
    WeatherReport,
    WeatherSeries,
    WeatherSource,
)
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.web_client import WebClient

PAST_DAYS, DAYS_AHEAD = 46, 9
_TEMPERATURE, _IRRADIANCE = "temperature_2m", "shortwave_radiation"
_PRESSURE, _PA_PER_HPA = "surface_pressure", 100.0
_WINDS = {10.0: "wind_speed_10m", 80.0: "wind_speed_80m", 120.0: "wind_speed_120m"}
_WANTED = ",".join((_TEMPERATURE, _IRRADIANCE, _PRESSURE, *_WINDS.values()))
_TIMEOUT_SECONDS = 20.0
_OWN_PLACE_M = 5_000.0
_MOST_BYTES = 32_000_000


class OpenMeteo:
    """WeatherTeller: a base URL such as https://api.open-meteo.com."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = f"{url.rstrip('/')}/v1/forecast"
        self._clock = clock
        self._web = WebClient(
            "the weather service", seconds=_TIMEOUT_SECONDS, most_bytes=_MOST_BYTES
        )
        host = urllib.parse.urlsplit(self._url).netloc
        self.source = WeatherSource(
            segment=re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")[:63].strip("-"),
            kind=WeatherKind.FORECAST,
            display_name=host,
            priority=10,
            max_distance_m=_OWN_PLACE_M,
            attribution="Weather data by Open-Meteo.com (CC BY 4.0)"
            if "open-meteo" in host
            else "",
        )

    async def reports(self, places: Sequence[Location]) -> Sequence[WeatherReport]:
        """Return what is told now of each place, in their order. Error: Unavailable."""
        now = self._clock.now()
        answer = (await self._web.ask(self._url, query=_asked(places))).json()
        told = answer if isinstance(answer, list) else [answer]
        try:
            return [
                self._report(place, each, now) for place, each in zip(places, told, strict=True)
            ]
        except (
            AttributeError,
            LookupError,
            OSError,
            TypeError,
            ValueError,
            OverflowError,
        ) as error:
            raise Unavailable(
                "DEPENDENCY_UNAVAILABLE",
                f"the weather service's answer has another shape: {error!r}",
            ) from error

    def _report(self, place: Location, told: Any, now: datetime) -> WeatherReport:
        hourly = told["hourly"]
        times = np.array(hourly["time"], dtype=np.int64)
        if not len(times) or (np.diff(times) != HOUR.total_seconds()).any():
            raise ValueError("the times are not hour by hour")
        temperature, irradiance = (
            _column(hourly[n], len(times)) for n in (_TEMPERATURE, _IRRADIANCE)
        )
        # Told is the mean of the hour before.
        columns = {
            column(Quantity.TEMPERATURE): temperature,
            column(Quantity.GLOBAL_IRRADIANCE): np.append(irradiance[1:], np.nan),
        }
        # Others that speak this shape need not tell of wind and pressure.
        if hourly.get(_PRESSURE) is not None:
            pressure = _PA_PER_HPA * _column(hourly[_PRESSURE], len(times))
            columns[column(Quantity.PRESSURE)] = pressure
        for height, name in _WINDS.items():
            if hourly.get(name) is not None:
                wind = column(Quantity.WIND_SPEED, height)
                columns[wind] = _column(hourly[name], len(times))
        return WeatherReport(
            source=self.source.segment,
            place=place,
            issue_time=now,
            series=WeatherSeries(
                start=datetime.fromtimestamp(int(times[0]), UTC),
                resolution=HOUR,
                columns={name: possible(name, values) for name, values in columns.items()},
            ),
        )


def _asked(places: Sequence[Location]) -> dict[str, str]:
    return {
        "latitude": ",".join(f"{place.latitude_degrees:.4f}" for place in places),
        "longitude": ",".join(f"{place.longitude_degrees:.4f}" for place in places),
        "hourly": _WANTED,
        "wind_speed_unit": "ms",
        "past_days": str(PAST_DAYS),
        "forecast_days": str(DAYS_AHEAD),
        "timezone": "GMT",
        "timeformat": "unixtime",
    }


def _column(values: Any, count: int) -> Floats:
    found = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if len(found) != count:
        raise ValueError(f"{len(found)} values for {count} hours")
    return found
