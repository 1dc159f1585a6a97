"""Outlooks of zones and tanks: each its own, said from what was metered, and honest."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from tests.fakes.eventually import eventually
from tests.fakes.forecast_ports import GivenHolidays
from tests.fakes.manual_clock import ManualClock
from tests.fakes.thermal_site import START, STEP, TANK, TANK_RATING, ZONE, ThermalSite
from tests.fakes.thermal_zone import HEAT_K_PER_KWH, RATES, zone_record
from wattmesh.forecast.v1 import forecast_pb2, thermal_pb2
from wattmesh_forecast.api.convert_thermal import outlook_to_proto
from wattmesh_forecast.app.thermal_history import ThermalHistory
from wattmesh_forecast.app.thermal_outlooks import IssueThermalOutlooks, Outlook
from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.thermal.expected import as_lately, on_raster, outdoor_ahead
from wattmesh_forecast.domain.thermal.identify import Verdict
from wattmesh_forecast.domain.thermal.influences import rated_cop
from wattmesh_forecast.domain.thermal.outlook import TankOutlook, ZoneOutlook
from wattmesh_forecast.domain.thermal.subjects import ThermalSubject
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_forecast.domain.weather.hours import WeatherHours
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange

HOUR = timedelta(hours=1)
DAYS = 16


class World:
    def __init__(self, days: int = DAYS) -> None:
        self.clock = ManualClock(START + timedelta(days=days, minutes=5))
        self.site = ThermalSite(zone_record(days))
        self.history = ThermalHistory(self.site, self.site)
        self.issue = IssueThermalOutlooks(self.site, self.history, self.clock, GivenHolidays())

    async def ask(self, *assets: AssetId, resolution: timedelta = HOUR) -> list[Outlook]:
        start = self.clock.now() - timedelta(minutes=5)
        span = TimeRange.of(start, timedelta(hours=24))
        return await self.issue(Wanted(assets=assets, span=span, resolution=resolution, ratios=()))

    async def zone(self, resolution: timedelta = HOUR) -> ZoneOutlook:
        (outlook,) = await self.ask(ZONE, resolution=resolution)
        assert isinstance(outlook, ZoneOutlook)
        return outlook


async def test_an_identified_zone_has_its_model_and_what_acts_on_it() -> None:
    outlook = await World().zone()
    assert outlook.identified.verdict is Verdict.IDENTIFIED
    assert outlook.model is not None
    assert outlook.model.air_capacity_wh_per_k == pytest.approx(1000 / HEAT_K_PER_KWH, rel=0.15)
    leak = 1000 / HEAT_K_PER_KWH * RATES.leak
    assert 1 / outlook.model.air_outdoor_resistance_k_per_w == pytest.approx(leak, rel=0.3)
    assert outlook.gains_w is not None
    assert outlook.outdoor_celsius is not None
    assert len(outlook.gains_w) == len(outlook.outdoor_celsius) == 24
    assert outlook.gains_w[12] > outlook.gains_w[0] + 200.0, "the sun is what it knows best"
    assert [point.cop_ratio for point in outlook.heating_cop] == pytest.approx([3.0] * 5, rel=0.25)


async def test_fans_that_run_along_are_said_for_every_interval() -> None:
    world = World()
    assert (await world.zone()).along_ratio is None, "nothing else is metered at the site"
    world = World()
    world.site.fans(0.5)
    message = outlook_to_proto(await world.zone()).zone
    assert len(message.along_ratios) == 24
    assert 0.3 < sum(message.along_ratios) / 24 <= 0.55


class ColdSnap:
    """A frost of which only the first half day is forecast."""

    def known(self, place: Location, hours: TimeRange) -> WeatherHours:
        celsius = np.full(hours.count(HOUR), np.nan)
        celsius[:12] = -20.0
        nothing = np.full_like(celsius, np.nan)
        return WeatherHours(
            temperature_celsius=celsius, irradiance_w_m2=nothing, pressure_pa=nothing
        )


async def test_a_temperature_that_is_forecast_goes_before_that_of_the_last_days() -> None:
    world = World(days=3)
    world.issue = IssueThermalOutlooks(
        Located(world.site), world.history, world.clock, GivenHolidays(), ColdSnap()
    )
    outlook = await world.zone()
    assert outlook.outdoor_celsius is not None
    assert list(outlook.outdoor_celsius[:11]) == pytest.approx([-20.0] * 11)
    assert min(outlook.outdoor_celsius[13:]) > -15.0


class Located:
    """A thermal site at a known place."""

    def __init__(self, site: ThermalSite) -> None:
        self._site = site

    def thermal(self, asset: AssetId, at: datetime) -> ThermalSubject | NotForecast:
        found = self._site.thermal(asset, at)
        here = Location(latitude_degrees=52.0, longitude_degrees=13.0)
        return found if isinstance(found, NotForecast) else replace(found, location=here)


@pytest.mark.parametrize("minutes", [5, 15, 30, 60])
async def test_every_interval_asked_for_has_a_value(minutes: int) -> None:
    outlook = await World().zone(timedelta(minutes=minutes))
    assert outlook.gains_w is not None
    assert len(outlook.gains_w) == 24 * 60 // minutes
    assert np.isfinite(outlook.gains_w).all()


async def test_a_young_zone_says_why_it_has_no_model_and_how_it_goes_on() -> None:
    outlook = await World(days=3).zone()
    assert outlook.identified.verdict is Verdict.TOO_SHORT
    assert outlook.model is None
    assert outlook.powers_w is not None
    assert outlook.outdoor_celsius is not None


async def test_a_sensor_that_fell_silent_leaves_the_model_and_no_state() -> None:
    world = World()
    world.site.silent(ZONE, START + timedelta(days=DAYS - 4))
    outlook = await world.zone()
    assert outlook.identified.usable
    assert outlook.state_time is None


async def test_what_fails_for_one_costs_that_one() -> None:
    world = World()
    nobody = AssetId.parse("sites/home-1/assets/nobody")
    zone, other = await world.ask(ZONE, nobody)
    assert isinstance(zone, ZoneOutlook)
    assert isinstance(other, NotForecast)
    assert other.reason is Reason.UNKNOWN_ASSET


async def test_metering_away_is_said() -> None:
    world = World()
    world.site.away = True
    (outlook,) = await world.ask(ZONE)
    assert isinstance(outlook, NotForecast)
    assert outlook.reason is Reason.HISTORY_UNAVAILABLE


async def test_only_the_end_of_the_past_is_read_again() -> None:
    world = World()
    await world.zone()
    before = world.site.asked
    world.clock.advance(HOUR)
    await world.zone()
    assert world.site.asked - before < 60


async def test_it_is_identified_once_a_day_and_nobody_waits_for_it_again() -> None:
    world = World()
    first = await world.zone()
    world.clock.advance(HOUR)
    assert (await world.zone()).identify_time == first.identify_time
    world.clock.advance(timedelta(days=1))
    assert (await world.zone()).identify_time == first.identify_time

    async def anew() -> bool:
        return (await world.zone()).identify_time > first.identify_time

    await eventually(anew)


async def test_who_cannot_wait_finds_it_when_he_asks_again() -> None:
    """A plan's question has a second; on a busy machine a zone takes longer to identify."""
    world = World()
    asked = world.clock.now()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await world.zone()
    world.clock.advance(HOUR)
    await eventually(lambda: bool(world.issue.identified))
    assert (await world.zone()).identify_time == asked


async def test_what_users_draw_from_a_tank_follows_from_its_balance() -> None:
    """800 W at seven and eight o'clock, as much as its heater puts in then."""
    world = World()
    count = DAYS * 48
    hour = (np.arange(count) * 0.5) % 24
    drawn = np.where((hour >= 7) & (hour < 9), 800.0, 0.0)
    outdoor = world.site.values[next(each for each in world.site.values if "outdoor" in each.name)]
    temperature = np.full(count, 55.0)
    loss = TANK_RATING.loss_w_per_k * 35.0
    power = (drawn + loss) / rated_cop(TANK_RATING.heater, outdoor)
    world.site.tank(temperature, power)
    (outlook,) = await world.ask(TANK)
    assert isinstance(outlook, TankOutlook)
    assert outlook.draws_w is not None
    assert outlook.draws_w[7:9] == pytest.approx([800.0, 800.0], abs=30.0)
    assert outlook.draws_w[0:6] == pytest.approx([0.0] * 6, abs=30.0)


async def test_the_wire_says_the_same() -> None:
    outlook = await World().zone()
    message = outlook_to_proto(outlook).zone
    assert message.verdict == thermal_pb2.ZONE_VERDICT_IDENTIFIED
    assert message.thermal_model.air_capacity_wh_per_k > 0
    assert len(message.heat_gains_w) == 24
    young = outlook_to_proto(await World(days=3).zone()).zone
    assert not young.HasField("thermal_model")
    failed = NotForecast(asset=ZONE, reason=Reason.INCOMPLETE_SITE_MODEL, message="no meter")
    reason = outlook_to_proto(failed).failure.reason
    assert reason == forecast_pb2.FORECAST_FAILURE_REASON_INCOMPLETE_SITE_MODEL


def test_yesterday_at_the_same_time_comes_again() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 5.0, np.nan])
    assert as_lately(values, 4, 5).tolist() == [2.0, 3.0, 4.0, 4.0, 2.0]


def test_a_warmer_day_goes_on_for_a_while() -> None:
    days = np.tile(np.linspace(0, 10, 48), 3)
    days[-8:] += 4.0
    ahead = outdoor_ahead(days, 0.5, 48)
    assert ahead[0] > days[0] + 2.0
    assert ahead[-1] < days[47] + 4.0


def test_means_over_another_raster_keep_what_they_add_up_to() -> None:
    values = np.array([1.0, 3.0, 5.0, 7.0])
    assert on_raster(values, START, STEP, START, HOUR, 2).tolist() == [2.0, 6.0]
    quarters = on_raster(values, START, STEP, START, timedelta(minutes=15), 8)
    assert quarters.tolist() == [1.0, 1.0, 3.0, 3.0, 5.0, 5.0, 7.0, 7.0]
