"""What weather consists of: one column a quantity, of wind one a height."""

from collections.abc import Mapping
from enum import StrEnum

import numpy as np

from wattmesh_forecast.domain.hours import Floats


class Quantity(StrEnum):
    """What a column holds: means over its intervals, in the unit of its name."""

    TEMPERATURE = "temperature_celsius"
    HUMIDITY = "humidity_ratio"
    GLOBAL_IRRADIANCE = "global_horizontal_irradiance_w_per_m2"
    DIRECT_IRRADIANCE = "direct_normal_irradiance_w_per_m2"
    DIFFUSE_IRRADIANCE = "diffuse_horizontal_irradiance_w_per_m2"
    CLOUD_COVER = "cloud_cover_ratio"
    PRESSURE = "pressure_pa"
    PRECIPITATION = "precipitation_kg_per_m2"
    """The only one that is a sum over the interval."""
    SNOW_DEPTH = "snow_depth_m"
    WIND_SPEED = "wind_speed_m_per_s"
    WIND_DIRECTION = "wind_direction_degrees"


BOUNDS: Mapping[Quantity, tuple[float, float]] = {
    Quantity.TEMPERATURE: (-90.0, 60.0),
    Quantity.HUMIDITY: (0.0, 1.0),
    Quantity.GLOBAL_IRRADIANCE: (0.0, 1500.0),
    Quantity.DIRECT_IRRADIANCE: (0.0, 1500.0),
    Quantity.DIFFUSE_IRRADIANCE: (0.0, 1500.0),
    Quantity.CLOUD_COVER: (0.0, 1.0),
    Quantity.PRESSURE: (30_000.0, 115_000.0),
    Quantity.PRECIPITATION: (0.0, 2000.0),
    Quantity.SNOW_DEPTH: (0.0, 30.0),
    Quantity.WIND_SPEED: (0.0, 150.0),
    Quantity.WIND_DIRECTION: (0.0, 360.0),
}
"""What weather there can be; beyond it nothing is believed."""


def column(quantity: Quantity, height_m: float | None = None) -> str:
    """Return the name of a column; wind's have their height: `wind_speed_m_per_s@10`."""
    return quantity.value if height_m is None else f"{quantity.value}@{height_m:g}"


def quantity_of(name: str) -> Quantity:
    """Return what a column holds."""
    return Quantity(name.partition("@")[0])


def height_of(name: str) -> float | None:
    """Return the height of a wind's column [m]; None for the others."""
    _, sign, height = name.partition("@")
    return float(height) if sign else None


def possible(name: str, values: Floats) -> Floats:
    """Return the values of a column, NaN for those that no weather has."""
    least, most = BOUNDS[quantity_of(name)]
    return np.where((values >= least) & (values <= most), values, np.nan)
