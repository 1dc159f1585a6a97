"""Events within the rules of a programme, settled in energy and money, and kept as limits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event, EventState, LimitAsked, ReductionAsked
from wattmesh_demandresponse.domain.participation import (
    Commitment,
    Decision,
    OptOutReason,
    Participation,
    begun,
    committed,
    decided,
)
from wattmesh_demandresponse.domain.programme import EventKind, Payment, Programme
from wattmesh_demandresponse.domain.rules import called_off, changed, check_allowed
from wattmesh_demandresponse.domain.settling import ramp_shares, settle
from wattmesh_demandresponse.domain.site_limits import next_limits
from wattmesh_kernel.baseline import Baseline, BaselineMethod
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_kernel.money import Money
from wattmesh_kernel.programme_ids import EnrolmentId, EventId, ProgrammeId
from wattmesh_kernel.time import TimeRange

HOUR = timedelta(hours=1)
NOW = datetime(2024, 5, 15, 10, tzinfo=UTC)
START = NOW + 5 * HOUR
ID = ProgrammeId("street")
PROGRAMME = Programme(
    id=ID,
    event_kind=EventKind.PAID_REDUCTION,
    time_zone="Europe/Berlin",
    notice=2 * HOUR,
    longest_event=4 * HOUR,
    most_events_per_day=1,
    baseline=Baseline(method=BaselineMethod.HIGH_OF_RECENT_DAYS),
    payment=Payment(
        currency_code="EUR", price_per_kwh=0.2, price_per_kw=1.0, penalty_price_per_kwh=0.4
    ),
    opt_out_allowed=True,
)
EVENT = Event(
    id=EventId(ID, "e1"),
    range=TimeRange.of(START, 2 * HOUR),
    resolution=HOUR,
    asked=ReductionAsked(powers_w=(2_000.0, 2_000.0)),
    announce_time=NOW,
)
LIMIT = replace(EVENT, asked=LimitAsked(max_import_w=(4_200.0, 4_200.0)))
ENROLMENT = Enrolment(
    id=EnrolmentId(ID, "home-1"), subject="sites/home-1", start_time=NOW, opted_in_by_default=True
)
TAKEN = begun(EVENT, ENROLMENT, None)
OUT = Decision(opted_in=False, decide_time=START + HOUR, reason=OptOutReason.COMFORT)


def promise(*powers_w: float) -> Commitment:
    return Commitment(plan=None, commit_time=NOW, committed_w=powers_w, confidence_ratio=0.9)


def settled(
    part: Participation,
    metered_w: Sequence[float],
    *,
    event: Event = EVENT,
    programme: Programme = PROGRAMME,
) -> tuple[Decimal, Decimal, Money | None, int]:
    found = settle(
        event, programme, part, np.full(2, 5_000.0), np.array(metered_w), START + 3 * HOUR
    )
    return found.delivered_kwh, found.committed_kwh, found.payment, found.missing_count


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (replace(EVENT, announce_time=START - HOUR), "NOTICE_TOO_SHORT"),
        (replace(EVENT, range=TimeRange.of(START, 6 * HOUR), asked=ReductionAsked()), "TOO_LONG"),
        (replace(EVENT, id=EventId(ID, "e2")), "TOO_MANY_EVENTS"),
        (replace(EVENT, range=TimeRange.of(NOW - 3 * HOUR, 2 * HOUR)), "EVENT_IS_OVER"),
    ],
)
def test_a_programme_refuses_what_it_does_not_allow(event: Event, reason: str) -> None:
    with pytest.raises(FailedPrecondition, match=reason):
        check_allowed(event, PROGRAMME, [EVENT], NOW)


def test_an_event_that_was_called_off_does_not_count() -> None:
    check_allowed(replace(EVENT, id=EventId(ID, "e2")), PROGRAMME, [called_off(EVENT, NOW)], NOW)


def test_a_change_that_comes_late_changes_nothing() -> None:
    newer = changed(EVENT, replace(EVENT, priority=7, modification_number=4), NOW)

    assert newer.modification_number == 4
    assert changed(newer, replace(EVENT, priority=1, modification_number=3), NOW) == newer


def test_what_has_passed_of_an_event_stays() -> None:
    wanted = replace(EVENT, asked=ReductionAsked(powers_w=(9.0, 500.0)), modification_number=1)

    after = changed(EVENT, wanted, START + HOUR)

    assert after.asked == ReductionAsked(powers_w=(2_000.0, 500.0))


@pytest.mark.parametrize("moment", [START + 2 * HOUR, START + 9 * HOUR])
def test_an_event_that_is_over_never_changes(moment: datetime) -> None:
    wanted = replace(EVENT, priority=3, modification_number=1)

    with pytest.raises(FailedPrecondition, match="EVENT_IS_OVER"):
        changed(EVENT, wanted, moment)
    with pytest.raises(FailedPrecondition, match="EVENT_IS_OVER"):
        changed(called_off(EVENT, NOW), wanted, NOW)
    assert called_off(EVENT, moment) is EVENT


def test_an_event_that_has_begun_keeps_its_start() -> None:
    wanted = replace(EVENT, range=TimeRange.of(START + HOUR, 2 * HOUR), modification_number=1)

    with pytest.raises(FailedPrecondition, match="EVENT_HAS_BEGUN"):
        changed(EVENT, wanted, START)


def test_an_event_that_is_called_off_while_active_held_until_then() -> None:
    event = called_off(EVENT, START + HOUR)

    assert event.state(START + HOUR) is EventState.CANCELLED
    assert event.held == TimeRange.of(START, HOUR)


def test_promises_are_made_before_an_event_by_who_takes_part() -> None:
    with pytest.raises(FailedPrecondition, match="EVENT_HAS_BEGUN"):
        committed(TAKEN, promise(1.0, 1.0), EVENT, START)
    out = decided(TAKEN, OUT, EVENT, PROGRAMME, NOW)
    with pytest.raises(FailedPrecondition, match="NOT_TAKING_PART"):
        committed(out, promise(1.0, 1.0), EVENT, NOW)


def test_an_answer_outlives_a_change_of_the_event_and_a_promise_does_not() -> None:
    kept = committed(TAKEN, promise(1.0, 1.0), EVENT, NOW)
    assert begun(EVENT, ENROLMENT, kept).commitment is None

    out = decided(kept, OUT, EVENT, PROGRAMME, NOW)
    assert begun(EVENT, ENROLMENT, out).decision == OUT
    assert not begun(EVENT, ENROLMENT, out).takes_part


def test_what_is_delivered_is_paid_and_what_is_missing_is_taken() -> None:
    part = committed(TAKEN, promise(1_500.0, 1_500.0), EVENT, NOW)

    # 2 kWh and 0.5 kWh delivered; 1 kWh of 1.5 missing; 1.5 kW held
    assert settled(part, [3_000.0, 4_500.0]) == (
        Decimal("2.500"),
        Decimal("3.000"),
        Money(Decimal("1.60"), "EUR"),
        0,
    )


def test_more_than_was_asked_is_not_paid_and_more_use_is_counted_against_it() -> None:
    # 5 kWh below the baseline, 2 of them asked; then 1 kWh above it: 1 kWh is paid
    assert settled(TAKEN, [0.0, 6_000.0])[:3] == (
        Decimal("4.000"),
        Decimal("0.000"),
        Money(Decimal("0.20"), "EUR"),
    )


def test_more_than_an_enrolment_offers_is_not_paid() -> None:
    """A plan counts on no more: the payment that it expects is the one that is made."""
    found = settle(
        *(EVENT, PROGRAMME, TAKEN, np.full(2, 5_000.0), np.array([2_000.0, 5_500.0])),
        START + 3 * HOUR,
        most_w=1_500.0,
    )
    # 3 kWh below the baseline, 1.5 of them offered; then 0.5 kWh above it: 1 kWh is paid
    assert found.payment == Money(Decimal("0.20"), "EUR")
    assert found.delivered_kwh == Decimal("2.500")


def test_what_is_only_moved_within_an_event_is_not_paid() -> None:
    assert settled(TAKEN, [3_000.0, 8_300.0])[::2] == (Decimal("-1.300"), Money(Decimal(0), "EUR"))


def test_what_was_not_metered_is_said_and_neither_paid_nor_taken() -> None:
    part = committed(TAKEN, promise(1_500.0, 1_500.0), EVENT, NOW)

    assert settled(part, [float("nan"), 3_500.0])[2:] == (Money(Decimal("1.80"), "EUR"), 1)


def test_who_leaves_in_the_middle_is_settled_until_then() -> None:
    part = decided(
        committed(TAKEN, promise(1_500.0, 1_500.0), EVENT, NOW), OUT, EVENT, PROGRAMME, NOW
    )

    assert settled(part, [3_500.0, 9_000.0])[:2] == (Decimal("1.500"), Decimal("1.500"))


def test_a_test_pays_nothing() -> None:
    assert settled(TAKEN, [0.0, 0.0], event=replace(EVENT, test=True))[2] == Money(
        Decimal("0.00"), "EUR"
    )


def test_a_ramp_leaves_time_to_reach_what_was_promised() -> None:
    slow = replace(PROGRAMME, ramp=timedelta(minutes=30))

    assert ramp_shares(EVENT, slow).tolist() == [0.75, 1.0]
    assert ramp_shares(EVENT, PROGRAMME).tolist() == [1.0, 1.0]
    assert ramp_shares(EVENT, replace(PROGRAMME, ramp=2 * HOUR)).tolist() == [0.25, 0.75]


def test_a_limit_of_a_node_or_of_each_conductor_is_one_by_itself() -> None:
    """What a feeder may let through says nothing of the whole connection."""
    feeder = replace(
        LIMIT,
        id=EventId(ID, "e2"),
        asked=LimitAsked(node="feeder", max_import_w=(900.0, 900.0)),
    )
    phases = replace(
        LIMIT,
        id=EventId(ID, "e3"),
        asked=LimitAsked(max_phase_import_w=(1_500.0, 1_400.0), max_phase_export_w=(10.0, 10.0)),
    )
    all_three = [(each, [begun(each, ENROLMENT, None)]) for each in (LIMIT, feeder, phases)]

    found = next_limits(all_three, NOW)
    assert found.keys() == {"sites/home-1", "sites/home-1/nodes/feeder"}
    whole, part = found["sites/home-1"], found["sites/home-1/nodes/feeder"]
    assert (part.max_power_w, part.max_phase_power_w, part.reason) == (900.0, None, feeder.id.name)
    assert part.span == LIMIT.range
    assert (whole.max_power_w, whole.max_phase_power_w) == (4_200.0, 1_500.0)
    assert whole.min_phase_power_w == -10.0
    assert whole.span == TimeRange.of(START, HOUR), "then conductors may bear less"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"node": "feeder"},
        {"node": "a/b", "max_import_w": (1.0,)},
        {"max_phase_import_w": (-1.0,)},
    ],
)
def test_a_limit_of_nothing_or_of_no_node_is_refused(asked: Any) -> None:
    with pytest.raises(InvalidArgument):
        LimitAsked(**asked)


def test_what_has_passed_of_a_conductors_limit_stays_as_it_was() -> None:
    kept = replace(LIMIT, asked=LimitAsked(node="feeder", max_phase_import_w=(1.0, 2.0)))
    wanted = replace(kept, asked=LimitAsked(node="feeder", max_phase_import_w=(7.0, 8.0)))
    asked = changed(kept, wanted, START + HOUR).asked
    assert asked == LimitAsked(node="feeder", max_phase_import_w=(1.0, 8.0))


def test_the_tightest_limit_holds_from_its_start_to_its_end() -> None:
    part = begun(LIMIT, ENROLMENT, None)
    tighter = replace(
        LIMIT,
        id=EventId(ID, "e2"),
        range=TimeRange.of(START + HOUR, HOUR),
        asked=LimitAsked(max_import_w=(1_000.0,), max_export_w=(500.0,)),
    )
    both = [(LIMIT, [part]), (tighter, [begun(tighter, ENROLMENT, None)])]

    (before,) = next_limits(both, NOW).values()
    assert (before.span, before.max_power_w) == (TimeRange.of(START, HOUR), 4_200.0)
    (later,) = next_limits(both, START + HOUR).values()
    assert (later.max_power_w, later.min_power_w) == (1_000.0, -500.0)
    (alone,) = next_limits([(LIMIT, [part])], NOW).values()
    assert alone.span == LIMIT.range
    assert next_limits([(called_off(LIMIT, NOW), [part])], NOW) == {}
    out = decided(part, replace(OUT, decide_time=NOW), LIMIT, PROGRAMME, NOW)
    assert next_limits([(LIMIT, [out])], NOW) == {}
