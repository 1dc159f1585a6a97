"""Forecasts of publishers: a local server answers in the shapes that they document."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.publishers import Publisher, publisher_for_test
from wattmesh_carbon.adapters.postgres import PostgresIntensityStore
from wattmesh_carbon.adapters.postgres_forecasts import PostgresForecastStore
from wattmesh_carbon.adapters.sources.file import read_sources
from wattmesh_carbon.app.follow_sources import FollowSources
from wattmesh_carbon.app.intensities import Intensities
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_carbon.domain.window import Run
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database
from wattmesh_runtime.migrations import migrate

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
NOW = datetime(2024, 5, 15, 12, tzinfo=UTC)
ZONE = ZoneId("de")


def uk(start: str, end: str, forecast: float | None) -> dict[str, Any]:
    intensity = {"forecast": forecast, "actual": None, "index": "low"}
    return {"from": start, "to": end, "intensity": intensity}


ANSWERS = {
    "/intensity/2024-05-15T12:00Z/fw48h": {
        "data": [
            uk("2024-05-15T11:30Z", "2024-05-15T12:00Z", 146),
            uk("2024-05-15T12:00Z", "2024-05-15T12:30Z", 148),
            uk("2024-05-15T12:30Z", "2024-05-15T13:00Z", 140),
            uk("2024-05-15T13:00Z", "2024-05-15T13:30Z", None),
        ]
    },
    "/v3/carbon-intensity/forecast?zone=DE": {
        "zone": "DE",
        "forecast": [
            {"carbonIntensity": 326, "datetime": "2024-05-15T12:00:00.000Z"},
            {"carbonIntensity": 297, "datetime": "2024-05-15T13:00:00.000Z"},
        ],
        "updatedAt": "2024-05-15T11:25:24.685Z",
    },
    "/login": {"token": "granted"},
    "/v3/forecast?region=CAISO_NORTH&signal_type=co2_moer&horizon_hours=48": {
        "data": [
            {"point_time": "2024-05-15T12:00:00+00:00", "value": 1000.0},
            {"point_time": "2024-05-15T12:05:00+00:00", "value": 500.0},
        ],
        "meta": {
            "data_point_period_seconds": 300,
            "region": "CAISO_NORTH",
            "signal_type": "co2_moer",
            "units": "lbs_co2_per_mwh",
            "model": {"date": "2024-03-01"},
            "warnings": [],
            "generated_at_period_seconds": 300,
            "generated_at": "2024-05-15T11:55:00+00:00",
        },
    },
}


@dataclass
class World:
    """Carbon's use cases over a database, and its clock."""

    database: Database
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))

    @property
    def intensities(self) -> Intensities:
        return Intensities(
            PostgresIntensityStore(self.database), PostgresForecastStore(self.database), self.clock
        )

    async def take(self, values: Any, issued: datetime, source: str = "Electricity Maps") -> bool:
        """Take in a forecast of hours from the hour of its issue on."""
        start = issued.replace(minute=0)
        return await self.intensities.take_forecast(
            intensity(start, np.asarray(values, dtype=float), source, issued)
        )

    async def measured(self, start: datetime, values: Any) -> None:
        await self.intensities.publish(intensity(start, np.asarray(values, dtype=float), "TSO"))


def intensity(
    start: datetime, values: Any, source: str, issued: datetime | None = None
) -> Intensity:
    return Intensity(
        zone=ZONE,
        basis=Basis.AVERAGE,
        gco2e_per_kwh=Series(start, HOUR, values),
        source=source,
        issue_time=issued,
    )


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with Database(database_url, "carbon") as database:
        await migrate(database, "wattmesh_carbon")
        yield World(database)


def sources_file(folder: Path, url: str) -> Path:
    (folder / "secret").write_text("s3cret\n")
    token = {"token_file": str(folder / "secret"), "url": url}
    watttime = {"user": "me", "password_file": str(folder / "secret"), "url": url}
    maps = {"kind": "electricity_maps", "region": "DE", **token}
    said = [
        {"kind": "uk_carbon_intensity", "zone": "zones/gb", "url": url},
        {**maps, "zone": "zones/de"},
        {**maps, "zone": "zones/without", "forecasts": False},
        {"kind": "watttime", "zone": "zones/caiso", "region": "CAISO_NORTH", **watttime},
        {"kind": "entso_e", "zone": "zones/at", "region": "10YAT-APG------L", **token},
    ]
    (folder / "sources.json").write_text(json.dumps(said))
    return folder / "sources.json"


async def test_what_publishers_expect_is_taken_in_with_the_time_of_issue(
    world: World, tmp_path: Path
) -> None:
    with publisher_for_test(ANSWERS) as publisher:
        sources = read_sources(sources_file(tmp_path, publisher.url))
        follow = FollowSources(
            world.clock, world.intensities, sources.measured, sources.forecasting
        )
        assert await follow.fetch_forecasts() == 3
        assert await follow.fetch_forecasts() == 0, "the same forecasts, told again"
        await refuses_poison(follow, publisher)

    async def expected(zone: str, basis: Basis, span: timedelta, step: timedelta) -> Intensity:
        return await world.intensities.forecast(ZoneId(zone), basis, TimeRange.of(NOW, span), step)

    gb = await expected("gb", Basis.AVERAGE, HOUR, QUARTER)
    assert list(gb.gco2e_per_kwh.values) == [148, 148, 140, 140]
    assert (gb.source, gb.issue_time) == ("UK Carbon Intensity API", NOW)
    de = await expected("de", Basis.AVERAGE, 2 * HOUR, HOUR)
    assert list(de.gco2e_per_kwh.values) == [326, 297]
    assert de.issue_time == datetime(2024, 5, 15, 11, 25, 24, 685_000, tzinfo=UTC)
    caiso = await expected("caiso", Basis.MARGINAL, HOUR / 6, HOUR / 12)
    assert caiso.gco2e_per_kwh.values == pytest.approx([453.592, 226.796], abs=1e-3)
    assert caiso.issue_time == NOW - timedelta(minutes=5)
    with pytest.raises(NotFound):
        await expected("without", Basis.AVERAGE, HOUR, HOUR)


async def refuses_poison(follow: FollowSources, publisher: Publisher) -> None:
    """Of whatever else a publisher may answer, nothing is taken in and nothing is raised."""
    poisons = (
        "null",
        '{"data": "maintenance"}',
        '{"forecast": [], "updatedAt": "yesterday", "token": "t", "meta": {}, "data": [1]}',
        '{"forecast": [{"carbonIntensity": 1e300, "datetime": "2024-05-15T12:00Z"}],'
        ' "updatedAt": "2024-05-15T12:00Z"}',
        '{"forecast": [{"carbonIntensity": 300, "datetime": "2024-05-15T12:00Z"}],'
        ' "updatedAt": "2031-05-15T12:00Z"}',
        '{"forecast": [{"carbonIntensity": 300, "datetime": "2024-05-15T12:00Z"}]}',
    )
    for publisher.instead in poisons:
        assert await follow.fetch_forecasts() == 0, publisher.instead
    publisher.instead = None


async def test_a_fresh_forecast_goes_before_the_pattern_and_an_old_one_does_not(
    world: World,
) -> None:
    await world.measured(NOW - 48 * HOUR, np.full(48, 200.0))
    await world.take(np.full(48, 300.0), NOW)
    day = TimeRange.of(NOW, 24 * HOUR)

    async def source_at(hours: float) -> str:
        world.clock.set(NOW + hours * HOUR)
        return (await world.intensities.forecast(ZONE, Basis.AVERAGE, day, HOUR)).source

    assert await source_at(6) == "Electricity Maps"
    assert await source_at(6.1) == "pattern"


async def test_where_both_are_too_old_there_is_none_and_both_ages_are_told(world: World) -> None:
    await world.measured(NOW - 48 * HOUR, np.full(24, 200.0))
    await world.take(np.full(48, 300.0), NOW)
    world.clock.set(NOW + 30 * HOUR)
    with pytest.raises(
        NotFound, match=r"is 54 h old; the forecast of Electricity Maps is 30 h old"
    ):
        await world.intensities.forecast(
            ZONE, Basis.AVERAGE, TimeRange.of(NOW + 30 * HOUR, HOUR), HOUR
        )


async def test_what_a_publisher_does_not_reach_is_by_the_pattern_and_counted(world: World) -> None:
    await world.measured(NOW - 48 * HOUR, np.full(48, 200.0))
    await world.take(np.full(18, 300.0), NOW)
    span = TimeRange.of(NOW, 24 * HOUR)
    found = await world.intensities.forecast(ZONE, Basis.AVERAGE, span, HOUR)
    assert list(found.gco2e_per_kwh.values) == [300.0] * 18 + [200.0] * 6
    assert found.pattern_ratio == 0.25
    assert found.newest_time == NOW


async def test_what_was_expected_then_can_be_asked_later(world: World) -> None:
    """A forecast that came in late was not known before, whenever it says that it was issued."""
    await world.take([300.0, 300.0, 300.0], NOW)
    world.clock.set(NOW + HOUR / 2)
    await world.take([310.0, 310.0, 310.0], NOW + HOUR / 4)
    hour = TimeRange.of(NOW + HOUR, HOUR)

    async def expected(as_of: datetime | None) -> list[float]:
        found = await world.intensities.forecast(ZONE, Basis.AVERAGE, hour, HOUR, as_of)
        return list(found.gco2e_per_kwh.values)

    assert await expected(NOW + HOUR / 3) == [300.0]
    assert await expected(None) == [310.0]


async def test_the_cleanest_window_goes_by_the_publisher(world: World) -> None:
    """The pattern would have it at 02:00; there will be wind at 20:00."""
    usual = np.where(np.arange(48) % 24 == 14, 100.0, 200.0)
    await world.measured(NOW - 48 * HOUR, usual)
    run, span = Run(duration=HOUR), TimeRange.of(NOW, 24 * HOUR)
    by_pattern = await world.intensities.best_window(ZONE, Basis.AVERAGE, span, run)
    await world.take(np.where(np.arange(48) == 8, 50.0, 200.0), NOW)
    window = await world.intensities.best_window(ZONE, Basis.AVERAGE, span, run)
    assert by_pattern.span.start == NOW + 14 * HOUR
    assert window.span.start == NOW + 8 * HOUR
    assert window.mean == 50


async def test_a_publisher_is_scored_by_what_came_beside_the_pattern(world: World) -> None:
    """It is 10 g too high; the pattern knows nothing of weather."""
    weather = np.random.default_rng(5).normal(0, 60, 16).repeat(24)[: 15 * 24] + 300
    first = NOW - 14 * 24 * HOUR
    for issued in range(7 * 24, 14 * 24, 6):
        world.clock.set(first + issued * HOUR)
        ahead = weather[issued : issued + 48]
        await world.take(ahead + 10, world.clock.now())
    world.clock.set(NOW)
    await world.measured(first, weather[: 14 * 24])
    await world.take(weather[14 * 24 :] + 10, NOW)
    outlook = await world.intensities.outlook(
        ZONE, Basis.AVERAGE, TimeRange.of(NOW, 24 * HOUR), HOUR, with_spread=True
    )
    assert outlook.spread is not None
    score = outlook.spread.score
    assert score.mean_absolute_error == pytest.approx(10)
    assert score.pattern_mean_absolute_error is not None
    assert score.pattern_mean_absolute_error > 30
    assert score.naive_mean_absolute_error > 30
    assert outlook.spread.quantiles[0.5] == pytest.approx(weather[14 * 24 : 15 * 24])


async def test_a_forecast_of_the_future_is_refused_and_old_ones_are_forgotten(
    world: World,
) -> None:
    with pytest.raises(InvalidArgument, match="says that it was issued at"):
        await world.take([300.0], NOW + HOUR)
    await world.take([300.0], NOW)
    world.clock.set(NOW + timedelta(days=93))
    await world.take([310.0], NOW + timedelta(days=93))
    with pytest.raises(NotFound):
        await world.intensities.forecast(
            ZONE, Basis.AVERAGE, TimeRange.of(NOW, HOUR), HOUR, as_of=NOW + HOUR / 2
        )
