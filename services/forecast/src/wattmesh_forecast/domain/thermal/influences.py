"""What acts on a zone beside the outdoor temperature, each as one input of a linear model."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from wattmesh_forecast.domain.thermal.record import Floats, ZoneRecord, varies
from wattmesh_kernel.sites import HeatPumpRating

REFERENCE_CELSIUS = {"heating": 5.0, "cooling": 28.0}
"""Outdoor temperatures at which a plant's rated efficiency is believed."""


class Influence(StrEnum):
    """One input, with what its factor means."""

    HEATING = "heating"
    """Heat of the plant by its rating [kW]: K/h per kW, which is 1 / C_air."""
    HEATING_SLOPE = "heating_slope"
    """The same, by how far it is warmer outside than at the reference [10 K]."""
    COOLING = "cooling"
    COOLING_SLOPE = "cooling_slope"
    SUN = "sun"
    """K/h of full sun."""
    SUN_EAST = "sun_east"
    """The same, by how far it stands in the east (negative: in the west): where windows look."""
    PEOPLE = "people"
    """K/h of all usual occupants."""
    OPEN = "open"
    """K/h of what runs while anybody is there, however many: lights, fans."""
    VENTILATION = "ventilation"
    """K/h that air from outside brings then, by how far it is warmer outside than within [10 K]."""
    STEADY = "steady"
    """K/h that are always there."""
    DAILY_COS = "daily_cos"
    DAILY_SIN = "daily_sin"
    HALF_DAILY_COS = "half_daily_cos"
    HALF_DAILY_SIN = "half_daily_sin"


PRIOR_K_PER_H = {
    Influence.SUN: 2.0,
    Influence.SUN_EAST: 1.0,
    Influence.PEOPLE: 1.0,
    Influence.OPEN: 0.5,
    Influence.VENTILATION: 1.0,
    Influence.STEADY: 0.3,
    Influence.DAILY_COS: 0.1,
    Influence.DAILY_SIN: 0.1,
    Influence.HALF_DAILY_COS: 0.05,
    Influence.HALF_DAILY_SIN: 0.05,
}
"""How large a factor is before anything was seen [K/h], as a standard deviation around 0.

A house of 3 kWh/K that people and devices heat with 300 W warms by 0.1 K/h. An office that is aired
with 0.4 l/s for each m2 (ASHRAE 62.1, table 6-1) and holds 4 Wh/K there with its furniture takes
1.2 K/h of 10 K.
"""
PRIOR_SLOPE_RATIO = 0.15
"""By how much a plant's efficiency may differ from its rating's curve per 10 K."""
PRIOR_HEAT_K_PER_KWH = (0.35, 1.0)
"""Heat response [K/kWh] before anything was seen: middle, and its spread as a logarithm."""

_ROOM_CELSIUS = 22.0
_OPEN_FROM_RATIO = 0.2
"""Of the usual occupants, from which on a building is open: what runs then no longer grows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plant:
    """The machines of a zone by their rating; None: there is none."""

    heating: HeatPumpRating | None = None
    cooling: HeatPumpRating | None = None


def rated_cop(pump: HeatPumpRating, outdoor_celsius: Floats) -> Floats:
    """Return heat (or cold) per electric energy by the rating, shape of the temperatures."""
    temperatures = [point.outdoor_temperature_celsius for point in pump.cop_points]
    return np.asarray(
        np.interp(outdoor_celsius, temperatures, [point.cop_ratio for point in pump.cop_points])
    )


def inputs_of(record: ZoneRecord, plant: Plant) -> dict[Influence, Floats]:
    """Return each input over a record, shape (count,); those that never vary are left out."""
    found: dict[Influence, Floats] = {}
    if plant.heating is not None:
        heat_kw = rated_cop(plant.heating, record.outdoor_celsius) * record.heating_w / 1000.0
        found[Influence.HEATING] = heat_kw
        found[Influence.HEATING_SLOPE] = heat_kw * _warmer(record, "heating")
    if plant.cooling is not None:
        cold_kw = rated_cop(plant.cooling, record.outdoor_celsius) * record.cooling_w / 1000.0
        found[Influence.COOLING] = -cold_kw
        found[Influence.COOLING_SLOPE] = -cold_kw * _warmer(record, "cooling")
    if varies(record.sun) and record.sun is not None:
        found[Influence.SUN] = record.sun
        found[Influence.SUN_EAST] = record.sun * np.sin(_angle(record.hour_of_day))
    if varies(record.occupancy_ratio) and record.occupancy_ratio is not None:
        opened = np.minimum(record.occupancy_ratio / _OPEN_FROM_RATIO, 1.0)
        found[Influence.PEOPLE], found[Influence.OPEN] = record.occupancy_ratio, opened
        warmer = (record.outdoor_celsius - _ROOM_CELSIUS) / 10.0
        found[Influence.VENTILATION] = opened * warmer
    found[Influence.STEADY] = np.ones(record.count)
    angle = _angle(record.hour_of_day)
    found[Influence.DAILY_COS], found[Influence.DAILY_SIN] = np.cos(angle), np.sin(angle)
    found[Influence.HALF_DAILY_COS] = np.cos(2.0 * angle)
    found[Influence.HALF_DAILY_SIN] = np.sin(2.0 * angle)
    return found


def _warmer(record: ZoneRecord, use: str) -> Floats:
    return (record.outdoor_celsius - REFERENCE_CELSIUS[use]) / 10.0


def _angle(hour_of_day: Floats) -> Floats:
    """Return the hour as an angle, 0 at midnight: its sine is highest at six in the morning."""
    return np.asarray(2.0 * np.pi * hour_of_day / 24.0)
