from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from pvlib.clearsky import haurwitz
from pvlib.solarposition import get_solarposition

from wattmesh_forecast.adapters.sky import PvlibSky
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.subjects import Location
from wattmesh_kernel.time import TimeRange

SPAN = TimeRange.of(datetime(2016, 8, 30, 7, tzinfo=UTC), timedelta(days=20))
PLACES = [
    Location(latitude_degrees=latitude, longitude_degrees=longitude)
    for latitude, longitude in ((34.09, -117.43), (-33.9, 151.2), (69.6, 18.9), (0.0, 0.0))
]


@pytest.mark.parametrize("place", PLACES)
def test_many_places_at_once_have_the_sun_that_each_has_alone(place: Location) -> None:
    sun = PvlibSky().suns(set(PLACES), SPAN)[place]

    starts = pd.DatetimeIndex(SPAN.starts(HOUR))
    where = (place.latitude_degrees, place.longitude_degrees)
    middle = get_solarposition(starts + pd.Timedelta(minutes=30), *where)
    clear = [
        haurwitz(get_solarposition(starts + pd.Timedelta(minutes=m), *where)["apparent_zenith"])
        for m in (5, 15, 25, 35, 45, 55)
    ]
    assert np.allclose(sun.elevation_degrees, middle["elevation"], atol=1e-9)
    assert np.allclose(sun.azimuth_degrees, middle["azimuth"], atol=1e-9)
    assert np.allclose(
        sun.clear_sky_w_m2, np.mean([each["ghi"] for each in clear], axis=0), atol=1e-9
    )


def test_what_was_computed_before_is_the_same_beside_a_new_place() -> None:
    sky = PvlibSky()
    before = sky.suns(PLACES[:2], SPAN)

    after = sky.suns(PLACES, SPAN)

    assert np.array_equal(after[PLACES[0]].clear_sky_w_m2, before[PLACES[0]].clear_sky_w_m2)
    assert len(after[PLACES[3]].clear_sky_w_m2) == 20 * 24
