"""The sun, by pvlib."""

from functools import lru_cache

import numpy as np
import pandas as pd
from pvlib.clearsky import haurwitz
from pvlib.solarposition import get_solarposition

from wattmesh_forecast.domain.hours import HOUR, Floats, Sun
from wattmesh_forecast.domain.sites import Location
from wattmesh_kernel.time import TimeRange

_MINUTES = (5, 15, 25, 35, 45, 55)


class PvlibSky:
    """Solar positions by NREL's algorithm and clear-sky irradiance by Haurwitz' model.

    Haurwitz needs the zenith angle alone and comes as close to measured clear days as models with
    turbidity do on average. The last few answers are kept: sites of a neighbourhood share a sky.
    """

    def __init__(self) -> None:
        self._kept = lru_cache(maxsize=32)(_sun)

    def sun(self, location: Location, hours: TimeRange) -> Sun:
        """Return the sun over every hour that starts in `hours`."""
        return self._kept(location, hours)


def _sun(location: Location, hours: TimeRange) -> Sun:
    starts = pd.DatetimeIndex(hours.starts(HOUR))
    middle = _positions(location, starts + pd.Timedelta(minutes=30))
    clear = [_clear_sky_w_m2(location, starts + pd.Timedelta(minutes=m)) for m in _MINUTES]
    return Sun(
        clear_sky_w_m2=np.mean(clear, axis=0),
        elevation_degrees=middle["elevation"].to_numpy(dtype=np.float64),
        azimuth_degrees=middle["azimuth"].to_numpy(dtype=np.float64),
    )


def _clear_sky_w_m2(location: Location, times: pd.DatetimeIndex) -> Floats:
    zenith = _positions(location, times)["apparent_zenith"]
    return np.asarray(haurwitz(zenith)["ghi"], dtype=np.float64)


def _positions(location: Location, times: pd.DatetimeIndex) -> pd.DataFrame:
    return get_solarposition(times, location.latitude_degrees, location.longitude_degrees)
