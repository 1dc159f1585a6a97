"""WeatherService on PostgreSQL: what integrators push is kept, asked for, and forecast with."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import grpc
import numpy as np
import pytest

from tests.fakes.eventually import eventually
from tests.fakes.forecast_assets import START
from tests.fakes.forecast_process import LOAD, ForecastWorld, running_forecast
from tests.fakes.forecast_sites import FONTANA
from tests.fakes.metered_homes import MeteredHomes
from wattmesh.weather.v1 import weather_pb2, weather_service_pb2_grpc
from wattmesh.weather.v1 import weather_service_pb2 as pb
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import error_from_rpc

HOUR = timedelta(hours=1)
DAYS = 10
NOW = START + timedelta(days=DAYS, minutes=30)
WIND = AssetId(SiteId("home-1"), "wind")
METOFFICE = "weather-sources/metoffice"
HERE = weather_pb2.Location(
    latitude_degrees=FONTANA.latitude_degrees + 0.01, longitude_degrees=FONTANA.longitude_degrees
)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[ForecastWorld]:
    hours = np.arange((DAYS + 2) * 24)
    power = {
        WIND: Series(START, HOUR, -3000.0 * (1.0 + np.sin(hours / 7.0))),
        LOAD: Series(START, HOUR, np.full(len(hours), 500.0)),
    }
    home = MeteredHomes(power_w=power)  # type: ignore[abstract]
    async with running_forecast(database_url, home, DAYS) as running:
        yield running


def stub(world: ForecastWorld) -> Any:
    return weather_service_pb2_grpc.WeatherServiceStub(world.channel)


def source(name: str = METOFFICE, **fields: Any) -> weather_pb2.WeatherSource:
    fields = {"kind": weather_pb2.WEATHER_KIND_FORECAST, "priority": 50, **fields}
    return weather_pb2.WeatherSource(name=name, **fields)


def report(issued: datetime, hours: int = 48, celsius: float = 20.0) -> weather_pb2.WeatherReport:
    series = weather_pb2.WeatherSeries(
        start_time=timestamp_to_proto(issued.replace(minute=0)),
        resolution=duration_to_proto(HOUR),
        temperatures_celsius=[celsius] * hours,
        winds=[weather_pb2.WindSeries(height_m=10.0, speeds_m_per_s=[9.0] * hours)],
    )
    return weather_pb2.WeatherReport(
        location=HERE, issue_time=timestamp_to_proto(issued), series=series
    )


async def created(world: ForecastWorld, **fields: Any) -> weather_pb2.WeatherSource:
    request = pb.CreateWeatherSourceRequest(weather_source=source(**fields), request_id="c1")
    answer: pb.CreateWeatherSourceResponse = await stub(world).CreateWeatherSource(request)
    return answer.weather_source


async def published(world: ForecastWorld, *reports: weather_pb2.WeatherReport) -> list[str]:
    request = pb.PublishWeatherRequest(parent=METOFFICE, weather_reports=reports)
    return list((await stub(world).PublishWeather(request)).names)


def question(hours: int = 4, **fields: Any) -> pb.QueryWeatherRequest:
    span = TimeRange.of(NOW.replace(minute=0), hours * HOUR)
    return pb.QueryWeatherRequest(
        range=time_range_to_proto(span), resolution=duration_to_proto(HOUR), **fields
    )


async def reason(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return error_from_rpc(caught.value).reason


async def test_what_was_known_then_can_be_asked_later_and_nothing_that_came_after(
    world: ForecastWorld,
) -> None:
    await created(world)
    old, new = NOW - 6 * HOUR, NOW - HOUR
    names = await published(world, report(old, celsius=10.0), report(new, celsius=20.0))

    now = await stub(world).QueryWeather(question(site="sites/home-1"))
    then = await stub(world).QueryWeather(
        question(site="sites/home-1", known_by_time=timestamp_to_proto(new - HOUR))
    )
    before = await stub(world).QueryWeather(
        question(location=HERE, known_by_time=timestamp_to_proto(old - HOUR))
    )

    assert set(now.series.temperatures_celsius) == {20.0}
    assert list(now.series.winds[0].speeds_m_per_s) == [9.0] * 4
    assert set(then.series.temperatures_celsius) == {10.0}
    (part,) = then.parts
    assert part.weather_report == names[0]
    assert part.kind == weather_pb2.WEATHER_KIND_FORECAST
    assert datetime_from_proto(part.issue_time) == old
    assert 1_000 < part.distance_m < 1_200
    assert not before.series.temperatures_celsius
    assert [(each.weather_report, each.kind) for each in before.parts] == [("", 0)]


async def test_a_forecast_that_is_pushed_moves_the_forecast_of_a_turbine(
    world: ForecastWorld,
) -> None:
    assert await world.sources(WIND) == ["seasonal"]
    await created(world)
    await published(world, report(NOW, hours=72))

    async def by_weather() -> bool:
        return await world.sources(WIND) == ["weather"]

    await eventually(by_weather, seconds=60)


async def test_the_same_issue_again_changes_nothing_and_a_deleted_source_tells_nothing_more(
    world: ForecastWorld,
) -> None:
    kept = await created(world)
    assert await created(world) == kept
    first = await published(world, report(NOW, celsius=20.0))
    assert await published(world, report(NOW, celsius=30.0)) == first
    got = await stub(world).GetWeatherReport(pb.GetWeatherReportRequest(name=first[0]))
    assert set(got.weather_report.series.temperatures_celsius) == {20.0}

    await stub(world).DeleteWeatherSource(pb.DeleteWeatherSourceRequest(name=METOFFICE))
    request = pb.PublishWeatherRequest(parent=METOFFICE, weather_reports=[report(NOW + HOUR)])
    assert await reason(stub(world).PublishWeather(request)) == "SOURCE_DELETED"
    get = pb.GetWeatherSourceRequest(name=METOFFICE)
    assert await reason(stub(world).GetWeatherSource(get)) == "WEATHER_SOURCE_NOT_FOUND"
    still = await stub(world).QueryWeather(question(location=HERE))
    assert set(still.series.temperatures_celsius) == {20.0}


async def test_sources_are_changed_by_mask_and_etag_and_listed_by_name(
    world: ForecastWorld,
) -> None:
    kept = await created(world)
    request = pb.UpdateWeatherSourceRequest(weather_source=source(priority=70, etag=kept.etag))
    request.update_mask.paths.append("priority")
    changed = (await stub(world).UpdateWeatherSource(request)).weather_source
    assert changed.priority == 70
    assert await reason(stub(world).UpdateWeatherSource(request)) == "ETAG_MISMATCH"
    other = pb.UpdateWeatherSourceRequest(
        weather_source=source("weather-sources/roof", kind=weather_pb2.WEATHER_KIND_OBSERVATION),
        allow_missing=True,
    )
    await stub(world).UpdateWeatherSource(other)
    turned = pb.UpdateWeatherSourceRequest(
        weather_source=source(kind=weather_pb2.WEATHER_KIND_OBSERVATION)
    )
    assert await reason(stub(world).UpdateWeatherSource(turned)) == "IMMUTABLE_FIELD"

    page = await stub(world).ListWeatherSources(pb.ListWeatherSourcesRequest(page_size=1))
    rest = await stub(world).ListWeatherSources(
        pb.ListWeatherSourcesRequest(page_token=page.next_page_token)
    )
    assert [each.name for each in (*page.weather_sources, *rest.weather_sources)] == [
        METOFFICE,
        "weather-sources/roof",
    ]


async def test_reports_are_listed_newest_first_and_far_places_do_not_count(
    world: ForecastWorld,
) -> None:
    await created(world, max_distance_m=500.0)
    names = await published(world, *(report(NOW - hours * HOUR) for hours in (3, 2, 1)))

    first = await stub(world).ListWeatherReports(
        pb.ListWeatherReportsRequest(parent="weather-sources/-", page_size=2)
    )
    last = await stub(world).ListWeatherReports(
        pb.ListWeatherReportsRequest(parent="weather-sources/-", page_token=first.next_page_token)
    )
    listed = [each.name for each in (*first.weather_reports, *last.weather_reports)]
    assert listed == names[::-1]
    assert not first.weather_reports[0].HasField("series")
    away = await stub(world).QueryWeather(question(site="sites/home-1"))
    assert not away.series.temperatures_celsius


async def test_climatology_fills_what_nobody_forecasts(world: ForecastWorld) -> None:
    roof = source(
        "weather-sources/roof", kind=weather_pb2.WEATHER_KIND_OBSERVATION, max_distance_m=5000.0
    )
    await stub(world).CreateWeatherSource(pb.CreateWeatherSourceRequest(weather_source=roof))
    measured = report(NOW - timedelta(days=6), hours=6 * 24, celsius=15.0)
    measured.issue_time.CopyFrom(timestamp_to_proto(NOW))
    await stub(world).PublishWeather(
        pb.PublishWeatherRequest(parent=roof.name, weather_reports=[measured])
    )

    bare = await stub(world).QueryWeather(question(location=HERE))
    filled = await stub(world).QueryWeather(question(location=HERE, climatology_allowed=True))

    assert not np.isfinite(bare.series.temperatures_celsius).any()
    assert np.allclose(filled.series.temperatures_celsius, 15.0)
    assert {each.kind for each in filled.parts} == {weather_pb2.WEATHER_KIND_CLIMATOLOGY}


async def test_nonsense_is_refused_with_its_field(world: ForecastWorld) -> None:
    await created(world)
    hot = report(NOW, celsius=200.0)
    request = pb.PublishWeatherRequest(parent=METOFFICE, weather_reports=[hot])
    assert await reason(stub(world).PublishWeather(request)) == "INVALID_WEATHER"
    nowhere = question()
    assert await reason(stub(world).QueryWeather(nowhere)) == "MISSING_FIELD"
    unknown = question(site="sites/nobody")
    assert await reason(stub(world).QueryWeather(unknown)) == "SITE_NOT_FOUND"
