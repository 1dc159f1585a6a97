"""Ordinary operation of a zone: what its sensors show while a thermostat follows its schedule."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from tests.bench.hvac.houses import START, House, MadeClimate
from wattmesh_forecast.domain.thermal.influences import Plant
from wattmesh_forecast.domain.thermal.record import ZoneRecord
from wattmesh_kernel.sites import CopPoint, HeatPumpRating
from wattmesh_twin.domain.zone import Mode, Thermostat, Zone, ZoneState, as_shown

STEP = timedelta(minutes=30)
HOURS = 0.5


@dataclass
class Log:
    """What was metered, one list entry an interval."""

    temperature: list[float]
    heating: list[float]
    cooling: list[float]
    end: ZoneState


def schedule(house: House, office: bool, index: int) -> Thermostat:
    """Return what people have set at an interval: a setback by night or when nobody works."""
    of_day, weekday = (index * HOURS) % 24.0, (index * HOURS) // 24.0 % 7 < 5
    if house.cooling is not None:
        wanted = 24.0 if weekday and 7.0 <= of_day < 18.0 else 27.0
        return Thermostat(setpoint_celsius=wanted, mode=Mode.COOLING)
    if office:
        wanted = 21.0 if weekday and 6.0 <= of_day < 18.0 else 18.0
    else:
        wanted = 21.0 if 6.0 <= of_day < 22.0 else 19.0
    return Thermostat(setpoint_celsius=wanted)


def lived(house: House, climate: MadeClimate, days: int, office: bool) -> Log:
    """Return the log of some days of a zone under its schedule."""
    zone = Zone(spec=house.spec, climate=climate, heating=house.heating, cooling=house.cooling)
    warm = 25.0 if house.cooling else 20.0
    state = ZoneState(
        time=START, interior_celsius=warm, envelope_celsius=warm - 1, emitter_celsius=warm
    )
    random = np.random.default_rng(climate.seed + 7)
    log = Log([], [], [], state)
    for index in range(days * 48):
        heat = cool = 0.0
        for _ in range(30):
            state = zone.advance(
                state, schedule(house, office, index), state.time + timedelta(minutes=1)
            )
            heat += state.heating_w / 30
            cool += state.cooling_w / 30
        log.temperature.append(as_shown(state.interior_celsius + random.normal(0, 0.1)))
        log.heating.append(heat)
        log.cooling.append(cool)
    log.end = state
    return log


def record_of(log: Log, climate: MadeClimate, first: int, end: int) -> ZoneRecord:
    """Return what the platform sees of it: noisy sensors, PV in place of irradiance."""
    count = len(log.temperature)
    halves = slice(0, 2 * count)
    random = np.random.default_rng(climate.seed + 11)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(values[halves].reshape(count, 2).mean(axis=1))

    outdoor = np.round(mean(climate.outdoor) + random.normal(0, 0.2, count), 1)
    sun = np.clip(mean(climate.sun) / 800.0 * (1 + random.normal(0, 0.05, count)), 0, None)
    return ZoneRecord(
        hours=HOURS,
        temperature_celsius=np.array(log.temperature),
        outdoor_celsius=outdoor,
        heating_w=np.array(log.heating),
        cooling_w=np.array(log.cooling),
        hour_of_day=np.asarray((np.arange(count) * HOURS) % 24.0, dtype=np.float64),
        sun=sun,
        occupancy_ratio=mean(climate.occupied),
    ).part(first, end)


def rating(house: House) -> Plant:
    """Return what the maker's sheet says, the same for all: nobody measured this one."""
    if house.cooling is not None:
        points = _curve((20.0, 4.5), (35.0, 3.0))
        return Plant(
            cooling=HeatPumpRating(max_power_w=house.cooling.max_power_w, cop_points=points)
        )
    assert house.heating is not None
    points = _curve((-7.0, 2.4), (7.0, 3.6))
    return Plant(heating=HeatPumpRating(max_power_w=house.heating.max_power_w, cop_points=points))


def _curve(*points: tuple[float, float]) -> tuple[CopPoint, ...]:
    return tuple(CopPoint(outdoor_temperature_celsius=at, cop_ratio=cop) for at, cop in points)
