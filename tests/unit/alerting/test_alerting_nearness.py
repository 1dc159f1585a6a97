"""How near a power is to its limit."""

from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_alerting.domain.nearness import Nearness, Sample, nearness

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def found(power_w: float, before_w: float | None = None) -> Nearness | None:
    before = None if before_w is None else Sample(time=T0 - 10 * MINUTE, power_w=before_w)
    now = Sample(time=T0, power_w=power_w)
    return nearness(now, before, max_import_w=10_000.0, max_export_w=5_000.0)


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
    nearness_ = found(power_w)
    assert nearness_ is not None
    assert (nearness_.near, nearness_.exceeded) == (near, exceeded)


def test_no_limit_is_never_near() -> None:
    sample = Sample(time=T0, power_w=1e6)
    assert nearness(sample, None, max_import_w=None, max_export_w=5_000.0) is None


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
    nearness_ = found(power_w, before_w)
    assert nearness_ is not None
    expected = None if minutes is None else minutes * MINUTE
    assert nearness_.time_left == expected
