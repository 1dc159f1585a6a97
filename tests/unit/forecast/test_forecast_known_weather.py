"""What was known of the weather: who goes first, on which raster, and nothing that came later."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_forecast.domain.hours import Floats
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather.known import Candidate, distance_m, known_weather
from wattmesh_forecast.domain.weather.told import (
    WeatherKind,
    WeatherReport,
    WeatherSeries,
    WeatherSource,
)
from wattmesh_forecast.domain.weather.usual import usual_weather
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import TimeRange

HERE = Location(latitude_degrees=52.2, longitude_degrees=0.12)
T = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEMPERATURE = "temperature_celsius"
GHI = "global_horizontal_irradiance_w_per_m2"


def told(
    kind: WeatherKind,
    values: list[float],
    *,
    start: datetime = T,
    issued: datetime = T,
    resolution: timedelta = HOUR,
    priority: int = 0,
    name: str = TEMPERATURE,
    away_m: float = 0.0,
) -> Candidate:
    series = WeatherSeries(start=start, resolution=resolution, columns={name: np.array(values)})
    report = WeatherReport(source="a", place=HERE, issue_time=issued, series=series)
    return Candidate(report=report, kind=kind, priority=priority, distance_m=away_m)


def over(hours: int, *candidates: Candidate, name: str = TEMPERATURE) -> Floats:
    known = known_weather(candidates, TimeRange.of(T, hours * HOUR), HOUR)
    return known.columns.get(name, np.full(hours, np.nan))


def test_what_was_observed_goes_before_what_was_forecast_and_the_newest_before_older() -> None:
    observed = told(WeatherKind.OBSERVATION, [1.0, np.nan])
    old = told(WeatherKind.FORECAST, [2.0, 2.0, 2.0, 2.0], issued=T - 6 * HOUR)
    new = told(WeatherKind.FORECAST, [3.0, 3.0, 3.0])
    known = known_weather([old, new, observed], TimeRange.of(T, 5 * HOUR), HOUR)

    assert np.array_equal(known.columns[TEMPERATURE], [1, 3, 3, 2, np.nan], equal_nan=True)
    whose = [known.candidates[i].report.issue_time if i >= 0 else None for i in known.first]
    assert whose == [T, T, T, T - 6 * HOUR, None]


def test_priority_goes_before_nearness_and_nearness_before_age() -> None:
    far = told(WeatherKind.FORECAST, [1.0], priority=2, away_m=9e4)
    near = told(WeatherKind.FORECAST, [2.0], priority=1, away_m=10.0, issued=T - HOUR)
    beside = told(WeatherKind.FORECAST, [3.0], priority=1, away_m=99.0)

    assert over(1, beside, near, far)[0] == 1.0
    assert over(1, beside, near)[0] == 2.0


def test_a_column_that_one_does_not_tell_comes_from_the_next() -> None:
    one = told(WeatherKind.OBSERVATION, [1.0, 1.0])
    wind = told(WeatherKind.FORECAST, [5.0, 6.0], name="wind_speed_m_per_s@10")

    assert list(over(2, one, wind)) == [1.0, 1.0]
    assert list(over(2, one, wind, name="wind_speed_m_per_s@10")) == [5.0, 6.0]


def test_other_rasters_are_brought_to_the_one_that_is_asked_for() -> None:
    quarters = [1.0, 2.0, 3.0, 6.0, np.nan, np.nan, np.nan, 4.0]
    fine = told(WeatherKind.FORECAST, quarters, resolution=HOUR / 4)
    coarse = told(WeatherKind.FORECAST, [9.0], resolution=3 * HOUR, start=T - HOUR)
    rain = "precipitation_kg_per_m2"
    rained = told(WeatherKind.FORECAST, [1.0, 2.0, 3.0, 4.0], resolution=HOUR / 4, name=rain)
    shower = told(WeatherKind.FORECAST, [6.0], resolution=3 * HOUR, name=rain)

    assert np.array_equal(over(2, fine), [3.0, np.nan], equal_nan=True)  # too little of the 2nd
    assert np.array_equal(over(3, coarse), [9.0, 9.0, np.nan], equal_nan=True)
    assert over(1, rained, name=rain)[0] == 10.0
    assert list(over(3, shower, name=rain)) == [2.0, 2.0, 2.0]


def test_odd_rasters_of_years_cost_no_memory_and_never_leave_what_was_told() -> None:
    odd = told(
        WeatherKind.FORECAST, [0.0, 0.1, 0.3] * 5000, resolution=timedelta(seconds=7), name=GHI
    )
    span = TimeRange.of(T, 20_000 * timedelta(days=1))

    found = known_weather([odd], span, timedelta(days=1)).columns[GHI]

    assert found[0] == pytest.approx(0.4 / 3, rel=1e-3)
    assert np.isnan(found[1:]).all()
    hourly = over(30, odd, name=GHI)
    assert np.nanmin(hourly) >= 0.0


def test_a_wind_that_turns_through_north_does_not_blow_from_the_south() -> None:
    name = "wind_direction_degrees@10"
    turning = told(WeatherKind.FORECAST, [350.0, 10.0], resolution=HOUR / 2, name=name)

    assert np.cos(np.radians(over(1, turning, name=name)[0])) == pytest.approx(1.0)


def test_what_is_usual_is_told_of_one_year_for_all() -> None:
    hours = 366 * 24
    usual = told(
        WeatherKind.CLIMATOLOGY,
        [float(hour % 24) for hour in range(hours)],
        start=datetime(2020, 1, 1, tzinfo=UTC),
        issued=datetime(2021, 1, 1, tzinfo=UTC),
    )
    forecast = told(WeatherKind.FORECAST, [50.0])

    assert list(over(3, usual, forecast)) == [50.0, 1.0, 2.0]


def test_the_last_resort_is_the_mean_of_that_hour_over_past_days_and_knows_no_future() -> None:
    days = [float(5 * day + hour) for day in range(5) for hour in range(24)]
    past = told(WeatherKind.OBSERVATION, days, start=T - timedelta(days=5))
    later = told(WeatherKind.OBSERVATION, [49.0] * 48, start=T + 6 * HOUR)
    wanted = known_weather([], TimeRange.of(T + timedelta(days=9), 2 * HOUR), HOUR)
    lately = TimeRange(T - timedelta(days=28), T)

    found = usual_weather([past, later], lately, wanted)

    assert list(found[TEMPERATURE]) == [10.0, 11.0]
    short = told(WeatherKind.OBSERVATION, [1.0] * 48, start=T - timedelta(days=2))
    assert np.isnan(usual_weather([short], lately, wanted)[TEMPERATURE]).all()


def test_distances_are_those_of_the_globe() -> None:
    berlin = Location(latitude_degrees=52.52, longitude_degrees=13.405)
    rome = Location(latitude_degrees=41.9, longitude_degrees=12.496)
    assert distance_m(berlin, rome) == pytest.approx(1_183e3, rel=0.01)


def test_what_no_weather_has_is_refused_with_its_column() -> None:
    with pytest.raises(InvalidArgument, match="-90 to 60"):
        told(WeatherKind.FORECAST, [99.0])
    with pytest.raises(InvalidArgument, match="1900"):
        told(WeatherKind.FORECAST, [9.0], start=datetime(1, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidArgument, match="2200"):
        told(WeatherKind.FORECAST, [9.0], issued=T, start=datetime(9999, 12, 31, tzinfo=UTC))
    with pytest.raises(InvalidArgument):
        WeatherSeries(start=T, resolution=HOUR, columns={})
    with pytest.raises(InvalidArgument):
        WeatherSource(segment="a", kind=WeatherKind.FORECAST, priority=101)


def test_the_same_place_and_issue_has_the_same_name() -> None:
    one, same = (told(WeatherKind.FORECAST, [value]).report for value in (1.0, 2.0))
    other = told(WeatherKind.FORECAST, [1.0], issued=T + HOUR).report
    assert one.name == same.name != other.name
