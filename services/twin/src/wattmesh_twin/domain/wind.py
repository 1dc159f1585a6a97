"""A wind turbine: the wind at its hub, and what its power curve makes of it.

Sources: the power law of wind shear and the correction for density are those of IEC 61400-1 and
IEC 61400-12-1; the distribution is Weibull's, as everywhere in the trade (Burton et al., Wind
Energy Handbook, chapter 2).
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from wattmesh_kernel.sites import WindRating

STANDARD_DENSITY_KG_PER_M3 = 1.225
"""Of the air that power curves are measured for."""
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class WindSite:
    """Where a turbine stands: at which height its wind is known [m], how rough the ground is.

    `shear`: exponent of the power law, 0.14 over open ground, 0.2 by IEC 61400-1, more in towns.
    """

    reference_height_m: float = 10.0
    shear: float = 0.2
    density_kg_per_m3: float = STANDARD_DENSITY_KG_PER_M3


def hub_speed(speed_m_per_s: float, hub_height_m: float, site: WindSite) -> float:
    """Return the wind at the hub [m/s]: 5 m/s at 10 m are 6.2 at 30 m with a shear of 0.2."""
    return float(speed_m_per_s * (hub_height_m / site.reference_height_m) ** site.shear)


def power_w(rating: WindRating, speed_m_per_s: float, site: WindSite) -> float:
    """Return what a turbine could give out at a wind speed known at the reference height [W].

    Between points of its curve it is interpolated; beyond the last one the turbine has cut out.
    Thin air counts as slower wind: v (rho / 1.225)^(1/3), for turbines that regulate by pitch.
    """
    hub = rating.hub_height_m or site.reference_height_m
    speed = hub_speed(speed_m_per_s, hub, site)
    speed *= (site.density_kg_per_m3 / STANDARD_DENSITY_KG_PER_M3) ** (1 / 3)
    speeds = [each.wind_speed_m_per_s for each in rating.power_curve]
    powers = [each.output_power_w for each in rating.power_curve]
    found = float(np.interp(speed, speeds, powers, left=0.0, right=0.0))
    return min(found, rating.max_output_power_w)


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnWind:
    """Wind without data: Weibull with `mean_m_per_s` and shape 2, alike from hour to hour.

    Each hour has a normal number of its own by `seed`; a moment has their mean over the hours
    around it, weighted by exp(-|lag| / persistence), so that the same moment always has the same
    wind, whoever asks.
    """

    mean_m_per_s: float = 6.0
    shape: float = 2.0
    persistence: timedelta = timedelta(hours=5)
    seed: int = 1

    def speed(self, moment: datetime) -> float:
        """Return the wind speed of a moment [m/s]."""
        ratio = NormalDist().cdf(self._normal(moment))
        scale = self.mean_m_per_s / math.gamma(1 + 1 / self.shape)
        return float(scale * (-math.log(max(1 - ratio, 1e-12))) ** (1 / self.shape))

    def _normal(self, moment: datetime) -> float:
        hour = (moment - _EPOCH) / timedelta(hours=1)
        reach = 4 * round(self.persistence / timedelta(hours=1))
        hours = np.arange(math.floor(hour) - reach, math.floor(hour) + reach + 1)
        weights = np.exp(-np.abs(hours - hour) * (timedelta(hours=1) / self.persistence))
        drawn = [_drawn(self.seed, abs(int(each))) for each in hours]
        return float(weights @ np.array(drawn) / math.sqrt(float(weights @ weights)))


@lru_cache(maxsize=4096)
def _drawn(seed: int, hour: int) -> float:
    return float(np.random.default_rng((seed, hour)).normal())
