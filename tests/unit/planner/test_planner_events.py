"""Events of the grid: what a plan does in them, and what that is paid."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.planner_asked_home import EVENING, SPAN, asked, inputs, net_w
from tests.fakes.planner_grid_events import KnownGridEvents
from tests.fakes.planner_home import HOME, HOUR, START
from tests.fakes.planner_solving import solved
from tests.fakes.planner_world import world_of_a_home
from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event, ReductionAsked
from wattmesh_demandresponse.domain.participation import Commitment, begun
from wattmesh_demandresponse.domain.programme import EventKind, Payment, Programme
from wattmesh_demandresponse.domain.settling import settle
from wattmesh_kernel.baseline import Baseline, BaselineMethod
from wattmesh_kernel.ids import GroupId
from wattmesh_kernel.programme_ids import EnrolmentId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.event_problem import events_to_proto
from wattmesh_planner.adapters.event_promises import promises_from_plans
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.app.facts.events import EventFacts
from wattmesh_planner.domain.events import (
    LimitTerms,
    PriceTerms,
    ReductionTerms,
    ReserveTerms,
)


async def test_a_paid_reduction_is_delivered_and_promised_with_its_payment() -> None:
    given = await inputs(asked(ReductionTerms(price_per_kwh=5.0, powers_w=(2_500.0, 2_500.0))))
    plan = solved(given)

    assert max(net_w(plan)) <= 500.0 + 1e-6
    (promise,) = promises_from_plans(plan, solved(replace(given, events=())), given)
    assert promise.committed_w == pytest.approx((2_500.0, 2_500.0))
    assert promise.baseline_w == (3_000.0, 3_000.0)
    assert promise.expected_payment is not None
    assert float(promise.expected_payment.amount) == pytest.approx(25.0)


@pytest.mark.parametrize(
    ("price", "powers_w"), [(5.0, (2_500.0, 2_500.0)), (5.0, (2_500.0, 0.0)), (0.3, ())]
)
async def test_what_a_plan_expects_to_be_paid_is_what_is_settled_when_it_is_kept(
    price: float, powers_w: tuple[float, ...]
) -> None:
    terms = ReductionTerms(price_per_kwh=price, price_per_kw=0.7, powers_w=powers_w)
    given = await inputs(asked(terms))
    plan = solved(given)
    (promise,) = promises_from_plans(plan, solved(replace(given, events=())), given)

    event = Event(
        id=promise.event.event,
        range=SPAN,
        resolution=HOUR,
        asked=ReductionAsked(powers_w=powers_w),
        announce_time=START,
    )
    programme = Programme(
        id=event.id.programme,
        event_kind=EventKind.PAID_REDUCTION,
        time_zone="UTC",
        baseline=Baseline(method=BaselineMethod.HIGH_OF_RECENT_DAYS),
        payment=Payment(
            currency_code="EUR", price_per_kwh=price, price_per_kw=0.7, penalty_price_per_kwh=9.0
        ),
    )
    kept = Commitment(
        plan=None, commit_time=START, committed_w=promise.committed_w, confidence_ratio=0.9
    )
    enrolment = Enrolment(
        id=EnrolmentId(programme.id, "home-1"),
        subject=HOME.name,
        start_time=START,
        opted_in_by_default=True,
    )
    part = replace(begun(event, enrolment, None), commitment=kept)
    settled = settle(
        event, programme, part, np.full(2, 3_000.0), np.array(net_w(plan)), SPAN.end + HOUR
    )

    assert promise.expected_payment is not None
    assert settled.payment is not None
    assert settled.payment.amount == promise.expected_payment.rounded(2).amount


async def test_what_has_counted_of_an_event_goes_into_the_plan() -> None:
    event = replace(
        asked(ReductionTerms(price_per_kwh=1.0)), span=TimeRange.of(START - HOUR, 3 * HOUR)
    )
    event = replace(event, baseline_w=Series.filled(event.span, HOUR, 3_000.0))
    world = await world_of_a_home()
    facts = EventFacts(
        KnownGridEvents(event), Energies(world.energies, HOUR, world.background), HOUR
    )

    known = await facts(world.scope(), TimeRange.of(START, 6 * HOUR))

    (message,) = events_to_proto(replace(await inputs(), events=known.events))
    # 3 kWh of baseline, 500 Wh in and 200 Wh out
    assert message.paid_reduction.delivered_energy_wh == pytest.approx(2_700.0)


async def test_no_more_counts_of_a_reduction_than_the_enrolment_offers() -> None:
    """Else an hour of plenty would seem to pay for one in which more is used than usual."""
    asked_w = (2_500.0, 2_500.0)
    offered = asked(ReductionTerms(price_per_kwh=1.0, powers_w=asked_w, most_power_w=1_000.0))

    # 3 kW of baseline: 3 kW below it, of which 1 counts, then 0.5 above
    assert offered.counted_wh(SPAN, HOUR, np.array([0.0, 3_500.0])) == pytest.approx(500.0)


async def test_a_reserve_is_held_with_its_energy_and_promised_with_its_pay() -> None:
    terms = ReserveTerms(
        up_w=(1_000.0, 800.0),
        down_w=(0.0, 500.0),
        activation=HOUR,
        price_per_kw_hour=3.0,
    )
    given = await inputs(asked(terms))
    plan, without = solved(given), solved(replace(given, events=()))

    (promise,) = promises_from_plans(plan, without, given)
    assert promise.up_w == pytest.approx((1_000.0, 800.0))
    assert promise.down_w == pytest.approx((0.0, 500.0))
    assert promise.committed_w == pytest.approx(net_w(plan))
    assert promise.expected_payment is not None
    assert float(promise.expected_payment.amount) == pytest.approx(3.0 * 2.3)
    assert promise.expected_cost is not None
    assert promise.expected_cost.amount >= 0


async def test_a_reserve_that_was_promised_is_held_though_it_does_not_pay() -> None:
    offer = ReserveTerms(up_w=(4_000.0, 4_000.0), activation=HOUR)
    dear = await inputs(asked(offer))
    (promise,) = promises_from_plans(solved(dear), solved(replace(dear, events=())), dear)
    held = await inputs(asked(replace(offer, promised=True)))

    assert max(promise.up_w) <= 4_000.0
    assert sum(promise.up_w) <= sum(solved(held).reserves[0].powers_w) + 1e-6
    assert sum(solved(held).reserves[0].powers_w) > 0


async def test_what_a_group_holds_is_divided_among_its_sites_and_anew_once_it_has_begun() -> None:
    terms = ReserveTerms(up_w=(1_000.0, 800.0), activation=HOUR, price_per_kw_hour=3.0)
    group = GroupId("street")
    given = await inputs(replace(asked(terms), subject=group.name))
    given = replace(given, scope=replace(given.scope, id=group))
    plan, without = solved(given), solved(replace(given, events=()))

    (promise,) = promises_from_plans(plan, without, given)
    (holding,) = promise.sites
    assert holding.site == HOME.name
    assert holding.up_w == pytest.approx((1_000.0, 800.0))
    assert promise.up_w == pytest.approx((1_000.0, 800.0))
    assert holding.planned_w == pytest.approx(net_w(plan))

    began = replace(given.events[0], terms=replace(terms, promised=True))
    later = replace(began, span=TimeRange.of(START - HOUR, 2 * HOUR))
    active = replace(given, events=(later,))
    (again,) = promises_from_plans(solved(active), without, active)
    (holding,) = again.sites
    assert holding.up_w == pytest.approx((0.0, 800.0))  # the first hour is over


async def test_prices_are_added_to_the_tariff_or_take_its_place() -> None:
    def adders(*events: problem_pb2.DemandResponseEvent) -> list[float]:
        return [round(each.price.import_adder_per_kwh, 6) for each in events]

    more = await inputs(asked(PriceTerms(import_per_kwh=(0.1, 0.2), additional=True)))
    assert adders(*events_to_proto(more)) == [0.1, 0.2]
    other = await inputs(asked(PriceTerms(import_per_kwh=(0.5, 0.5))))
    assert adders(*events_to_proto(other)) == [0.2]


async def test_of_two_that_pay_at_a_time_the_one_of_higher_priority_does() -> None:
    terms = ReductionTerms(price_per_kwh=1.0)
    both = await inputs(asked(terms, "first", priority=2), asked(terms, "second"))

    assert [each.id.partition("#")[0] for each in events_to_proto(both)] == [
        "programmes/street/events/first/participations/home-1"
    ]


async def test_intervals_of_an_event_shorter_than_the_plans_are_kept_by_the_least() -> None:
    given = await inputs(
        asked(LimitTerms(max_import_w=(900.0, 300.0, 900.0, 900.0)), step=HOUR / 2)
    )

    (event,) = events_to_proto(given)
    assert list(event.limit.max_import_powers_w[5:7]) == [300.0, 900.0]


async def test_an_event_that_has_begun_is_promised_no_more() -> None:
    given = await inputs(asked(LimitTerms(max_import_w=(200.0, 200.0))))
    plan = solved(given)

    begun = replace(given, issue_time=EVENING)
    assert not list(promises_from_plans(plan, plan, begun))
