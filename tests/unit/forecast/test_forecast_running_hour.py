"""What is known of the running hour tells of its rest and of the next one."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from tests.fakes.forecast_assets import START, load_hours, pv_hours
from tests.fakes.forecast_ports import (
    AsGiven,
    FakeModels,
    FixedHistory,
    GivenHolidays,
    GivenLabels,
    OutcomeCount,
    SimpleSky,
    StoredForecasts,
)
from tests.fakes.forecast_sites import FONTANA, view_of
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.issue import IssueForecasts
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.running_hour import RunningHour
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.outcome import Issued
from wattmesh_forecast.domain.running_hour import SoFar, estimated
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

LOAD, PV = (AssetId(SiteId("home-1"), name) for name in ("load", "pv"))
STEP = timedelta(minutes=5)
HOURS = 35 * 24
NOON = START + timedelta(hours=HOURS + 13)
"""The sun of the fakes stands highest at 20:00 UTC, and their days begin at 7."""


def steps(hourly: Floats, running: float) -> Series:
    """Return readings every five minutes that swing within each hour, the newest 40 min given."""
    swing = np.tile(np.linspace(0.9, 1.1, 12), len(hourly))
    known = np.repeat(hourly, 12) * swing
    return Series(START, STEP, np.concatenate([known, np.full(8, running), np.full(4, np.nan)]))


class World:
    """A home whose load and plant are known up to 40 minutes of the running hour."""

    def __init__(self, load_w: float, pv_w: float, *, with_running: bool = True) -> None:
        hours = HOURS + 13
        power = {
            LOAD: steps(load_hours(40, ahead=0).power_w[:hours], load_w),
            PV: steps(-pv_hours(40, ahead=0).power_w[:hours], -pv_w),
        }
        self.history = FixedHistory(power)
        each = EachHistory(self.history)
        running = RunningHour(each) if with_running else None
        sites = FollowedSites(view_of([LOAD, PV], FONTANA))
        models = FakeModels()
        models.away = True
        self.clock = ManualClock(NOON + timedelta(minutes=40))
        self._issue = IssueForecasts(
            sites=sites,
            past=Past(each, SimpleSky(), GivenHolidays(), None, running),
            models=models,
            stretches=AsGiven(),
            labels=GivenLabels(),
            store=StoredForecasts(),
            clock=self.clock,
            observations=OutcomeCount(),
        )

    async def issue(self, start: datetime, resolution: timedelta) -> tuple[Forecast, Forecast]:
        span = TimeRange.of(start, timedelta(hours=6))
        wanted = Wanted(assets=(LOAD, PV), span=span, resolution=resolution, ratios=())
        load, pv = (e.forecast for e in await self._issue(wanted) if isinstance(e, Issued))
        return load, pv


async def test_the_next_hour_is_moved_by_the_minutes_so_far() -> None:
    start = NOON + HOUR

    low, bright = await World(300.0, 3000.0).issue(start, HOUR)
    high, dark = await World(1500.0, 300.0).issue(start, HOUR)

    assert high.median_w[0] > low.median_w[0] + 150
    assert bright.median_w[0] < dark.median_w[0] - 500  # generation is negative
    assert abs(high.median_w[5] - low.median_w[5]) < abs(high.median_w[0] - low.median_w[0])
    assert low.last_measured == NOON + timedelta(minutes=40)


async def test_the_rest_of_the_running_hour_goes_on_from_the_minutes_so_far() -> None:
    start, quarter = NOON + timedelta(minutes=45), timedelta(minutes=15)

    _, told = await World(700.0, 500.0).issue(start, quarter)
    _, untold = await World(700.0, 500.0, with_running=False).issue(start, quarter)

    assert told.range == untold.range
    assert -1000 < told.median_w[0] < -400
    assert untold.median_w[0] < 1.5 * told.median_w[0]
    assert (np.diff(told.power_w, axis=0) >= 0).all()


async def test_a_metering_that_does_not_tell_of_the_hour_costs_nothing_but_that() -> None:
    world = World(700.0, 500.0)
    other = World(700.0, 500.0, with_running=False)
    for asset, power in world.history.power.items():
        world.history.power[asset] = power.with_values(
            np.concatenate([power.values[:-12], np.full(12, np.nan)])
        )

    found = await world.issue(NOON + HOUR, HOUR)

    expected = await other.issue(NOON + HOUR, HOUR)
    for one, another in zip(found, expected, strict=True):
        assert np.array_equal(one.power_w, another.power_w)
        assert one.last_measured == another.last_measured


async def test_the_running_hour_is_asked_for_once_in_five_minutes() -> None:
    world = World(700.0, 500.0)

    await world.issue(NOON + HOUR, HOUR)
    await world.issue(NOON + HOUR, timedelta(minutes=15))
    first = sum(span.duration < 2 * HOUR for span in world.history.queries)
    world.clock.advance(STEP)
    await world.issue(NOON + HOUR, HOUR)

    assert first == 1
    assert sum(span.duration < 2 * HOUR for span in world.history.queries) == 2


def test_an_hour_that_is_told_as_one_value_is_known_by_its_first_minutes() -> None:
    power = np.full((1, 9 * 24), 400.0)
    power[:, 200:] = np.nan
    moment = START + timedelta(minutes=15)

    held, _ = estimated(Kind.LOAD, power, [None], 200, [SoFar(until=moment, mean_w=900, held=True)])
    half = SoFar(until=START + timedelta(minutes=30), mean_w=800)
    whole, rest = estimated(Kind.LOAD, power, [None], 200, [half])

    assert held[0] == 900.0
    assert rest[0] == pytest.approx(608.0)
    assert whole[0] == pytest.approx(704.0)


def test_a_plant_in_the_morning_is_not_taken_for_dark_because_the_sun_was_lower() -> None:
    asset = pv_hours(30, ahead=48)
    assert asset.sun is not None
    clear = 3.6 * asset.sun.clear_sky_w_m2
    power = np.where(np.arange(len(clear)) < 30 * 24 + 10, clear, np.nan)[None]
    position = 30 * 24 + 10  # the sun rises steeply
    first = SoFar(until=START + timedelta(minutes=30), mean_w=0.9 * clear[position])

    whole, rest = estimated(Kind.PV, power, [asset.sun], position, [first])

    assert rest[0] > first.mean_w
    assert whole[0] == pytest.approx(clear[position], rel=0.1)
