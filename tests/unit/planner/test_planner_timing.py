from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_planner.domain.timing import Rhythm, due_after

HOUR = timedelta(hours=1)
RHYTHM = Rhythm(resolution=HOUR, horizon=24 * HOUR, lead=timedelta(minutes=5))
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("minutes", "hours"), [(1, 1), (54, 1), (56, 2), (60, 2)])
def test_first_plan_is_for_an_interval_that_can_be_planned_in_time(
    minutes: int, hours: int
) -> None:
    due = due_after(None, NOON + timedelta(minutes=minutes), RHYTHM)

    assert due.next_start == NOON + hours * HOUR
    assert due.missed == ()


def test_interval_that_has_begun_is_still_planned_after_a_restart() -> None:
    due = due_after(NOON, NOON + 1.5 * HOUR, RHYTHM)

    assert due.next_start == NOON + HOUR
    assert due.missed == ()


def test_intervals_that_ended_without_a_planner_are_reported_missed() -> None:
    due = due_after(NOON, NOON + 4.5 * HOUR, RHYTHM)

    assert due.missed == (NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR)
    assert due.next_start == NOON + 4 * HOUR


@given(st.integers(0, 100_000))
def test_no_interval_is_planned_twice_nor_forgotten(seconds: int) -> None:
    now = NOON + timedelta(seconds=seconds)
    due = due_after(NOON, now, RHYTHM)
    dealt_with = [*due.missed, due.next_start]

    assert dealt_with == [NOON + (index + 1) * HOUR for index in range(len(dealt_with))]
    assert due.next_start + HOUR > now


@pytest.mark.parametrize("lead", [timedelta(0), 2 * HOUR])
def test_a_lead_that_cannot_be_kept_is_refused(lead: timedelta) -> None:
    with pytest.raises(InvalidArgument):
        Rhythm(resolution=HOUR, horizon=24 * HOUR, lead=lead)


def test_a_horizon_of_broken_intervals_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        Rhythm(resolution=HOUR, horizon=timedelta(minutes=90), lead=timedelta(minutes=5))
