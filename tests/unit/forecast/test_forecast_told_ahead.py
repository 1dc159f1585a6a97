"""Trainings learn from weather as it was forecast then, and from nothing that came out later."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.forecast_assets import START, load_hours
from tests.fakes.forecast_sites import FONTANA, sites_of
from wattmesh_forecast.adapters.temperatures_file import read_temperatures, write_temperatures
from wattmesh_forecast.app.weather.told_ahead import ToldAhead
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.training import TrainingOrder
from wattmesh_forecast.domain.weather.known import Candidate
from wattmesh_forecast.domain.weather.told import (
    WeatherKind,
    WeatherReport,
    WeatherSeries,
    WeatherSource,
)
from wattmesh_forecast.train import with_temperatures
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

LOAD = AssetId(SiteId("home-1"), "load")
DAY = timedelta(days=1)
DAYS = 4
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


class ToldStore:
    """Keeps what was told; answers what had been told by a time."""

    def __init__(self, *reports: tuple[WeatherKind, datetime, datetime, float]) -> None:
        self._told = [_candidate(*each) for each in reports]

    async def add(self, source: WeatherSource, reports: Sequence[WeatherReport]) -> None:
        raise NotImplementedError

    async def candidates(
        self, place: Location, span: TimeRange, known_by: datetime, source: str = ""
    ) -> Sequence[Candidate]:
        return [
            each
            for each in self._told
            if each.report.issue_time <= known_by
            and each.report.series.start < span.end
            and span.start < each.report.series.span.end
        ]

    async def any(self) -> bool:
        return bool(self._told)


def _candidate(kind: WeatherKind, issued: datetime, first: datetime, celsius: float) -> Candidate:
    columns = {"temperature_celsius": np.full(48, celsius)}
    series = WeatherSeries(start=first, resolution=HOUR, columns=columns)
    report = WeatherReport(source="met", place=FONTANA, issue_time=issued, series=series)
    return Candidate(report=report, kind=kind, priority=0, distance_m=0.0)


async def told(store: ToldStore, model: Kind = Kind.LOAD) -> Series | None:
    order = TrainingOrder(
        model=model.value, assets=(LOAD,), range=TimeRange.of(BEGIN, DAYS * DAY), request_id="r"
    )
    return (await ToldAhead(store, sites_of([LOAD]))(order)).get(LOAD)


async def test_each_day_has_what_was_forecast_when_it_began() -> None:
    forecast = WeatherKind.FORECAST
    found = await told(
        ToldStore(
            (forecast, BEGIN, BEGIN, 10.0),
            (forecast, BEGIN + DAY, BEGIN + DAY, 12.0),
            (forecast, BEGIN + 1.5 * DAY, BEGIN + DAY, 14.0),  # too late for the second day
            (WeatherKind.OBSERVATION, BEGIN + 4 * DAY, BEGIN, 30.0),  # told afterwards
        )
    )

    assert found is not None
    by_day = found.values.reshape(DAYS, 24)
    assert by_day[:3].tolist() == [[10.0] * 24, [12.0] * 24, [14.0] * 24]
    assert np.isnan(by_day[3]).all()


async def test_nobody_tells_weather_and_plants_learn_without() -> None:
    assert await told(ToldStore()) is None
    known = ToldStore((WeatherKind.FORECAST, BEGIN, BEGIN, 10.0))
    assert await told(known, Kind.PV) is None
    usual = ToldStore((WeatherKind.CLIMATOLOGY, BEGIN, BEGIN, 10.0))
    assert await told(usual) is None


def test_temperatures_reach_the_training_hour_by_hour(tmp_path: Path) -> None:
    file = tmp_path / "temperatures.npz"
    other = AssetId(SiteId("home-2"), "load")
    write_temperatures(file, {LOAD: Series(START + DAY, HOUR, np.arange(24.0))})
    past = {name: load_hours(3, ahead=0) for name in (LOAD, other)}

    found = with_temperatures(past, read_temperatures(file))

    warmth = found[LOAD].temperature_celsius
    assert warmth is not None
    assert warmth[24:48] == pytest.approx(np.arange(24.0))
    assert np.isnan(warmth[:24]).all()
    assert found[other].temperature_celsius is None
