"""Forecasts by weather: loads, plants, and wind turbines."""

import numpy as np

from tests.fakes.forecast_assets import START, simple_sun
from tests.unit.forecast.test_forecast_issue import LOADS, PVS, WIND, World, wanted
from wattmesh_forecast.adapters.plane import PvlibPlane
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather.hours import WeatherHours
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


class SteadyWeather:
    """The same temperature always, and half of a clear sky's sun."""

    def known(self, place: Location, hours: TimeRange) -> WeatherHours:
        count = hours.count(HOUR)
        return WeatherHours(
            temperature_celsius=np.full(count, 21.0),
            irradiance_w_m2=0.5 * simple_sun(hours.start, count).clear_sky_w_m2,
            pressure_pa=np.full(count, 101_325.0),
            winds_m_per_s={10.0: np.full(count, 8.0)},
        )


async def test_loads_are_told_the_weather_and_plants_forecast_by_it() -> None:
    told, blind = World(weather=(SteadyWeather(), PvlibPlane())), World()

    load, pv = await told.issue(wanted(LOADS[0], PVS[0]))
    _, otherwise = await blind.issue(wanted(LOADS[0], PVS[0]))

    assert (load.source, pv.source) == ("model:load/3", "weather")
    assert otherwise.source == "model:pv/3"
    assert (pv.power_w <= 0).all()
    assert pv.power_w.min() < -500


def blew(hours: int = 35 * 24) -> Series:
    """A turbine of 10 kW that gave 0 to 6 kW."""
    return Series(START, HOUR, -3000.0 * (1.0 + np.sin(np.arange(hours) / 9.0)))


async def test_a_turbine_is_forecast_by_its_wind_as_generation_within_its_rating() -> None:
    told, blind = World(weather=(SteadyWeather(), PvlibPlane())), World()
    for world in (told, blind):
        world.history.power[WIND] = blew()

    (by_wind,) = await told.issue(wanted(WIND, hours=48))
    (without,) = await blind.issue(wanted(WIND, hours=48))

    assert (by_wind.source, without.source) == ("weather", "seasonal")
    for each in (by_wind, without):
        assert (each.power_w <= 0).all()
        assert (each.power_w >= -10_000).all()
        assert (np.diff(each.power_w, axis=0) >= 0).all()
        assert each.kind is Kind.WIND
    wide = [np.mean(each.power_w[-1] - each.power_w[0]) for each in (by_wind, without)]
    assert wide[1] > 3000  # nobody knows whether it will blow
    assert told.models.asked == blind.models.asked == []


async def test_a_turbine_that_never_gave_a_reading_is_forecast_by_its_curve() -> None:
    told, blind = World(weather=(SteadyWeather(), PvlibPlane())), World()
    for world in (told, blind):
        world.history.power[WIND] = Series(START, HOUR, np.full(35 * 24, np.nan))

    (by_wind,) = await told.issue(wanted(WIND))
    (without,) = await blind.issue(wanted(WIND))

    assert (by_wind.source, without.source) == ("weather", "assumed")
    assert by_wind.last_measured is None
    assert -10_000 <= by_wind.median_w.min() <= by_wind.median_w.max() < -3000
    assert np.mean(without.power_w[-1] - without.power_w[0]) > 5000
