"""Irradiance on a plant's modules, by pvlib."""

from datetime import datetime
from typing import Any

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, Floats, Ints, Sun
from wattmesh_forecast.domain.subjects import Location, Plane, Subject

_GROUND_ALBEDO = 0.2
_NOCT_RISE = 25.0 / 1000.0
"""How much warmer than the air modules get per irradiance [K per W/m²]: NOCT 45 °C, some wind."""
_LOSS_PER_KELVIN = 0.004
_STANDARD_CELSIUS = 25.0
_USUAL_CELSIUS = 12.0
_STEEPEST_USUAL = 35.0


class PvlibPlane:
    """Erbs' split of global irradiance, isotropic sky, modules that lose 0.4 % per kelvin."""

    def __init__(self) -> None:
        self._irradiance: Any = None

    def load(self) -> Any:
        """Import what it takes, pandas and scipy (140 MB, seconds): only where weather is told."""
        if self._irradiance is None:
            from pvlib import irradiance

            self._irradiance = irradiance
        return self._irradiance

    def effective_w_m2(
        self, subject: Subject, start: datetime, sun: Sun, ghi: Floats, celsius: Floats
    ) -> Floats:
        """Return what reaches the modules, less what their warmth costs [W/m²], (n,).

        `ghi` is global horizontal irradiance [W/m²], `celsius` the air's temperature [°C], by the
        hour from `start` on.

        Without a plane that of most plants is taken: towards the equator, as steep as the latitude,
        35° at most; the hours' own ratios take up what is wrong with that.
        """
        irradiance = self.load()
        assert subject.location is not None
        given = subject.plane or usual_plane(subject.location)
        zenith = 90.0 - sun.elevation_degrees
        parts = irradiance.erbs(ghi, zenith, _days_of_year(start, len(ghi)))
        facing = irradiance.aoi_projection(
            given.tilt_degrees, given.azimuth_degrees, zenith, sun.azimuth_degrees
        )
        sky = irradiance.isotropic(given.tilt_degrees, parts["dhi"])
        ground = irradiance.get_ground_diffuse(given.tilt_degrees, ghi, albedo=_GROUND_ALBEDO)
        on_plane = np.maximum(facing, 0.0) * parts["dni"] + sky + ground
        air = np.where(np.isfinite(celsius), celsius, _USUAL_CELSIUS)
        warmer = air + _NOCT_RISE * on_plane - _STANDARD_CELSIUS
        return np.asarray(np.maximum(on_plane * (1.0 - _LOSS_PER_KELVIN * warmer), 0.0))


def _days_of_year(start: datetime, hours: int) -> Ints:
    return np.array([(start + hour * HOUR).timetuple().tm_yday for hour in range(hours)])


def usual_plane(place: Location) -> Plane:
    """Return how most plants at a place stand."""
    return Plane(
        tilt_degrees=min(abs(place.latitude_degrees), _STEEPEST_USUAL),
        azimuth_degrees=180.0 if place.latitude_degrees >= 0 else 0.0,
    )
