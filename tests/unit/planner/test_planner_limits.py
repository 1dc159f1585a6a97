"""What grid and owners allow a site: plans stay within it."""

from dataclasses import replace

import pytest

from tests.fakes.planner_asked_home import asked, inputs, net_w
from tests.fakes.planner_home import HOME, HOUR, START
from tests.fakes.planner_solving import solved
from wattmesh_kernel.sites import BatteryRating, Node
from wattmesh_planner.adapters.event_promises import promises_from_plans
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.events import (
    LimitTerms,
    ReductionTerms,
)
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.owners_limits import OwnersLimit, bounds_w


def battery_on_feeder(given: PlanInputs) -> PlanInputs:
    """Return the same problem with the battery behind a node of its own."""
    (site,) = given.sites
    hung = tuple(
        replace(each, asset=replace(each.asset, asset=replace(each.asset.asset, node_id="feeder")))
        if isinstance(each.asset.rating, BatteryRating)
        else each
        for each in site.assets
    )
    place = replace(site.site, site=replace(site.site.site, nodes=(Node(id="feeder"),)))
    return replace(given, sites=(replace(site, site=place, assets=hung),))


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
    plan = solved(battery_on_feeder(given))

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
    plan = solved(battery_on_feeder(given))
    (battery,) = (each for each in plan.sites[0].assets if each.soc_ratios)
    assert list(battery.powers_w[5:7]) == pytest.approx([-300.0, -600.0], abs=1.0)


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
