"""A room of an office with three masses that is aired while people are there, and looks east.

It is not of the family that is identified: air, furniture and slab are three nodes, and the air
from outside comes by how much warmer it is than the room just then.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import expm

from wattmesh_forecast.domain.thermal.influences import Plant, rated_cop
from wattmesh_forecast.domain.thermal.record import Floats, ZoneRecord
from wattmesh_kernel.sites import CopPoint, HeatPumpRating

HOURS = 0.5
PER_DAY = round(24 / HOURS)
PLANT = Plant(
    cooling=HeatPumpRating(
        max_power_w=3000.0, cop_points=(CopPoint(outdoor_temperature_celsius=20, cop_ratio=4.0),)
    )
)
_AIR, _FURNITURE, _SLAB = 0.4, 1.5, 12.0
"""Capacities [kWh/K]."""
_TO_FURNITURE, _TO_SLAB, _TO_OUTSIDE, _AIRED = 0.6, 0.6, 0.06, 0.12
"""Conductances from the air [kW/K]; the last only while people are there."""
_SUN_KW, _PEOPLE_KW, _LIGHT_KW = 3.0, 0.6, 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """What acts on the room, (n,) each."""

    hour: Floats
    outdoor: Floats
    sun: Floats
    people: Floats


def weather(days: int, seed: int) -> Weather:
    """Return some days from a Monday on."""
    random = np.random.default_rng(seed)
    count = days * PER_DAY
    hour = np.asarray((np.arange(count) * HOURS) % 24.0)
    day = np.arange(count) // PER_DAY
    level = np.repeat(random.normal(0, 2.5, days), PER_DAY)
    clear = np.repeat(random.uniform(0.3, 1.0, days), PER_DAY)
    sun = np.clip(np.sin(np.pi * (hour - 5.5) / 13), 0, None) * ((hour > 5.5) & (hour < 18.5))
    there = (hour >= 8) & (hour < 18) & (day % 7 < 5)
    return Weather(
        hour=hour,
        outdoor=20.0 + level + 8.0 * np.cos(2 * np.pi * (hour - 15.5) / 24),
        sun=sun * clear,
        people=there * random.uniform(0.5, 1.0, count),
    )


def set_points(of: Weather) -> Floats:
    """Return what its thermostat keeps it below [°C], shape (n,)."""
    works = np.arange(len(of.hour)) // PER_DAY % 7 < 5
    return np.where(works & (of.hour >= 6) & (of.hour < 18), 24.0, 29.0)


def lived(of: Weather, below: Floats) -> ZoneRecord:
    """Return what was measured of the room [°C, W]; its thermostat errs by nothing."""
    cop = rated_cop(PLANT.cooling, of.outdoor) if PLANT.cooling else np.ones(len(of.outdoor))
    east = np.clip(np.cos(2 * np.pi * (of.hour - 8.0) / 24), 0, None)
    gains = _SUN_KW * of.sun * east + _PEOPLE_KW * of.people + _LIGHT_KW * (of.people > 0)
    steps = {aired: _step(aired) for aired in (False, True)}
    state, temperatures, powers = np.array([25.0, 25.0, 24.5]), [], []
    for index, outside in enumerate(of.outdoor):
        a, b_outdoor, b_heat = steps[bool(of.people[index] > 0)]
        free = a @ state + b_outdoor * outside + b_heat * gains[index]
        heat = np.clip((free[0] - below[index]) / b_heat[0], 0.0, 3.0 * cop[index])
        state = free - b_heat * heat
        temperatures.append(state[0])
        powers.append(1e3 * heat / cop[index])
    return ZoneRecord(
        hours=HOURS,
        temperature_celsius=np.round(temperatures, 1),
        outdoor_celsius=of.outdoor,
        heating_w=np.zeros(len(of.hour)),
        cooling_w=np.array(powers),
        hour_of_day=of.hour,
        sun=of.sun,
        occupancy_ratio=of.people,
    )


def _step(aired: bool) -> tuple[Floats, Floats, Floats]:
    outside = _TO_OUTSIDE + (_AIRED if aired else 0.0)
    rate = np.zeros((5, 5))
    rate[0, 0] = -(outside + _TO_FURNITURE + _TO_SLAB) / _AIR
    rate[0, 1:] = np.array([_TO_FURNITURE, _TO_SLAB, outside, 1.0]) / _AIR
    rate[1, :2] = np.array([_TO_FURNITURE, -_TO_FURNITURE]) / _FURNITURE
    rate[2, 0], rate[2, 2] = _TO_SLAB / _SLAB, -_TO_SLAB / _SLAB
    step = expm(rate * HOURS)
    return step[:3, :3], step[:3, 3], step[:3, 4]
