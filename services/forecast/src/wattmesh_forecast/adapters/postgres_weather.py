"""What was told of the weather, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather import WeatherReport
from wattmesh_runtime.database import Database

_ADD = """
INSERT INTO weather_reports (source, latitude_degrees, longitude_degrees, issue_time, start_time,
    temperature_celsius, irradiance_w_m2)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_NEWEST = """
SELECT source, issue_time, start_time, temperature_celsius, irradiance_w_m2 FROM weather_reports
WHERE latitude_degrees = %s AND longitude_degrees = %s AND issue_time <= %s
ORDER BY issue_time DESC
LIMIT 1
"""


class PostgresWeatherStore:
    """WeatherStore in the table `weather_reports`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, reports: Sequence[WeatherReport]) -> None:
        """Keep reports as they were told."""
        rows = [
            (
                each.source,
                each.place.latitude_degrees,
                each.place.longitude_degrees,
                each.issue_time,
                each.start,
                each.temperature_celsius.tolist(),
                each.irradiance_w_m2.tolist(),
            )
            for each in reports
        ]
        async with self._database.transaction() as connection, connection.cursor() as cursor:
            await cursor.executemany(_ADD, rows)

    async def newest(self, place: Location, known_by: datetime) -> WeatherReport | None:
        """Return the newest report on a place that was told by a time."""
        where = (place.latitude_degrees, place.longitude_degrees, known_by)
        async with self._database.transaction() as connection:
            row = await (await connection.execute(_NEWEST, where)).fetchone()
        if row is None:
            return None
        source, issue_time, start, temperature, irradiance = row
        return WeatherReport(
            source=source,
            place=place,
            issue_time=issue_time,
            start=start,
            temperature_celsius=np.array(temperature, dtype=np.float64),
            irradiance_w_m2=np.array(irradiance, dtype=np.float64),
        )
