"""A wind turbine: what its power curve makes of an hour's wind at the hub.

Sources: the correction of wind speed for the density of the air is that of IEC 61400-12-1, 9.1.5,
for turbines that regulate by pitch; an hour's wind is not one speed, so the curve is averaged over
its turbulence, as in Nørgaard and Holttinen, "A multi-turbine power curve approach" (2004). These
are the formulae of windpowerlib (`power_output.py`, `power_curves.py`), which brings pandas along.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from wattmesh_forecast.domain.hours import Floats
from wattmesh_kernel.sites import WindRating

STANDARD_DENSITY_KG_PER_M3 = 1.225
"""Of the air that power curves are measured for."""
HIGHEST_M_PER_S = 40.0
_STEP_M_PER_S = 0.25
_TURBULENCE_RATIO = 0.12
"""Spread of the wind within an hour over its mean, over open ground."""
_USUAL_HUB_M = 30.0
_USUAL_POWER_W_PER_M2 = 350.0
"""Rated power over the rotor's area, of most turbines."""
_POWER_COEFFICIENT = 0.40
_CUT_IN_M_PER_S, _CUT_OUT_M_PER_S = 3.0, 25.0
_TURNS = np.array([NormalDist().inv_cdf(rank) for rank in (np.arange(11) + 0.5) / 11])
"""Normal scores of eleven equally likely winds of an hour."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Turbine:
    """What a turbine gives out of its rated power at hourly mean wind speeds, (speeds,).

    `speeds_m_per_s` are those at the hub in air of standard density.
    """

    rated_w: float
    hub_height_m: float
    speeds_m_per_s: Floats
    ratios: Floats

    @classmethod
    def of(cls, rating: WindRating) -> "Turbine":
        """Return the turbine of a rating: its own curve, or the one that its rotor lets expect."""
        return _turbine(rating)

    def ratio(self, speed_m_per_s: Floats) -> Floats:
        """Return power out over rated power at hourly mean speeds; NaN where none is known."""
        return np.asarray(np.interp(speed_m_per_s, self.speeds_m_per_s, self.ratios))


@lru_cache(maxsize=1024)
def _turbine(rating: WindRating) -> Turbine:
    speeds = np.arange(0.0, HIGHEST_M_PER_S + _STEP_M_PER_S, _STEP_M_PER_S)
    within = speeds[:, None] * (1.0 + _TURBULENCE_RATIO * _TURNS)
    ratios = _curve(rating, within).mean(axis=1)
    return Turbine(
        rated_w=rating.max_output_power_w,
        hub_height_m=_USUAL_HUB_M if rating.hub_height_m is None else rating.hub_height_m,
        speeds_m_per_s=speeds,
        ratios=np.clip(ratios, 0.0, 1.0),
    )


def _curve(rating: WindRating, speed_m_per_s: Floats) -> Floats:
    """Return power out over rated power at steady speeds at the hub.

    Without a curve of its own 40 % of the wind's power is taken, between cut-in and cut-out: a
    rotor of 7 m rated 10 kW gives 0.48 of it at 8 m/s.
    """
    if rating.power_curve:
        speeds = [each.wind_speed_m_per_s for each in rating.power_curve]
        powers = [each.output_power_w for each in rating.power_curve]
        found = np.interp(speed_m_per_s, speeds, powers, left=0.0, right=0.0)
        return np.minimum(found / rating.max_output_power_w, 1.0)
    power_w_per_m2 = 0.5 * STANDARD_DENSITY_KG_PER_M3 * _POWER_COEFFICIENT * speed_m_per_s**3
    found = np.minimum(power_w_per_m2 / _rated_w_per_m2(rating), 1.0)
    runs = (speed_m_per_s >= _CUT_IN_M_PER_S) & (speed_m_per_s <= _CUT_OUT_M_PER_S)
    return np.where(runs, found, 0.0)


def _rated_w_per_m2(rating: WindRating) -> float:
    if rating.rotor_diameter_m is None:
        return _USUAL_POWER_W_PER_M2
    return rating.max_output_power_w / (math.pi * rating.rotor_diameter_m**2 / 4.0)
