"""The life of a command: forward only, whatever is reported in whatever order."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_control.domain.life import (
    MOVES,
    CommandLife,
    CommandState,
    Expectation,
    LeaseEnded,
    LifeEvent,
    Replaced,
    Reported,
    Sent,
    Troubled,
    Withdrawn,
)
from wattmesh_kernel.errors import InvalidArgument

T0 = datetime(2024, 1, 1, tzinfo=UTC)
END = T0 + timedelta(hours=1)
S = CommandState
EXPECTED = Expectation(value=1000.0, tolerance=10.0, end=END)

RANKS = {S.PENDING: 0, S.DISPATCHED: 1, S.APPLIED: 2, S.VERIFIED: 3}


def rank(state: CommandState) -> int:
    return RANKS.get(state, 4)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def live(*events: LifeEvent) -> CommandLife:
    life = CommandLife()
    for event in events:
        life = life.advance(event, EXPECTED)
    return life


def reported(state: CommandState, minutes: float, value: float | None = None) -> Reported:
    return Reported(state=state, time=at(minutes), value=value, message="as it was")


def test_every_state_has_its_moves_and_none_leads_back() -> None:
    assert MOVES.keys() == set(S)
    for state, following in MOVES.items():
        assert all(rank(after) > rank(state) for after in following)


def test_the_whole_way_keeps_every_time() -> None:
    life = live(Sent(at(0)), reported(S.APPLIED, 1), reported(S.VERIFIED, 2, 1004.0))
    assert life.state is S.VERIFIED
    assert (life.dispatch_time, life.apply_time, life.verify_time) == (at(0), at(1), at(2))
    assert life.read_back_value == 1004.0
    assert life.live


def test_a_read_back_beyond_the_tolerance_fails_with_words() -> None:
    life = live(Sent(at(0)), reported(S.APPLIED, 1), reported(S.VERIFIED, 2, 500.0))
    assert life.state is S.FAILED
    assert life.message == "the device reads back 500 instead of 1000"
    assert life.read_back_value == 500.0
    assert not life.live


def test_a_step_that_came_late_only_fills_in_its_time() -> None:
    life = live(Sent(at(0)), reported(S.VERIFIED, 2), reported(S.APPLIED, 1))
    assert life.state is S.VERIFIED
    assert (life.apply_time, life.verify_time) == (at(1), at(2))


def test_a_repeat_changes_nothing() -> None:
    life = live(Sent(at(0)), reported(S.APPLIED, 1))
    assert life.advance(reported(S.APPLIED, 5), EXPECTED) is life
    done = life.advance(reported(S.VERIFIED, 6), EXPECTED)
    assert done.advance(reported(S.VERIFIED, 9), EXPECTED) is done


def test_the_devices_own_lease_end_does_not_undo_what_was_applied() -> None:
    life = live(Sent(at(0)), reported(S.APPLIED, 1), reported(S.VERIFIED, 2))
    assert life.advance(reported(S.EXPIRED, 70), EXPECTED) is life
    assert life.advance(reported(S.SUPERSEDED, 70), EXPECTED) is life


def test_a_lease_that_ends_unanswered_expires_with_the_gateways_last_reason() -> None:
    life = live(Sent(at(0)), Troubled("no answer on port 502"), LeaseEnded(at(75)))
    assert life.state is S.EXPIRED
    assert life.message == "not acknowledged within its lease: no answer on port 502"


def test_a_lease_that_ends_unsent_says_that_the_gateway_was_away() -> None:
    life = live(LeaseEnded(at(75)))
    assert (life.state, life.message) == (
        S.EXPIRED,
        "its gateway was not connected within its lease",
    )


def test_a_lease_that_ends_unread_fails() -> None:
    life = live(Sent(at(0)), reported(S.APPLIED, 1), LeaseEnded(at(75)))
    assert (life.state, life.message) == (S.FAILED, "not read back within its lease")


def test_replaced_before_it_was_applied_it_is_superseded_and_its_range_ends() -> None:
    life = live(Sent(at(0)), Replaced(at(20)))
    assert (life.state, life.cut_time, life.close_time) == (S.SUPERSEDED, at(20), at(20))


def test_never_applied_in_its_whole_range_it_is_expired_not_superseded() -> None:
    assert live(Sent(at(0)), Replaced(END)).state is S.EXPIRED
    assert live(Sent(at(0)), reported(S.APPLIED, 1), Replaced(END)).state is S.FAILED


def test_a_verified_command_stays_verified_when_the_next_one_comes() -> None:
    life = live(Sent(at(0)), reported(S.VERIFIED, 1), Replaced(END))
    assert (life.state, life.close_time, life.cut_time) == (S.VERIFIED, END, None)
    assert life.advance(reported(S.CANCELLED, 61), EXPECTED) is life


def test_a_verified_command_can_be_withdrawn_while_it_is_live() -> None:
    life = live(Sent(at(0)), reported(S.VERIFIED, 1), Withdrawn(at(10), "no longer"))
    assert (life.state, life.message, life.cut_time) == (S.CANCELLED, "no longer", at(10))


def test_a_gateway_cannot_report_what_only_control_knows() -> None:
    with pytest.raises(InvalidArgument):
        reported(S.PENDING, 1)


minutes = st.integers(0, 90)
reports = st.builds(
    lambda state, when, value: Reported(state=state, time=at(when), value=value),
    st.sampled_from([state for state in S if rank(state) >= 2]),
    minutes,
    st.sampled_from([None, 1000.0, 995.0, 0.0]),
)
events = st.one_of(
    reports,
    st.builds(lambda when: Sent(at(when)), minutes),
    st.just(Troubled("lost")),
    st.builds(lambda when: Replaced(at(when)), minutes),
    st.builds(lambda when: Withdrawn(at(when), "no longer"), minutes),
    st.builds(lambda when: LeaseEnded(at(when)), minutes),
)


@given(st.lists(events, max_size=12))
def test_no_order_of_events_moves_a_state_backwards(sequence: list[LifeEvent]) -> None:
    life = CommandLife()
    for event in sequence:
        after = life.advance(event, EXPECTED)
        assert after.state is life.state or after.state in MOVES[life.state]
        assert after.live <= life.live, "closed stays closed"
        assert (after.apply_time is None) <= (life.apply_time is None), "facts stay"
        if after.state is S.VERIFIED:
            assert after.apply_time is not None
            assert after.verify_time is not None
        life = after


@given(st.lists(reports, max_size=6))
def test_reports_may_all_come_twice(sequence: list[Reported]) -> None:
    once = live(Sent(at(0)), *sequence)
    twice = live(Sent(at(0)), *(each for each in sequence for _ in range(2)))
    assert once == twice
