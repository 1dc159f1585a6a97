"""Weather that is told over HTTP reaches loads and plants, as it was known at issue."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.fakes.eventually import eventually
from tests.fakes.forecast_assets import pv_hours
from tests.fakes.manual_clock import ManualClock
from tests.fakes.open_meteo import open_meteo, recorded
from wattmesh_forecast.adapters.open_meteo import OpenMeteo
from wattmesh_forecast.adapters.plane import PvlibPlane, usual_plane
from wattmesh_forecast.app.kept_weather import BELIEVED, FRESH, READ_AGAIN, KeptWeather
from wattmesh_forecast.domain.hours import HOUR, AssetHours, Batch, Rows, Sun
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.pv_weather import by_irradiance, steadied
from wattmesh_forecast.domain.seasonal import seasonal_quantiles
from wattmesh_forecast.domain.subjects import Location, Plane, Subject
from wattmesh_forecast.domain.weather.columns import Quantity, column
from wattmesh_forecast.domain.weather.hours import WeatherHours
from wattmesh_forecast.domain.weather.known import Candidate, known_weather
from wattmesh_forecast.domain.weather.told import (
    WeatherKind,
    WeatherReport,
    WeatherSeries,
    WeatherSource,
)
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange

BERLIN = Location(latitude_degrees=52.52, longitude_degrees=13.42)
ROME = Location(latitude_degrees=41.89, longitude_degrees=12.51)
NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
FIRST = datetime(2026, 6, 1, 10, tzinfo=UTC)
SECONDS = int(FIRST.timestamp())
PLANT = Subject(
    asset=AssetId(SiteId("roof"), "pv"),
    kind=Kind.PV,
    zone=ZoneInfo("Europe/Berlin"),
    location=BERLIN,
)


async def test_open_meteos_irradiance_is_that_of_the_hour_before_its_time() -> None:
    with open_meteo() as service:
        service.answer = recorded(SECONDS, [15.0, None, 999.0], [300.0, 400.0, -5.0])
        (report,) = await OpenMeteo(service.url, ManualClock(NOW)).reports([BERLIN])

    told = hours_of(report, TimeRange.of(FIRST - HOUR, 4 * HOUR))
    assert np.array_equal(told.temperature_celsius, [np.nan, 15.0, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(told.irradiance_w_m2, [np.nan, 400.0, np.nan, np.nan], equal_nan=True)
    assert np.isnan(told.pressure_pa).all()
    assert told.winds_m_per_s == {}
    assert report.issue_time == NOW
    (asked,) = service.asked
    assert asked["hourly"][0].startswith("temperature_2m,shortwave_radiation,surface_pressure,wind")
    assert asked["wind_speed_unit"] == ["ms"]
    assert (asked["latitude"], asked["longitude"]) == (["52.5200"], ["13.4200"])


async def test_several_places_are_asked_about_at_once_and_not_mixed_up() -> None:
    with open_meteo() as service:
        service.answer = [
            recorded(SECONDS, [15.0, 16.0], [1.0, 2.0]),
            recorded(SECONDS, [25.0, 26.0], [3.0, 4.0]),
        ]
        found = await OpenMeteo(service.url, ManualClock(NOW)).reports([BERLIN, ROME])

    assert [each.place for each in found] == [BERLIN, ROME]
    assert [each.series.columns["temperature_celsius"][0] for each in found] == [15.0, 25.0]


async def test_wind_and_pressure_are_told_where_the_service_knows_them() -> None:
    with open_meteo() as service:
        answer = recorded(SECONDS, [15.0, 16.0], [1.0, 2.0])
        answer["hourly"] |= {
            "surface_pressure": [1013.25, None],
            "wind_speed_10m": [3.0, 4.0],
            "wind_speed_80m": [5.0, -1.0],
        }
        service.answer = answer
        (report,) = await OpenMeteo(service.url, ManualClock(NOW)).reports([BERLIN])

    told = hours_of(report, TimeRange.of(FIRST, 2 * HOUR))
    assert np.array_equal(told.pressure_pa, [101_325.0, np.nan], equal_nan=True)
    assert set(told.winds_m_per_s) == {10.0, 80.0}
    assert np.array_equal(told.winds_m_per_s[80.0], [5.0, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"hourly": {}},
        [],
        "no",
        recorded(SECONDS, [], []),
        recorded(SECONDS, [15.0, 16.0], [1.0]),
        recorded(SECONDS, ["warm", 16.0], [1.0, 2.0]),
        {"hourly": {"time": [0, 7200], "temperature_2m": [1, 2], "shortwave_radiation": [0, 0]}},
    ],
)
async def test_an_answer_of_another_shape_is_no_weather(answer: object) -> None:
    with open_meteo() as service:
        service.answer = answer
        with pytest.raises(Unavailable):
            await OpenMeteo(service.url, ManualClock(NOW)).reports([BERLIN])


async def test_a_service_that_refuses_or_is_gone_is_away() -> None:
    with open_meteo() as service:
        service.status, service.answer = 429, {"error": True, "reason": "too many requests"}
        with pytest.raises(Unavailable, match="429"):
            await OpenMeteo(service.url, ManualClock(NOW)).reports([BERLIN])
    with pytest.raises(Unavailable):
        await OpenMeteo(service.url, ManualClock(NOW)).reports([BERLIN])


def hours_of(report: WeatherReport, span: TimeRange) -> WeatherHours:
    return WeatherHours.of(known_weather([forecast(report)], span, HOUR), span)


def forecast(report: WeatherReport) -> Candidate:
    return Candidate(report=report, kind=WeatherKind.FORECAST, priority=10, distance_m=0.0)


class Told:
    """Who tells weather, and what is stored of it."""

    source = WeatherSource(segment="test", kind=WeatherKind.FORECAST)

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.asked: list[Location] = []
        self.stored: list[WeatherReport] = []
        self.read: list[Location] = []
        self.looked = 0

    async def reports(self, places: Sequence[Location]) -> Sequence[WeatherReport]:
        self.asked += places
        return [report(place, self._clock.now()) for place in places]

    async def add(self, source: WeatherSource, reports: Sequence[WeatherReport]) -> None:
        assert source == self.source
        self.stored += reports

    async def candidates(
        self, place: Location, span: TimeRange, known_by: datetime, source: str = ""
    ) -> Sequence[Candidate]:
        self.read.append(place)
        return [
            forecast(each)
            for each in self.stored
            if each.place == place and each.issue_time <= known_by
        ]

    async def any(self) -> bool:
        self.looked += 1
        return bool(self.stored)


def report(place: Location, issue_time: datetime) -> WeatherReport:
    return WeatherReport(
        source="test",
        place=place,
        issue_time=issue_time,
        series=WeatherSeries(
            start=FIRST,
            resolution=HOUR,
            columns={
                column(Quantity.TEMPERATURE): np.full(100, 15.0),
                column(Quantity.GLOBAL_IRRADIANCE): np.full(100, 300.0),
            },
        ),
    )


async def test_weather_is_fetched_behind_the_first_question_kept_for_an_hour_and_stored() -> None:
    clock = ManualClock(NOW)
    told = Told(clock)
    weather = KeptWeather(teller=told, store=told, clock=clock)
    hours = TimeRange.of(FIRST, 2 * HOUR)
    task = asyncio.create_task(weather())
    try:
        assert weather.known(BERLIN, hours) is None
        await eventually(lambda: weather.known(BERLIN, hours) is not None)
        assert told.asked == [BERLIN]

        clock.advance(FRESH)
        assert weather.known(BERLIN, hours) is not None  # the old one, until there is a newer
        await eventually(lambda: len(told.stored) == 2)
        assert [each.issue_time for each in told.stored] == [NOW, NOW + FRESH]
    finally:
        task.cancel()


async def test_after_a_restart_what_was_stored_is_not_asked_for_again() -> None:
    clock = ManualClock(NOW)
    told = Told(clock)
    told.stored = [report(BERLIN, NOW - timedelta(minutes=10))]
    weather = KeptWeather(teller=told, store=told, clock=clock)
    hours = TimeRange.of(FIRST, 2 * HOUR)
    task = asyncio.create_task(weather())
    try:
        weather.known(BERLIN, hours)
        await eventually(lambda: weather.known(BERLIN, hours) is not None)
        assert told.asked == []
    finally:
        task.cancel()


async def test_a_forecast_of_two_days_ago_tells_of_the_past_alone() -> None:
    clock = ManualClock(NOW + BELIEVED)
    told = Told(clock)
    told.stored = [report(BERLIN, NOW)]
    weather = KeptWeather(teller=None, store=told, clock=clock)
    ahead = TimeRange.of(FIRST + BELIEVED, 24 * HOUR)
    whole = TimeRange(FIRST, ahead.end)
    task = asyncio.create_task(weather())
    try:
        assert weather.known(BERLIN, whole) is None
        await eventually(lambda: weather.known(BERLIN, whole) is not None)
        known = weather.known(BERLIN, whole)
        assert known is not None
        there = np.isfinite(known.temperature_celsius)
        assert there[:50].all()
        assert not there[50:].any()
    finally:
        task.cancel()


async def test_where_nobody_tells_weather_places_are_not_read_one_by_one() -> None:
    clock = ManualClock(NOW)
    told = Told(clock)
    weather = KeptWeather(teller=None, store=told, clock=clock)
    hours = TimeRange.of(FIRST, 2 * HOUR)
    task = asyncio.create_task(weather())
    try:
        for place in (BERLIN, ROME):
            weather.known(place, hours)
        await eventually(lambda: told.looked == 1)
        for place in (BERLIN, ROME):
            assert weather.known(place, hours) is None
        told.stored.append(report(ROME, NOW))
        clock.advance(READ_AGAIN)
        weather.known(ROME, hours)
        await eventually(lambda: weather.known(ROME, hours) is not None)
        assert told.read == [ROME]
        assert told.looked == 2
    finally:
        task.cancel()


async def test_what_is_published_counts_at_once() -> None:
    clock = ManualClock(NOW)
    told = Told(clock)
    weather = KeptWeather(teller=None, store=told, clock=clock)
    hours = TimeRange.of(FIRST, 2 * HOUR)
    task = asyncio.create_task(weather())
    try:
        weather.known(BERLIN, hours)
        told.stored.append(report(BERLIN, NOW))

        def counts() -> bool:
            weather.look_again()
            return weather.known(BERLIN, hours) is not None

        await eventually(counts)
    finally:
        task.cancel()


def plant_under(index: np.ndarray, sun: Sun, asset: AssetHours) -> AssetHours:
    """A plant that makes 3 W of each W/m² that reaches it, and the weather is known."""
    shine = sun.clear_sky_w_m2 * index
    return replace(asset, power_w=3.0 * shine, irradiance_w_m2=shine)


def test_the_sun_that_is_forecast_tells_what_a_plant_will_generate() -> None:
    asset = pv_hours(40, ahead=0)
    assert asset.sun is not None
    index = np.random.default_rng(3).uniform(0.1, 1.0, 40).repeat(24)
    plant = plant_under(index, asset.sun, asset)
    last = 35 * 24 - 1
    rows = Rows.ahead(last, range(last + 1, last + 1 + 48))

    came = plant.power_w[rows.target]
    errors = [
        np.abs(seasonal_quantiles(Kind.PV, Batch.of([each]), rows, (0.5,))[0, :, 0] - came).sum()
        for each in (replace(plant, irradiance_w_m2=None), plant)
    ]
    assert errors[1] < 0.25 * errors[0]


def test_a_cloud_that_is_told_an_hour_off_costs_less_than_its_hour() -> None:
    asset = pv_hours(40, ahead=0)
    assert asset.sun is not None
    index = np.random.default_rng(5).choice([0.3, 1.0], len(asset.power_w))
    plant = plant_under(index, asset.sun, asset)
    told_w_m2 = asset.sun.clear_sky_w_m2 * np.roll(index, 1)
    late = replace(plant, irradiance_w_m2=told_w_m2)
    rows = Rows.ahead(35 * 24 - 1, range(35 * 24, 37 * 24))

    told = 3.0 * told_w_m2[rows.target]
    said = by_irradiance(Batch.of([late]), rows)[0]
    errors = [np.nansum(np.abs(each - plant.power_w[rows.target])) for each in (told, said)]
    assert errors[1] < 0.8 * errors[0]


def test_hours_in_a_shadow_that_nobody_told_of_do_not_count_as_the_plants() -> None:
    asset = pv_hours(40, ahead=0)
    assert asset.sun is not None
    plant = plant_under(np.ones_like(asset.power_w), asset.sun, asset)
    dark = np.isin(np.arange(40), [9, 13, 17, 21, 25, 29, 33]).repeat(24)
    plant = replace(plant, power_w=np.where(dark, 0.2 * plant.power_w, plant.power_w))
    rows = Rows.ahead(35 * 24 - 1, range(35 * 24, 36 * 24))

    said = by_irradiance(Batch.of([plant]), rows)[0]
    came = plant.power_w[rows.target]
    bright = asset.sun.clear_sky_w_m2[rows.target] > 100
    # A quarter of the days gave a fifth: their mean is a fifth too low.
    assert np.abs(said / np.maximum(came, 1.0) - 1.0)[bright].max() < 0.1


def test_irradiance_that_is_not_known_stays_unknown_and_counts_nowhere_else() -> None:
    asset = pv_hours(3, ahead=0)
    assert asset.sun is not None
    flat = replace(asset.sun, clear_sky_w_m2=np.full_like(asset.power_w, 500.0))
    shone = np.full_like(asset.power_w, 500.0)
    shone[30], shone[33] = 100.0, np.nan

    (found,) = steadied(Batch.of([replace(asset, sun=flat, irradiance_w_m2=shone)]))
    assert np.flatnonzero(np.isnan(found)).tolist() == [33]
    assert found[10] == pytest.approx(500.0)
    # Five of 500 and one of 100 around it: 433 W/m².
    assert found[30] == pytest.approx(100.0 + 0.7 * (2600.0 / 6 - 100.0))


def test_where_no_irradiance_is_known_the_patterns_stand() -> None:
    asset = pv_hours(40, ahead=0)
    blind = replace(asset, irradiance_w_m2=np.full_like(asset.power_w, np.nan))
    last = 35 * 24 - 1
    rows = Rows.ahead(last, range(last + 1, last + 25))

    pair = [
        seasonal_quantiles(Kind.PV, Batch.of([each]), rows, (0.1, 0.5, 0.9))
        for each in (asset, blind)
    ]
    assert np.array_equal(pair[0], pair[1])


def test_a_plant_that_faces_west_gets_its_sun_in_the_afternoon() -> None:
    hours = 24
    angle = np.arange(hours, dtype=np.float64) - 11.5
    sun = Sun(
        clear_sky_w_m2=np.maximum(900 * np.cos(np.pi * angle / 14), 0.0),
        elevation_degrees=60 * np.cos(np.pi * angle / 14),
        azimuth_degrees=180 + 15 * angle,
    )
    start, celsius = datetime(2026, 6, 1, tzinfo=UTC), np.full(hours, 20.0)
    west = replace(PLANT, plane=Plane(tilt_degrees=40, azimuth_degrees=270))

    shine = PvlibPlane().effective_w_m2(west, start, sun, sun.clear_sky_w_m2, celsius)
    south = PvlibPlane().effective_w_m2(PLANT, start, sun, sun.clear_sky_w_m2, celsius)

    assert shine[12:].sum() > 1.3 * shine[:12].sum()
    assert south[12:].sum() == pytest.approx(south[:12].sum(), rel=0.02)
    hot = PvlibPlane().effective_w_m2(PLANT, start, sun, sun.clear_sky_w_m2, celsius + 10)
    assert hot.sum() == pytest.approx(0.96 * south.sum(), rel=0.01)
    assert (shine[sun.clear_sky_w_m2 == 0] == 0).all()


def test_without_a_plane_a_plant_faces_the_equator() -> None:
    south = Location(latitude_degrees=-30.0, longitude_degrees=150.0)

    assert usual_plane(BERLIN) == Plane(tilt_degrees=35.0, azimuth_degrees=180.0)
    assert usual_plane(south) == Plane(tilt_degrees=30.0, azimuth_degrees=0.0)
