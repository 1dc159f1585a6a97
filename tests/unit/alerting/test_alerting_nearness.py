"""How near a power is to its limits, ratings' and owners'."""

from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_alerting.domain.nearness import Bound, Nearness, Sample, bounds_of, nearest

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RATED = bounds_of(10_000.0, 5_000.0, "the rating")


def found(
    power_w: float, before_w: float | None = None, bounds: tuple[Bound, ...] = RATED
) -> Nearness | None:
    before = None if before_w is None else Sample(time=T0 - 10 * MINUTE, power_w=before_w)
    return nearest(Sample(time=T0, power_w=power_w), before, bounds)


def owners(power_w: float, *, upper: bool = True) -> Bound:
    return Bound(power_w=power_w, upper=upper, whose="the grid operator's limit")


@pytest.mark.parametrize(
    ("power_w", "near", "exceeded"),
    [
        (8_999.0, False, False),
        (9_000.0, True, False),
        (10_001.0, True, True),
        (-4_499.0, False, False),
        (-4_500.0, True, False),
        (-5_001.0, True, True),
    ],
)
def test_each_direction_has_its_limit(power_w: float, near: bool, exceeded: bool) -> None:
    nearness = found(power_w)
    assert (nearness is not None) == near
    assert (nearness is not None and nearness.exceeded) == exceeded


def test_no_limit_is_never_near() -> None:
    assert found(1e6, bounds=bounds_of(None, 5_000.0, "the rating")) is None


def test_an_owners_limit_below_the_rating_is_the_one_that_counts() -> None:
    both = (*RATED, owners(4_000.0))
    nearness = found(4_500.0, bounds=both)
    assert nearness is not None
    assert (nearness.exceeded, nearness.limit_w) == (True, 4_000.0)
    assert nearness.bound.whose == "the grid operator's limit"
    assert found(3_000.0, bounds=both) is None
    beyond_both = found(11_000.0, bounds=both)
    assert beyond_both is not None
    assert beyond_both.limit_w == 4_000.0, "of two that are exceeded, the one by more"


@pytest.mark.parametrize(
    ("bound", "power_w", "exceeded"),
    [
        (owners(-2_000.0), -1_500.0, True),
        (owners(-2_000.0), -2_500.0, False),
        (owners(0.0), 10.0, True),
        (owners(0.0), 0.0, False),
        (owners(1_000.0, upper=False), 500.0, True),
        (owners(-3_000.0, upper=False), -3_100.0, True),
    ],
)
def test_a_limit_may_ask_for_export_for_nothing_or_for_consumption(
    bound: Bound, power_w: float, exceeded: bool
) -> None:
    nearness = found(power_w, bounds=(bound,))
    assert (nearness is not None and nearness.exceeded) == exceeded


@pytest.mark.parametrize(
    ("power_w", "before_w", "minutes"),
    [
        (9_000.0, 8_000.0, 10.0),
        (9_500.0, 7_500.0, 2.5),
        (-4_500.0, -4_000.0, 10.0),
        (9_000.0, 9_000.0, None),
        (9_000.0, 9_500.0, None),
        (10_500.0, 9_500.0, None),
        (9_000.0, 8_999.9, None),
    ],
)
def test_the_time_left_is_what_the_trend_says(
    power_w: float, before_w: float, minutes: float | None
) -> None:
    nearness = found(power_w, before_w)
    assert nearness is not None
    expected = None if minutes is None else minutes * MINUTE
    assert nearness.time_left == expected
