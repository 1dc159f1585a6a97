from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.fakes.forecast_assets import LOS_ANGELES, START, load_hours, pv_hours, simple_sun
from tests.fakes.forecast_ports import (
    FakeModels,
    FixedHistory,
    FixedSites,
    ForecastShelf,
    IssuedCount,
    SimpleSky,
)
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.app.issue import IssueForecasts
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.sites import Location
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument, NotFound
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

LOADS = [AssetId(SiteId(f"home-{n}"), "load") for n in (1, 2)]
PVS = [AssetId(SiteId(f"home-{n}"), "pv") for n in (1, 2)]
BATTERY = AssetId(SiteId("home-1"), "battery")
FONTANA = Location(latitude_degrees=34.09, longitude_degrees=-117.43)
NOW = START + timedelta(days=35)
T = NOW + HOUR


class World:
    """Two homes, five weeks after their meters began, half an hour before an interval."""

    def __init__(self, *, location: Location | None = FONTANA) -> None:
        power = {a: Series(START, HOUR, load_hours(seed=n).power_w) for n, a in enumerate(LOADS)}
        power |= {a: Series(START, HOUR, -pv_hours(seed=n).power_w) for n, a in enumerate(PVS)}
        self.history = FixedHistory(power)
        self.models = FakeModels()
        self.store = ForecastShelf()
        self.counted = IssuedCount()
        self.clock = ManualClock(NOW + timedelta(minutes=30))
        self.issue = IssueForecasts(
            sites=FixedSites([*LOADS, *PVS, BATTERY], LOS_ANGELES, location),
            past=Past(self.history, SimpleSky()),
            models=self.models,
            store=self.store,
            clock=self.clock,
            observations=self.counted,
        )


def wanted(
    *assets: AssetId,
    start: datetime = T,
    hours: float = 24,
    resolution: timedelta = HOUR,
    ratios: tuple[float, ...] = (),
) -> Wanted:
    span = TimeRange.of(start, timedelta(hours=hours))
    return Wanted(assets=assets, span=span, resolution=resolution, ratios=ratios)


async def test_each_asset_gets_a_forecast_in_the_order_asked_with_one_call_per_model() -> None:
    world = World()

    forecasts = await world.issue(wanted(PVS[1], LOADS[0], PVS[0], LOADS[1]))

    assert [f.asset for f in forecasts] == [PVS[1], LOADS[0], PVS[0], LOADS[1]]
    assert [f.source for f in forecasts] == ["model:pv/3", "model:load/3"] * 2
    assert sorted(world.models.asked) == [("load", 48), ("pv", 48)]
    assert world.store.forecasts == forecasts
    assert world.counted.count == 4
    assert {f.issue_time for f in forecasts} == {world.clock.now()}
    assert all(f.range == TimeRange.of(T, timedelta(days=1)) for f in forecasts)
    assert all(f.name.startswith(f"{f.asset.name}/forecasts/") for f in forecasts)


async def test_a_load_is_positive_and_a_plant_negative_with_rising_quantiles() -> None:
    world = World()

    load, pv = await world.issue(wanted(LOADS[0], PVS[0], ratios=(0.9, 0.1, 0.5, 0.25)))

    assert load.ratios == pv.ratios == (0.1, 0.25, 0.5, 0.9)
    assert (load.power_w > 0).all()
    assert (pv.power_w <= 0).all()
    assert (pv.power_w < 0).any()
    assert (np.diff(load.power_w, axis=0) >= 0).all()
    assert (np.diff(pv.power_w, axis=0) >= 0).all()


async def test_a_plant_is_forecast_to_rest_at_night_whatever_the_model_says() -> None:
    world = World()

    (pv,) = await world.issue(wanted(PVS[0]))
    night = simple_sun(T, 24).clear_sky_w_m2 == 0

    assert (pv.power_w[:, night] == 0).all()


async def test_without_a_model_the_forecast_is_seasonal_and_says_so() -> None:
    world = World()
    world.models.away = True

    load, pv = await world.issue(wanted(LOADS[0], PVS[0]))

    assert (load.source, pv.source) == ("seasonal", "seasonal")
    assert load.power_w.shape == (3, 24)
    assert (np.diff(load.power_w, axis=0) >= 0).all()
    assert (pv.power_w <= 0).all()


async def test_quarter_hours_hold_the_hour_and_longer_intervals_are_its_mean() -> None:
    world = World()

    (hourly,) = await world.issue(wanted(LOADS[0], hours=4))
    (quarters,) = await world.issue(
        wanted(LOADS[0], start=NOW + timedelta(minutes=45), hours=2, resolution=HOUR / 4)
    )
    (pairs,) = await world.issue(wanted(LOADS[0], hours=4, resolution=2 * HOUR))

    assert quarters.power_w.shape == (3, 8)
    assert np.allclose(quarters.power_w[1, 1:5], hourly.power_w[1, 0])
    assert np.allclose(pairs.power_w[1, 0], hourly.power_w[1, :2].mean())


async def test_the_running_interval_may_still_be_asked_for() -> None:
    world = World()

    (forecast,) = await world.issue(wanted(LOADS[0], start=NOW, hours=2))

    assert forecast.start == NOW


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"start": NOW - HOUR}, "RANGE_IN_THE_PAST"),
        ({"hours": 24 * 8}, "RANGE_TOO_FAR"),
        ({"hours": 0}, "INVALID_RANGE"),
        ({"start": T + timedelta(minutes=1)}, "INVALID_RANGE"),
        ({"resolution": timedelta(minutes=50)}, "INVALID_RESOLUTION"),
        ({"resolution": timedelta(seconds=1)}, "INVALID_RESOLUTION"),
        ({"resolution": timedelta(0)}, "INVALID_RESOLUTION"),
        ({"ratios": (1.5,)}, "INVALID_QUANTILE"),
    ],
)
async def test_what_makes_no_sense_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await World().issue(wanted(LOADS[0], **change))
    assert caught.value.reason == reason


async def test_the_same_asset_twice_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        wanted(LOADS[0], LOADS[0])


async def test_an_asset_that_is_neither_load_nor_plant_is_refused_by_name() -> None:
    with pytest.raises(InvalidArgument, match="battery"):
        await World().issue(wanted(BATTERY))


async def test_an_asset_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        await World().issue(wanted(AssetId(SiteId("home-1"), "shed")))


async def test_a_plant_at_an_unknown_place_cannot_be_forecast() -> None:
    with pytest.raises(FailedPrecondition, match="latitude"):
        await World(location=None).issue(wanted(PVS[0]))


async def test_an_asset_without_readings_is_named() -> None:
    world = World()
    world.history.power[LOADS[0]] = Series(START, HOUR, np.full(30, np.nan))

    with pytest.raises(FailedPrecondition, match="home-1/assets/load"):
        await world.issue(wanted(LOADS[0]))


async def test_readings_that_come_late_are_missed_but_not_awaited() -> None:
    world = World()
    power = world.history.power[LOADS[0]].values.copy()
    power[35 * 24 - 5 :] = np.nan
    world.history.power[LOADS[0]] = Series(START, HOUR, power)

    (forecast,) = await world.issue(wanted(LOADS[0]))

    assert np.isfinite(forecast.power_w).all()
