from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import ArrayLike

from wattmesh_forecast.domain.evaluation import Score, naive_forecast, score
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series

ZONE = ZoneInfo("America/Los_Angeles")
ASSET = AssetId(SiteId("home-1"), "load")
ISSUED = datetime(2016, 9, 5, 6, 30, tzinfo=UTC)
START = datetime(2016, 9, 5, 7, tzinfo=UTC)


def forecast(
    median_w: ArrayLike,
    *,
    start: datetime = START,
    issued: datetime = ISSUED,
    resolution: timedelta = HOUR,
    width: float = 100.0,
) -> Forecast:
    median = np.array(median_w, dtype=float)
    return Forecast(
        name=f"{ASSET.name}/forecasts/x",
        asset=ASSET,
        kind=Kind.LOAD,
        issue_time=issued,
        source="seasonal",
        start=start,
        resolution=resolution,
        ratios=(0.1, 0.5, 0.9),
        power_w=np.array([median - width, median, median + width]),
    )


def test_the_error_is_weighed_by_what_was_measured() -> None:
    # The day before at the same hours: 900 and 1000.
    measured = Series(START - timedelta(days=1), HOUR, np.full(48, np.nan)).values.copy()
    measured[:2], measured[24:26] = (900, 1000), (1000, 3000)
    found = score(forecast([1100, 2500]), Series(START - timedelta(days=1), HOUR, measured), ZONE)

    assert found.wape_ratio == pytest.approx((100 + 500) / 4000)
    assert found.naive_wape_ratio == pytest.approx((100 + 2000) / 4000)
    assert found.coverage_ratio == 0.5
    assert found.compared == 2


def test_generation_counts_by_its_magnitude() -> None:
    power = np.array([-900.0] * 24 + [-1000.0] * 24)
    found = score(forecast([-800] * 24), Series(START - timedelta(days=1), HOUR, power), ZONE)

    assert found.wape_ratio == pytest.approx(0.2)
    assert found.naive_wape_ratio == pytest.approx(0.1)


def test_intervals_that_were_not_measured_do_not_count() -> None:
    power = np.concatenate([np.full(24, 500.0), [700.0, np.nan]])
    found = score(forecast([600, 600, 600]), Series(START - timedelta(days=1), HOUR, power), ZONE)

    assert found.compared == 1


def test_nothing_to_compare_gives_no_figures_rather_than_zero() -> None:
    found = score(forecast([600]), Series(START, HOUR, np.array([np.nan])), ZONE)

    assert (found.wape_ratio, found.naive_wape_ratio, found.coverage_ratio) == (None, None, None)


def test_the_naive_forecast_knows_nothing_measured_after_issue() -> None:
    # Issued at 06:30: the interval from 06:00 is not complete. 24 h ahead of it lies a target.
    measured = Series(START - timedelta(days=3), HOUR, np.arange(96.0))
    naive = naive_forecast(forecast(np.zeros(24)), measured, ZONE)

    assert naive[:23].tolist() == list(range(48, 71))  # yesterday
    assert naive[23] == 47  # 06:00: the day before


def test_the_naive_forecast_follows_the_local_clock() -> None:
    start = datetime(2016, 11, 7, 3, tzinfo=UTC)  # 19:00 local time, the clock went back that day
    measured = Series(start - timedelta(days=2), HOUR, np.arange(48.0))
    naive = naive_forecast(
        forecast([0], start=start, issued=start - timedelta(hours=1)), measured, ZONE
    )

    assert naive[0] == 23  # 25 hours earlier


def test_quarter_hours_are_compared_with_quarter_hours() -> None:
    quarter = timedelta(minutes=15)
    measured = Series(START - timedelta(days=1), quarter, np.arange(200.0))
    naive = naive_forecast(forecast(np.zeros(4), resolution=quarter), measured, ZONE)

    assert naive.tolist() == [0, 1, 2, 3]


def test_scores_add_up() -> None:
    one = Score(error_w=1, naive_error_w=2, measured_w=10, covered=1, compared=2, banded=2)
    other = Score(error_w=3, naive_error_w=2, measured_w=10, covered=2, compared=2, banded=2)

    assert (one + other).wape_ratio == pytest.approx(0.2)
    assert (one + other).coverage_ratio == pytest.approx(0.75)


def test_nights_of_a_plant_do_not_count_as_covered() -> None:
    measured = Series(START - timedelta(days=1), HOUR, np.zeros(48))
    night = score(forecast([0, 0, 0], width=0.0), measured, ZONE)
    dusk = score(forecast([0, 500.0], width=100.0), measured, ZONE)

    assert (night.compared, night.coverage_ratio) == (3, None)
    assert dusk.coverage_ratio == pytest.approx(0.5)
