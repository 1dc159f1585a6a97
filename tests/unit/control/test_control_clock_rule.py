"""How far a gateway's clock is off, and what follows."""

from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_control.domain.clock_skew import ClockReading, ClockRule, ClockState

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RULE = ClockRule(tell=5 * SECOND, refuse=60 * SECOND)


def reading(ahead: timedelta, there: timedelta, back: timedelta) -> ClockReading:
    came = NOON + there
    return ClockReading(
        ask_time=NOON,
        receive_time=came + ahead,
        answer_time=came + ahead + SECOND,
        hear_time=came + SECOND + back,
    )


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("seconds", "state"),
    [(0, ClockState.AGREES), (30, ClockState.OFF), (300, ClockState.REFUSED)],
)
def test_both_directions_are_judged_alike(seconds: int, state: ClockState, side: int) -> None:
    skew = RULE.judge(reading(side * seconds * SECOND, SECOND, SECOND))
    assert (skew.skew, skew.uncertainty, skew.state) == (side * seconds * SECOND, SECOND, state)


def test_a_slow_line_refuses_nobody() -> None:
    skew = RULE.judge(reading(0 * SECOND, 130 * SECOND, 0 * SECOND))
    assert (skew.skew, skew.uncertainty, skew.state) == (65 * SECOND, 65 * SECOND, "agrees")


def test_it_says_which_clock_is_ahead_and_what_comes_of_it() -> None:
    ahead = RULE.judge(reading(300 * SECOND, SECOND, SECOND)).message
    behind = RULE.judge(reading(-10 * SECOND, SECOND, SECOND)).message
    assert ahead.startswith("its clock is 300.0 s ahead of control's: it gets no commands")
    assert behind == "its clock is 10.0 s behind control's"


def test_times_of_a_gateway_are_brought_home_unless_the_difference_may_be_none() -> None:
    off = RULE.judge(reading(30 * SECOND, SECOND, SECOND))
    doubtful = RULE.judge(reading(SECOND / 2, SECOND, SECOND))
    assert off.brought_home(NOON) == NOON - 30 * SECOND
    assert doubtful.brought_home(NOON) == NOON
