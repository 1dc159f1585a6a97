"""Weather in a file becomes what WeatherService takes, or says which line is wrong."""

import math
from datetime import UTC, datetime

import pytest

from wattmesh.weather.v1 import weather_pb2
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_local.forecasting.weather_file import reports_from_csv

PLACE = weather_pb2.Location(latitude_degrees=52.2, longitude_degrees=0.12)


def test_a_column_per_quantity_and_a_report_per_time_of_issue() -> None:
    text = """time,issue_time,temperature_celsius,wind_speed_m_per_s@10,wind_speed_m_per_s@80
2026-06-01T00:00Z,2026-05-31T18:00Z,11.5,3,5
2026-06-01T03:00+02:00,2026-05-31T18:00Z,,4,6
2026-06-01T03:00Z,2026-05-31T18:00Z,10,4,6
2026-06-01T00:00Z,2026-05-31T12:00Z,12,,7
"""
    new, old = reports_from_csv(text.splitlines(), PLACE, None)

    assert datetime_from_proto(new.issue_time) == datetime(2026, 5, 31, 18, tzinfo=UTC)
    assert datetime_from_proto(old.issue_time) == datetime(2026, 5, 31, 12, tzinfo=UTC)
    assert new.series.resolution.seconds == 3600
    celsius = list(new.series.temperatures_celsius)
    assert celsius[0] == 11.5
    assert all(math.isnan(each) for each in celsius[1:3])
    assert celsius[3] == 10
    assert [each.height_m for each in new.series.winds] == [10, 80]
    assert list(new.series.winds[1].speeds_m_per_s)[:2] == [5, 6]
    assert old.location == PLACE


def test_what_was_measured_is_known_when_it_ends() -> None:
    text = "time,temperature_celsius\n2026-06-01T00:00Z,1\n2026-06-01T00:10Z,2\n"
    (report,) = reports_from_csv(text.splitlines(), PLACE, None)
    assert datetime_from_proto(report.issue_time) == datetime(2026, 6, 1, 0, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("when,temperature_celsius\n", "`time`"),
        ("time,warmth\n", "warmth"),
        ("time,wind_speed_m_per_s@high\n", "high"),
        ("time,temperature_celsius\n2026-06-01T00:00,1\n2026-06-01T01:00Z,1\n", "line 2"),
        ("time,temperature_celsius\n2026-06-01T00:00Z,warm\n2026-06-01T01:00Z,1\n", "warm"),
        ("time,temperature_celsius\n2026-06-01T00:00Z,1\n", "two rows"),
        (
            "time,temperature_celsius\n2026-06-01T00:00Z,1\n2026-06-01T01:00Z,1\n"
            "2026-06-01T02:30Z,1\n",
            "raster",
        ),
    ],
)
def test_what_makes_no_sense_is_said(text: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        reports_from_csv(text.splitlines(), PLACE, None)
