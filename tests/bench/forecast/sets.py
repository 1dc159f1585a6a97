"""Measured loads to forecast: a campus and homes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from tests.bench.forecast.place import Place
from wattmesh_forecast.adapters.holidays import Holidays
from wattmesh_forecast.adapters.sky import PvlibSky
from wattmesh_forecast.domain.hours import HOUR, AssetHours, LocalClock
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.subjects import Location
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.adapters.data.folder import load_folder

LONDON = ZoneInfo("Europe/London")
CITYLEARN = Path(".wattmesh/data/citylearn/citylearn/data/citylearn_challenge_2022_phase_all")


CAMPUS_SPLIT = datetime(2020, 7, 1, tzinfo=UTC)
EVERY_THIRD = slice(2, None, 3)
"""Which buildings are not learnt from."""
HOMES_SPLIT = 6570
DEMO = slice(0, 5)


def campus(data: Path) -> Place:
    """Return twelve buildings, of which eight are learnt from until 2020-06."""
    assets = cambridge(data)
    unseen = list(assets)[EVERY_THIRD]
    learnt = [name for name in assets if name not in unseen]
    return Place(
        name="cambridge",
        assets=assets,
        learnt=learnt,
        split=next(iter(assets.values())).index(CAMPUS_SPLIT),
        groups={"seen": learnt, "unseen": unseen, "all": list(assets)},
    )


def homes() -> Place:
    """Return 17 homes and their sum, which is forecast as one; those of the demo are not learnt."""
    found = citylearn()
    unseen = list(found)[DEMO]
    return Place(
        name="citylearn",
        assets={**found, "sum": summed(list(found.values()))},
        learnt=[name for name in found if name not in unseen],
        split=HOMES_SPLIT,
        groups={"homes": list(found), "unseen": unseen, "sum": ["sum"]},
    )


def cambridge(data: Path) -> Mapping[str, AssetHours]:
    """Return the electricity of twelve buildings, 2019-01 to 2021-06, with measured temperature."""
    folder = data / "uk_cambridge_campus"
    meters = pd.read_parquet(folder / "dev_12_buildings_2019-01_2021-06.parquet")
    meters = meters[meters.meter == "electricity"]
    kwh = meters.pivot(index="timestamp_utc", columns="building", values="kwh").sort_index()
    hours = pd.date_range(kwh.index[0], kwh.index[-1], freq="h")
    weather = pd.read_parquet(folder / "weather_bedford_hourly_2017_2021-06.parquet")
    warmth = weather.set_index("timestamp_utc").reindex(hours).air_temp_c.to_numpy(np.float64)
    start = datetime.fromtimestamp(hours[0].timestamp(), UTC)
    clock = _clock(TimeRange.of(start, len(hours) * HOUR), LONDON)
    return {
        name: AssetHours(
            start=start,
            power_w=1000 * kwh[name].reindex(hours).to_numpy(np.float64),
            clock=clock,
            temperature_celsius=warmth,
        )
        for name in sorted(map(str, kwh.columns), key=lambda each: int(each[1:]))
    }


def citylearn() -> Mapping[str, AssetHours]:
    """Return the loads of 17 homes, a year; no weather of their own."""
    data = load_folder(CITYLEARN, "1-17")
    found = {}
    for site in data.sites:
        (power,) = site.loads_w.values()
        power = power.to_resolution(HOUR)
        found[site.spec.id.name] = AssetHours(
            start=power.start,
            power_w=power.values,
            clock=_clock(TimeRange(power.start, power.end), data.zone),
        )
    return found


def homes_to_play() -> Mapping[Kind, list[AssetHours]]:
    """Return the loads and the solar plants of the five homes of the demo, a year."""
    data, sky = load_folder(CITYLEARN, "1-5"), PvlibSky()
    found: dict[Kind, list[AssetHours]] = {Kind.LOAD: [], Kind.PV: []}
    for site in data.sites:
        (load,) = site.loads_w.values()
        where = site.spec.location
        assert where is not None
        assert site.pv_available_w is not None
        place = Location(
            latitude_degrees=where.latitude_degrees, longitude_degrees=where.longitude_degrees
        )
        for kind, series in ((Kind.LOAD, load), (Kind.PV, site.pv_available_w)):
            power = series.to_resolution(HOUR)
            span = TimeRange(power.start, power.end)
            found[kind].append(
                AssetHours(
                    start=power.start,
                    power_w=power.values,
                    clock=_clock(span, data.zone),
                    sun=sky.suns([place], span)[place] if kind is Kind.PV else None,
                )
            )
    return found


def summed(assets: Sequence[AssetHours]) -> AssetHours:
    """Return the sum of assets on one raster as one."""
    total = np.sum([asset.power_w for asset in assets], axis=0)
    return AssetHours(start=assets[0].start, power_w=total, clock=assets[0].clock)


def _clock(span: TimeRange, zone: ZoneInfo) -> LocalClock:
    return LocalClock.of(span, zone, Holidays().days(zone, span))
