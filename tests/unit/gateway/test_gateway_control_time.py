"""Control's instants in the gateway's own time."""

from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_gateway.domain.control_time import ControlTime

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("ahead", [300 * SECOND, -300 * SECOND])
def test_a_lease_ends_when_control_means_it_though_it_was_long_on_its_way(
    ahead: timedelta,
) -> None:
    time = ControlTime()
    time.compare(NOON, NOON + ahead + 0.01 * SECOND)
    sent = NOON + 10 * SECOND
    came = sent + ahead + 20 * SECOND
    end = time.own(sent + 100 * SECOND, sent, came)
    assert end - came == 80.01 * SECOND


def test_without_a_comparison_a_lease_lasts_from_when_it_came() -> None:
    came = NOON + 300 * SECOND
    assert ControlTime().own(NOON + 100 * SECOND, NOON, came) == came + 100 * SECOND


def test_a_clock_of_control_that_was_set_back_is_followed_after_four_comparisons() -> None:
    time = ControlTime()
    for _ in range(4):
        time.compare(NOON, NOON)
    for passed in range(4):  # control's clock was set back by a minute
        now = NOON + (60 + passed) * SECOND
        time.compare(now - 60 * SECOND, now)
    sent, came = NOON + 4 * SECOND, NOON + 64 * SECOND
    assert time.own(sent + 100 * SECOND, sent, came) == came + 100 * SECOND


def test_a_clock_of_control_that_was_set_ahead_is_followed_at_once() -> None:
    time = ControlTime()
    time.compare(NOON, NOON)
    sent, came = NOON + 61 * SECOND, NOON + SECOND
    assert time.own(sent + 100 * SECOND, sent, came) == came + 100 * SECOND
