"""Public holidays of the country in which a site lies."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattmesh_forecast.adapters.holidays import Holidays
from wattmesh_forecast.domain.hours import LocalClock
from wattmesh_kernel.time import TimeRange

YEAR = TimeRange.of(datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=365))


@pytest.mark.parametrize(
    ("zone", "day", "off"),
    [
        ("Europe/Berlin", date(2026, 5, 1), True),
        ("Europe/Berlin", date(2026, 5, 4), False),
        ("Europe/London", date(2026, 4, 3), True),
        ("America/Los_Angeles", date(2026, 11, 26), True),
        ("Etc/UTC", date(2026, 1, 1), False),
    ],
)
def test_a_site_has_the_holidays_of_its_country(zone: str, day: date, off: bool) -> None:
    assert (day in Holidays().days(ZoneInfo(zone), YEAR)) == off


def test_a_holiday_counts_as_a_sunday_from_its_first_local_hour_to_its_last() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    days = Holidays().days(zone, YEAR)
    span = TimeRange.of(datetime(2026, 11, 25, tzinfo=UTC), timedelta(days=3))

    clock = LocalClock.of(span, zone, days)

    thanksgiving = np.array([s.astimezone(zone).day == 26 for s in span.starts(timedelta(hours=1))])
    assert np.array_equal(clock.holiday, thanksgiving)
    assert (clock.day_type[thanksgiving] == 2).all()
    assert (clock.day_type[~thanksgiving] == 0).all()
