"""The sun, by pvlib."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock

import numpy as np

from wattmesh_forecast.adapters.solar_positions import spa
from wattmesh_forecast.domain.hours import HOUR, Floats, Sun
from wattmesh_forecast.domain.subjects import Location
from wattmesh_kernel.time import TimeRange, floor_time

_MINUTES = (5, 15, 25, 35, 45, 55)
_MIDDLE = 30
_BLOCK = timedelta(days=8)
_BLOCKS_KEPT = 32_768
"""Some 4.6 kB each: of about 4,000 places."""
_PLACES_AT_ONCE = 64

# As pvlib's get_solarposition has them: sea level, annual mean air, ΔT of 2018.
_PRESSURE_HPA, _AIR_CELSIUS, _DELTA_T_S, _REFRACTION_DEGREES = 1013.25, 12.0, 67.0, 0.5667

_Key = tuple[Location, datetime]


class PvlibSky:
    """Solar positions by NREL's algorithm and clear-sky irradiance by Haurwitz' model.

    Haurwitz needs the zenith angle alone and comes as close to measured clear days as models with
    turbidity do on average. The sky is computed block by block and kept: an hour later it is the
    same. The earth's way around the sun, most of the algorithm, is computed once for all places.
    """

    def __init__(self) -> None:
        self._blocks: OrderedDict[_Key, Sun] = OrderedDict()
        self._geocentric = lru_cache(maxsize=128)(_geocentric)
        self._one = Lock()  # several issues ask at a time, each from a thread of its own

    def suns(self, locations: Collection[Location], hours: TimeRange) -> Mapping[Location, Sun]:
        """Return the sun of each place over every hour that starts in `hours`."""
        first = floor_time(hours.start, _BLOCK)
        starts = TimeRange(first, max(hours.end, first + HOUR)).starts(_BLOCK)
        wanted = slice((hours.start - first) // HOUR, (hours.end - first) // HOUR)
        places = sorted(locations, key=_position)
        suns: dict[Location, Sun] = {}
        for number in range(0, len(places), _PLACES_AT_ONCE):
            some = places[number : number + _PLACES_AT_ONCE]
            with self._one:
                blocks = [self._of_block(some, start) for start in starts]
            suns |= {place: _joined([block[place] for block in blocks], wanted) for place in some}
        return suns

    def _of_block(self, places: Iterable[Location], start: datetime) -> dict[Location, Sun]:
        found, missing = dict[Location, Sun](), list[Location]()
        for place in places:
            kept = self._blocks.get((place, start))
            if kept is None:
                missing.append(place)
            else:
                found[place] = kept
                self._blocks.move_to_end((place, start))
        found |= self._compute(missing, start) if missing else {}
        return found

    def _compute(self, places: Sequence[Location], start: datetime) -> dict[Location, Sun]:
        fresh = dict(zip(places, self._block(places, start), strict=True))
        self._blocks.update({(place, start): sun for place, sun in fresh.items()})
        while len(self._blocks) > _BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        return fresh

    def _block(self, places: Sequence[Location], start: datetime) -> list[Sun]:
        _, elevation, azimuth = _from_places(places, self._geocentric(start, _MIDDLE))
        skies = [_from_places(places, self._geocentric(start, minute)) for minute in _MINUTES]
        clear_sky = np.mean([_haurwitz_w_m2(zenith) for zenith, _, _ in skies], axis=0)
        return [
            Sun(clear_sky_w_m2=clear, elevation_degrees=height, azimuth_degrees=direction)
            for clear, height, direction in zip(clear_sky, elevation, azimuth, strict=True)
        ]


def _position(place: Location) -> tuple[float, float]:
    return place.latitude_degrees, place.longitude_degrees


def _joined(blocks: Sequence[Sun], wanted: slice) -> Sun:
    return Sun(
        clear_sky_w_m2=np.concatenate([b.clear_sky_w_m2 for b in blocks])[wanted],
        elevation_degrees=np.concatenate([b.elevation_degrees for b in blocks])[wanted],
        azimuth_degrees=np.concatenate([b.azimuth_degrees for b in blocks])[wanted],
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Geocentric:
    """The sun as seen from the middle of the earth, the same for all places [°], shape (n,)."""

    sidereal_time: Floats
    right_ascension: Floats
    declination: Floats
    parallax: Floats


def _geocentric(start: datetime, minute: int) -> _Geocentric:
    """Return the sun so many minutes after the start of every hour of a block."""
    time = start.timestamp() + 60.0 * minute + 3600.0 * np.arange(_BLOCK // HOUR)
    nowhere = (0.0, 0.0, 0.0, 0.0, 0.0, _DELTA_T_S, 0.0, 1)
    sidereal, ascension, declination = spa.solar_position_numpy(time, *nowhere, sst=True)
    century = spa.julian_ephemeris_century(
        spa.julian_ephemeris_day(spa.julian_day(time), _DELTA_T_S)
    )
    radius = spa.heliocentric_radius_vector(spa.julian_ephemeris_millennium(century))
    return _Geocentric(
        sidereal_time=sidereal,
        right_ascension=ascension,
        declination=declination,
        parallax=spa.equatorial_horizontal_parallax(radius),
    )


def _from_places(places: Sequence[Location], sun: _Geocentric) -> tuple[Floats, Floats, Floats]:
    """Return apparent zenith, elevation and azimuth [°] as seen from places, (places, n)."""
    latitude = np.array([[place.latitude_degrees] for place in places])
    longitude = np.array([[place.longitude_degrees] for place in places])
    hour_angle = spa.local_hour_angle(sun.sidereal_time, longitude, sun.right_ascension)
    u = spa.uterm(latitude)
    x, y = spa.xterm(u, latitude, 0.0), spa.yterm(u, latitude, 0.0)
    seen = (x, sun.parallax, hour_angle, sun.declination)
    shift = spa.parallax_sun_right_ascension(*seen)
    declination = spa.topocentric_sun_declination(
        sun.declination, x, y, sun.parallax, shift, hour_angle
    )
    hour_angle = spa.topocentric_local_hour_angle(hour_angle, shift)
    bare = spa.topocentric_elevation_angle_without_atmosphere(latitude, declination, hour_angle)
    bend = spa.atmospheric_refraction_correction(
        _PRESSURE_HPA, _AIR_CELSIUS, bare, _REFRACTION_DEGREES
    )
    zenith = spa.topocentric_zenith_angle(spa.topocentric_elevation_angle(bare, bend))
    from_south = spa.topocentric_astronomers_azimuth(hour_angle, declination, latitude)
    return zenith, bare, spa.topocentric_azimuth_angle(from_south)


def _haurwitz_w_m2(apparent_zenith_degrees: Floats) -> Floats:
    """Return clear-sky global horizontal irradiance [W/m²].

    Haurwitz, Journal of Meteorology 3 (1946) 123: 1098 cos z exp(-0.059 / cos z); 779 W/m² at 40°.
    """
    cosine = np.cos(np.radians(apparent_zenith_degrees))
    up = cosine > 0
    clear = np.zeros_like(cosine)
    clear[up] = 1098.0 * cosine[up] * np.exp(-0.059 / cosine[up])
    return clear
