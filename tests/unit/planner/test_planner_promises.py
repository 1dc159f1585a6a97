"""What a plan promises of an event, by how sure its forecasts are and what is usual then."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.planner_asked_home import SPAN, asked, inputs
from tests.fakes.planner_grid_events import KnownGridEvents
from tests.fakes.planner_home import HOUR, START
from tests.fakes.planner_solving import solved
from tests.fakes.planner_world import world_of_a_home
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.event_problem import events_to_proto
from wattmesh_planner.adapters.event_promises import promises_from_plans
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.app.facts.events import EventFacts
from wattmesh_planner.domain.events import (
    ReductionTerms,
    Values,
)
from wattmesh_planner.domain.inputs import PlanInputs


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
