"""Events of the grid: what a plan does in them, and what it promises."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.planner_grid_events import KnownGridEvents
from tests.fakes.planner_home import HOME, HOUR, START
from tests.fakes.planner_solving import solved
from tests.fakes.planner_world import world_of_a_home
from wattmesh.optimizer.v1 import plan_pb2, problem_pb2
from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event, ReductionAsked
from wattmesh_demandresponse.domain.participation import Commitment, begun
from wattmesh_demandresponse.domain.programme import EventKind, Payment, Programme
from wattmesh_demandresponse.domain.settling import settle
from wattmesh_kernel.baseline import Baseline, BaselineMethod
from wattmesh_kernel.ids import GroupId
from wattmesh_kernel.programme_ids import EnrolmentId, EventId, ParticipationId, ProgrammeId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating, Node
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.event_problem import events_to_proto
from wattmesh_planner.adapters.event_promises import promises_from_plans
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.app.facts.events import EventFacts
from wattmesh_planner.domain.events import (
    GridEvent,
    LimitTerms,
    PriceTerms,
    ReductionTerms,
    ReserveTerms,
    Terms,
    Values,
)
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.owners_limits import OwnersLimit, bounds_w

EVENING = START + 5 * HOUR
SPAN = TimeRange.of(EVENING, 2 * HOUR)


def asked(
    terms: Terms, name: str = "e1", *, priority: int = 0, step: timedelta = HOUR
) -> GridEvent:
    """Something that is asked of the home for two hours; a reduction below 3 kW."""
    return GridEvent(
        id=ParticipationId(EventId(ProgrammeId("street"), name), "home-1"),
        subject=HOME.name,
        span=SPAN,
        step=step,
        priority=priority,
        terms=terms,
        baseline_w=Series.filled(SPAN, step, 3_000.0),
    )


async def inputs(*events: GridEvent) -> PlanInputs:
    world = await world_of_a_home()
    await world.plan()
    return replace(world.asked, events=events)


def net_w(plan: plan_pb2.Plan) -> list[float]:
    (site,) = plan.sites
    net = np.array(site.import_powers_w) - np.array(site.export_powers_w)
    return [float(each) for each in net[5:7]]


async def test_a_plan_stays_within_a_limit_and_promises_what_it_plans() -> None:
    given = await inputs(asked(LimitTerms(max_import_w=(200.0, 0.0))))
    plan, without = solved(given), solved(replace(given, events=()))

    assert net_w(plan)[0] <= 200.0 + 1e-6
    assert net_w(plan)[1] <= 1e-6
    (promise,) = promises_from_plans(plan, without, given)
    assert promise.committed_w == pytest.approx(net_w(plan))
    assert promise.baseline_w == pytest.approx(net_w(without))
    assert promise.confidence_ratio == 0.5
    assert promise.expected_cost is not None
    assert promise.expected_cost.amount >= 0


async def test_what_a_node_may_let_through_bounds_what_hangs_on_it_and_nothing_else() -> None:
    """A feeder is asked to take less back: the battery on it gives less, though more is paid."""
    reduced = asked(ReductionTerms(price_per_kwh=0.5), "e1")
    feeder = asked(LimitTerms(max_export_w=(200.0, 400.0), node="feeder"), "e2")
    elsewhere = asked(LimitTerms(max_export_w=(0.0, 0.0), node="another"), "e3")
    given = await inputs(reduced, feeder, elsewhere)
    (site,) = given.sites
    hung = tuple(
        replace(each, asset=replace(each.asset, asset=replace(each.asset.asset, node_id="feeder")))
        if isinstance(each.asset.rating, BatteryRating)
        else each
        for each in site.assets
    )
    place = replace(site.site, site=replace(site.site.site, nodes=(Node(id="feeder"),)))
    plan = solved(replace(given, sites=(replace(site, site=place, assets=hung),)))

    (battery,) = (each for each in plan.sites[0].assets if each.soc_ratios)
    assert list(battery.powers_w[5:7]) == pytest.approx([-200.0, -400.0], abs=1.0)
    assert min(net_w(solved(given))) < -2_000.0, "without that it gives all it can"


async def test_what_each_conductor_may_bear_is_planned_inside_at_connections_and_nodes() -> None:
    """A third of what flows is on each: 3 x 100 W are let back, whatever the whole may be."""
    reduced = asked(ReductionTerms(price_per_kwh=0.5), "e1")
    whole = asked(LimitTerms(max_phase_export_w=(100.0, 200.0)), "e2")
    given = await inputs(reduced, whole)
    assert net_w(solved(given)) == pytest.approx([-300.0, -600.0], abs=1.0)

    feeder = asked(LimitTerms(max_phase_export_w=(100.0, 200.0), node="feeder"), "e2")
    given = await inputs(reduced, feeder)
    (site,) = given.sites
    hung = tuple(
        replace(each, asset=replace(each.asset, asset=replace(each.asset.asset, node_id="feeder")))
        if isinstance(each.asset.rating, BatteryRating)
        else each
        for each in site.assets
    )
    place = replace(site.site, site=replace(site.site.site, nodes=(Node(id="feeder"),)))
    plan = solved(replace(given, sites=(replace(site, site=place, assets=hung),)))
    (battery,) = (each for each in plan.sites[0].assets if each.soc_ratios)
    assert list(battery.powers_w[5:7]) == pytest.approx([-300.0, -600.0], abs=1.0)


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


def unsure(given: PlanInputs, deviation_w: Values) -> PlanInputs:
    """Return the same problem with forecasts that may be off so far in each interval [W]."""
    off = Series(given.target.start, given.resolution, deviation_w)
    assets = tuple(
        each
        if each.forecast is None
        else replace(each, forecast=replace(each.forecast, deviation_w=off, above_w=off))
        for each in given.sites[0].assets
    )
    return replace(given, sites=(replace(given.sites[0], assets=assets),))


async def test_forecasts_that_may_be_off_within_an_event_promise_less() -> None:
    given = await inputs(asked(ReductionTerms(price_per_kwh=5.0)))
    event, count = given.events[0], given.target.count(given.resolution)
    within = [event.span.contains(each) for each in given.target.starts(given.resolution)]
    less_sure = unsure(given, np.where(within, 100.0, 0.0))
    elsewhere = unsure(given, np.where(within, 0.0, 100.0))
    without = solved(replace(given, events=()))

    (sure,) = promises_from_plans(solved(given), without, given)
    (careful,) = promises_from_plans(solved(less_sure), without, less_sure)
    (as_sure,) = promises_from_plans(solved(elsewhere), without, elsewhere)

    # Two forecasts that are off by 100 W each: 141 W together, 1.28 of it at 90 %. In the first
    # hour the battery makes up for that, in the second it lacks that as well.
    less = np.subtract(sure.committed_w, careful.committed_w)
    assert less == pytest.approx([0.0, 2 * 181.2], abs=1.0)
    assert as_sure.committed_w == pytest.approx(sure.committed_w)
    (message,) = events_to_proto(less_sure)
    assert message.paid_reduction.power_deviation_w == pytest.approx(141.4, abs=0.1)
    assert count > sum(within)


async def test_nothing_is_promised_on_forecasts_that_say_nothing_of_how_sure_they_are() -> None:
    """As on a load's first day; what is delivered is paid all the same."""
    given = await inputs(asked(ReductionTerms(price_per_kwh=5.0)))
    without, plan = solved(replace(given, events=())), solved(given)
    assets = tuple(
        each
        if each.forecast is None
        else replace(each, forecast=replace(each.forecast, above_w=None))
        for each in given.sites[0].assets
    )
    blind = replace(given, sites=(replace(given.sites[0], assets=assets),))
    most_w = Series(SPAN.start, HOUR, np.zeros(2))
    remembered = replace(blind, events=(replace(blind.events[0], usual_most_w=most_w),))

    (sure,) = promises_from_plans(plan, without, given)
    (nothing,) = promises_from_plans(plan, without, blind)
    (by_days_before,) = promises_from_plans(plan, without, remembered)

    assert nothing.committed_w == (0.0, 0.0)
    assert nothing.expected_payment == sure.expected_payment
    assert by_days_before.committed_w == pytest.approx(sure.committed_w), "those were all alike"


async def test_evenings_that_differ_promise_less_however_sure_forecasts_are() -> None:
    """On the first holiday of a year forecasts are as sure as on any other day."""
    given = await inputs(asked(ReductionTerms(price_per_kwh=5.0)))
    without, plan = solved(replace(given, events=())), solved(given)
    forecasts = [each.forecast for each in given.sites[0].assets if each.forecast is not None]
    expected_w = np.sum([each.power_w.values[5:7] for each in forecasts], axis=0)

    def evenings(above_w: float) -> PlanInputs:
        most_w = Series(SPAN.start, HOUR, expected_w + above_w)
        return replace(given, events=(replace(given.events[0], usual_most_w=most_w),))

    differing, alike = evenings(300.0), evenings(-300.0)

    (sure,) = promises_from_plans(plan, without, given)
    (careful,) = promises_from_plans(plan, without, differing)
    (as_sure,) = promises_from_plans(plan, without, alike)

    less = np.subtract(sure.committed_w, careful.committed_w)
    assert less == pytest.approx([0.0, 600.0], abs=1.0)
    assert as_sure.committed_w == pytest.approx(sure.committed_w)


async def test_what_is_usual_in_an_events_hours_is_the_highest_but_for_one_day_of_ten() -> None:
    """It is asked for once: an event stands in every plan of a day."""
    world = await world_of_a_home()
    event = asked(ReductionTerms(price_per_kwh=1.0))
    energies = Energies(world.energies, HOUR, world.background)
    facts = EventFacts(KnownGridEvents(event), energies, HOUR)
    world.energies.gaps = {SPAN.start - timedelta(days=3)}

    known = await facts(world.scope(), TimeRange.of(START, 24 * HOUR))
    await facts(world.scope(), TimeRange.of(START + HOUR, 24 * HOUR))

    most_w = known.events[0].usual_most_w
    assert most_w is not None
    assert most_w.range == SPAN
    assert most_w.values == pytest.approx([600.0, 600.0])  # load and sun, 300 W each
    assert len(world.energies.asked) == 1


async def test_where_too_few_days_were_metered_or_nobody_tells_forecasts_stand_alone() -> None:
    world = await world_of_a_home()
    event = asked(ReductionTerms(price_per_kwh=1.0))
    facts = EventFacts(
        KnownGridEvents(event), Energies(world.energies, HOUR, world.background), HOUR
    )
    world.energies.away = True
    (found,) = (await facts(world.scope(), TimeRange.of(START, 24 * HOUR))).events
    assert found.usual_most_w is None

    world.energies.away = False
    world.energies.gaps = {SPAN.start - timedelta(days=each) for each in range(7, 29)}
    (found,) = (await facts(world.scope(), TimeRange.of(START, 24 * HOUR))).events
    assert found.usual_most_w is None


async def test_what_an_owner_allows_is_planned_inside_for_as_long_as_it_holds() -> None:
    limit = OwnersLimit(
        name="limits/grid",
        subject=HOME.name,
        start=START + 5 * HOUR,
        end=START + 6 * HOUR,
        max_import_w=200.0,
    )
    given = await inputs()
    bound = replace(given, limits=(limit,))

    assert net_w(solved(given))[0] > 200.0
    assert net_w(solved(bound))[0] <= 200.0 + 1e-6
    problem = ProblemWriter(carbon_price_per_kg=0.0).problem(bound)
    assert [each.id for each in problem.events] == ["limits/grid"]


async def test_what_an_owner_allows_each_conductor_of_a_site_is_planned_inside() -> None:
    limit = OwnersLimit(
        name="limits/conductors",
        subject=HOME.name,
        start=START + 5 * HOUR,
        end=START + 6 * HOUR,
        max_phase_import_w=50.0,
    )
    given = await inputs()
    plan = solved(replace(given, limits=(limit,)))

    assert net_w(solved(given))[0] > 150.0
    assert net_w(plan)[0] <= 150.0 + 1e-6, "a third on each of three"


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((None, 4_200.0), (4_200.0, None)),
        ((-1_000.0, None), (None, 1_000.0)),
        ((500.0, 4_200.0), (4_200.0, 0.0)),
        ((None, -500.0), (0.0, None)),
    ],
)
def test_bounds_of_a_power_are_most_import_and_most_export(
    bounds: tuple[float | None, float | None], expected: tuple[float | None, float | None]
) -> None:
    assert bounds_w(*bounds) == expected


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
