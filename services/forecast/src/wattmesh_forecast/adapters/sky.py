"""The sun, by pvlib."""

from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
from pvlib.clearsky import haurwitz
from pvlib.solarposition import get_solarposition

from wattmesh_forecast.domain.hours import HOUR, Floats, Sun
from wattmesh_forecast.domain.sites import Location
from wattmesh_kernel.time import TimeRange, floor_time

_MINUTES = (5, 15, 25, 35, 45, 55)
_BLOCK = timedelta(days=8)


class PvlibSky:
    """Solar positions by NREL's algorithm and clear-sky irradiance by Haurwitz' model.

    Haurwitz needs the zenith angle alone and comes as close to measured clear days as models with
    turbidity do on average. The sky is computed block by block and kept: an hour later it is the
    same, and the sites of a neighbourhood share it.
    """

    def __init__(self) -> None:
        self._block = lru_cache(maxsize=256)(_block)

    def sun(self, location: Location, hours: TimeRange) -> Sun:
        """Return the sun over every hour that starts in `hours`."""
        first = floor_time(hours.start, _BLOCK)
        starts = TimeRange(first, max(hours.end, first + HOUR)).starts(_BLOCK)
        blocks = [self._block(location, start) for start in starts]
        wanted = slice((hours.start - first) // HOUR, (hours.end - first) // HOUR)
        return Sun(
            clear_sky_w_m2=np.concatenate([b.clear_sky_w_m2 for b in blocks])[wanted],
            elevation_degrees=np.concatenate([b.elevation_degrees for b in blocks])[wanted],
            azimuth_degrees=np.concatenate([b.azimuth_degrees for b in blocks])[wanted],
        )


def _block(location: Location, start: datetime) -> Sun:
    starts = pd.DatetimeIndex(TimeRange.of(start, _BLOCK).starts(HOUR))
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
