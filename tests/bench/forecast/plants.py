"""How good forecasts of a solar farm are, without weather and with it, beside LightGBM.

    python -m tests.bench.forecast.plants ../shared/data

`uk_pod_feeder_pv`: issued at local midnight, 24 hours ahead, 2019-07 to 2019-12, by the hour and by
the half hour. The weather is a reanalysis, what a model says afterwards that it was: a forecast of
the day before is worse. The product knows 45 days before each issue and nothing of how the farm
stands. LightGBM has learnt from all before 2019-07 with irradiance, temperature, sun, and what came
at that hour of the days before, by the half hour. Coverage is that of the 80 % band by day.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import lightgbm
import numpy as np
import pandas as pd

from tests.bench.forecast.asking import LOOK_BACK, midnights
from wattmesh_forecast.adapters.plane import PvlibPlane
from wattmesh_forecast.adapters.sky import PvlibSky
from wattmesh_forecast.domain.hours import HOUR, AssetHours, Batch, Floats, LocalClock, Rows
from wattmesh_forecast.domain.intervals import on_intervals
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.seasonal import seasonal_quantiles
from wattmesh_forecast.domain.subjects import Location, Subject
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange

LONDON = ZoneInfo("Europe/London")
SPLIT = datetime(2019, 7, 1, tzinfo=UTC)
RATIOS = (0.1, 0.5, 0.9)
FARM = Subject(
    asset=AssetId(SiteId("farm"), "pv"),
    kind=Kind.PV,
    zone=LONDON,
    location=Location(latitude_degrees=50.5, longitude_degrees=-4.0),
)
HALVES = 2
_TREES = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What was measured of one forecaster."""

    by: str
    weather: bool
    minutes: int
    wape: float
    coverage: float | None = None


def main() -> None:
    """Measure, and print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    rows = list(_measure(parser.parse_args().data / "uk_pod_feeder_pv"))
    for row in rows:
        print(row, file=sys.stderr)
    print(json.dumps({"rows": [asdict(row) for row in rows]}))


def _measure(folder: Path) -> Iterator[Row]:
    farm, halves = farm_of(folder)
    issues = midnights(farm, farm.index(SPLIT), len(farm.power_w))
    came = np.stack([halves[HALVES * at : HALVES * (at + DAY)] for at in issues])
    for weather in (False, True):
        known = farm if weather else replace(farm, irradiance_w_m2=None)
        said = np.stack([_said(known, at) for at in issues])
        half = np.stack([_by_half_hours(each) for each in said])
        hourly = came.reshape(len(issues), DAY, HALVES).mean(axis=-1)
        yield _row("wattmesh", weather, 60, said, hourly)
        yield _row("wattmesh", weather, 30, half, came)
        rival = _rival(farm, halves, issues, weather)
        yield Row(by="lightgbm", weather=weather, minutes=30, wape=_wape(rival, came))


def _row(by: str, weather: bool, minutes: int, said: Floats, came: Floats) -> Row:
    day = np.isfinite(came) & (said[..., 2] > 0)
    inside = (said[..., 0] <= came) & (came <= said[..., 2])
    return Row(
        by=by,
        weather=weather,
        minutes=minutes,
        wape=_wape(said[..., 1], came),
        coverage=round(float(inside[day].mean()), 3),
    )


def _wape(said: Floats, came: Floats) -> float:
    return round(float(np.nansum(np.abs(said - came)) / np.nansum(came)), 4)


def _said(farm: AssetHours, at: int) -> Floats:
    part = farm.between(at - LOOK_BACK, at + DAY)
    power = part.power_w.copy()
    power[LOOK_BACK:] = np.nan
    batch = Batch.of([replace(part, power_w=power)])
    rows = Rows.ahead(LOOK_BACK - 1, range(LOOK_BACK, LOOK_BACK + DAY))
    return np.asarray(seasonal_quantiles(Kind.PV, batch, rows, RATIOS)[0])


def _by_half_hours(hourly: Floats) -> Floats:
    return on_intervals(hourly, SPLIT, TimeRange.of(SPLIT, DAY * HOUR), HOUR / HALVES)


def farm_of(folder: Path) -> tuple[AssetHours, Floats]:
    """Return the farm by the hour with its weather, and its power by the half hour [W]."""
    metered = pd.read_parquet(folder / "demand_pv_halfhourly.parquet").set_index("timestamp_utc")
    weather = pd.read_parquet(folder / "weather_6points_hourly.parquet").set_index("timestamp_utc")
    every = pd.date_range(metered.index[0], metered.index[-1], freq="30min")
    halves = 1e6 * metered.pv_mw.reindex(every).to_numpy(np.float64)
    hours = every[::HALVES]
    start = datetime.fromtimestamp(hours[0].timestamp(), UTC)
    span = TimeRange.of(start, len(hours) * HOUR)
    assert FARM.location is not None
    sun = PvlibSky().suns([FARM.location], span)[FARM.location]
    points = weather.reindex(hours)
    ghi, celsius = (_mean(points, name) for name in ("solar", "temp"))
    farm = AssetHours(
        start=start,
        power_w=halves.reshape(-1, HALVES).mean(axis=1),
        clock=LocalClock.of(span, LONDON),
        sun=sun,
        temperature_celsius=celsius,
        irradiance_w_m2=PvlibPlane().effective_w_m2(FARM, start, sun, ghi, celsius),
    )
    return farm, halves


def _mean(points: pd.DataFrame, name: str) -> Floats:
    """Return the mean of a column over all grid points."""
    columns = [column for column in points.columns if column.startswith(name)]
    return np.asarray(points[columns].to_numpy(np.float64).mean(axis=1))


def _rival(farm: AssetHours, halves: Floats, issues: list[int], weather: bool) -> Floats:
    """Return what LightGBM says, (issues, 48) [W]."""
    split = HALVES * farm.index(SPLIT)
    first = HALVES * DAY * 8
    table = _table(farm, halves, weather)
    learnt = np.arange(first, split)
    learnt = learnt[np.isfinite(halves[learnt])]
    settings = {
        "objective": "l1",
        "learning_rate": 0.04,
        "num_leaves": 31,
        "min_data_in_leaf": 60,
        "feature_fraction": 0.8,
        "num_threads": 1,
        "verbosity": -1,
        "seed": 1,
    }
    data = lightgbm.Dataset(table[learnt], label=halves[learnt])
    booster = lightgbm.train(settings, data, num_boost_round=_TREES)
    asked = np.concatenate([np.arange(HALVES * at, HALVES * (at + DAY)) for at in issues])
    said = np.maximum(np.asarray(booster.predict(table[asked])), 0.0)
    return np.asarray(said.reshape(len(issues), HALVES * DAY))


def _table(farm: AssetHours, halves: Floats, weather: bool) -> Floats:
    """Return what LightGBM is told of each half hour, (n, features); nothing of the same day."""
    assert farm.sun is not None
    sun = [farm.sun.clear_sky_w_m2, farm.sun.elevation_degrees, farm.sun.azimuth_degrees]
    hourly = [*sun, *([farm.irradiance_w_m2, farm.temperature_celsius] if weather else [])]
    columns = [np.repeat(each, HALVES) for each in hourly if each is not None]
    day = HALVES * DAY
    lags = np.stack([np.roll(halves, day * back) for back in range(1, 8)], axis=1)
    number = np.arange(len(halves), dtype=np.float64)
    past = [lags, np.nanmean(lags, axis=1)[:, None], np.nanmax(lags, axis=1)[:, None]]
    return np.column_stack([*columns, *past, number % day])


if __name__ == "__main__":
    main()
