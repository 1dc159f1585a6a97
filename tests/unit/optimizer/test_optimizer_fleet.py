"""Sites planned apart cost what they do together, keep what they share, and say how good it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests.bench.fleet.homes import feeder
from tests.bench.fleet.patience import PatientSolver
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.options import Division
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.domain.plan import CostCause, Plan, SolveStatus
from wattmesh_optimizer.domain.problem import (
    DemandResponseEvent,
    EventPrice,
    Goals,
    PaidReduction,
    Problem,
    Reserve,
    ReserveDirection,
    SiteGroup,
)
from wattmesh_optimizer.domain.schedule import Schedule
from wattmesh_optimizer.domain.site import Node, PowerLimits
from wattmesh_optimizer.domain.storage import EvCharger
from wattmesh_optimizer.domain.trajectory import simulate

HOMES = 14
LONG = timedelta(seconds=100)
"""No plan of these takes that long, on any machine."""


def of(problem: Problem, division: Division, **options: Any) -> Plan:
    return SolvePlan(OrToolsSolver())(
        problem, SolveOptions(**{"time_limit": LONG, "division": division, **options})
    )


def with_group(problem: Problem, **changes: Any) -> Problem:
    return replace(problem, groups=(replace(problem.groups[0], **changes),))


def evening(problem: Problem) -> TimeRange:
    return TimeRange(problem.horizon.time(18), problem.horizon.time(21))


def with_event(problem: Problem, kind: Any, site_names: tuple[str, ...] = ()) -> Problem:
    event = DemandResponseEvent(
        id="event", range=evening(problem), kind=kind, site_names=site_names
    )
    return replace(problem, events=(event,))


def on_two_transformers(problem: Problem) -> Problem:
    names = problem.groups[0].site_names
    nodes = tuple(
        Node(id=node_id, limits=PowerLimits(max_import_power_kw=share * HOMES))
        for node_id, share in (("west", 0.7), ("east", 0.95))
    )
    hung = {name: ("west", "east")[number % 2] for number, name in enumerate(names)}
    return with_group(problem, nodes=nodes, site_node_ids=hung)


def half_in_another_group(problem: Problem) -> Problem:
    half = problem.groups[0].site_names[: HOMES // 2]
    other = SiteGroup(name="groups/half", site_names=half, peak_price_per_kw=0.4)
    return replace(problem, groups=(*problem.groups, other))


SHARED: dict[str, Callable[[Problem], Problem]] = {
    "a limit, and changes at a price": lambda problem: problem,
    "a limit alone": lambda problem: with_group(problem, ramp_price_per_kw=0.0),
    "a limit that nothing keeps": lambda problem: with_group(
        problem, limits=PowerLimits(max_import_power_kw=0.3 * HOMES)
    ),
    "a limit of export": lambda problem: with_group(
        problem, limits=PowerLimits(max_export_power_kw=0.4 * HOMES)
    ),
    "a peak at a price": lambda problem: with_group(
        problem, limits=PowerLimits(), peak_price_per_kw=0.5, peak_so_far_kw=10.0
    ),
    "two transformers": on_two_transformers,
    "two groups": half_in_another_group,
    "one bill": lambda problem: with_group(problem, netted_billing=True, ramp_price_per_kw=0.0),
    "nothing": lambda problem: replace(problem, groups=()),
    "an event's limit for half of them": lambda problem: with_event(
        problem, PowerLimits(max_import_power_kw=0.2 * HOMES), problem.groups[0].site_names[::2]
    ),
    "an event's price": lambda problem: with_event(problem, EventPrice(import_adder_per_kwh=0.5)),
    "an event of one home": lambda problem: with_event(
        problem,
        PaidReduction(baseline_kw=np.full(24, 2.0), price_per_kwh=0.5, max_power_kw=1.0),
        problem.groups[0].site_names[3:4],
    ),
    "goals of every site": lambda problem: replace(
        problem, goals=Goals(peak_price_per_kw=0.05, export_price_per_kwh=0.01)
    ),
}


@pytest.mark.parametrize("shared", SHARED)
def test_homes_planned_apart_cost_what_they_do_together(shared: str) -> None:
    problem = SHARED[shared](feeder(HOMES))
    apart, together = of(problem, Division.APART), of(problem, Division.TOGETHER)
    assert apart.solver is not None
    assert apart.solver.rounds > 0
    assert apart.total_cost <= together.total_cost + 0.005 * abs(together.total_cost)
    assert apart.total_cost * (1 - apart.solver.gap_ratio) <= together.total_cost + 1e-6
    missed = sum(each.penalty for each in apart.unmet_requirements)
    assert missed <= sum(each.penalty for each in together.unmet_requirements) * 1.001 + 1e-6
    assert [site.name for site in apart.sites] == [site.name for site in problem.sites]


def test_the_gap_said_of_one_matrix_leaves_no_cheaper_plan_out() -> None:
    problem = replace(feeder(6, seed=2), goals=Goals(ramp_price_per_kw=0.02))
    apart, together = (
        of(problem, division, gap_ratio=1e-6) for division in (Division.APART, Division.TOGETHER)
    )
    assert together.solver is not None
    assert together.total_cost * (1 - together.solver.gap_ratio) <= apart.total_cost + 1e-6


def test_a_plan_made_apart_is_what_its_orders_lead_to() -> None:
    problem = feeder(HOMES)
    plan = of(problem, Division.APART)
    again, violations = simulate(problem, Schedule.of(plan))
    assert not violations
    assert again.total_cost == pytest.approx(plan.total_cost, abs=1e-4)
    for cause in CostCause:
        mine, true = (
            sum(item.amount for item in each.costs if item.cause is cause) for each in (plan, again)
        )
        assert mine == pytest.approx(true, abs=1e-4)


def test_chargers_that_cannot_go_below_their_minimum_keep_to_it_apart() -> None:
    problem = feeder(HOMES)
    sites = tuple(
        replace(
            site,
            assets=tuple(
                replace(asset, kind=replace(asset.kind, min_current_a=6.0))
                if isinstance(asset.kind, EvCharger)
                else asset
                for asset in site.assets
            ),
        )
        for site in problem.sites
    )
    problem = replace(problem, sites=sites)
    plan = of(problem, Division.APART, gap_ratio=0.02)
    chargers = [
        asset.powers_kw[:23]  # all leave half-way in the last hour
        for site in plan.sites
        for asset in site.assets
        if "/ev" in asset.name
    ]
    powers = np.concatenate(chargers)
    least = 6.0 * 0.23 * 3
    assert chargers
    assert ((powers < 1e-6) | (powers > least - 1e-6)).all()
    assert plan.groups[0].peak_kw <= 1.6 * HOMES + 1e-6
    again, violations = simulate(problem, Schedule.of(plan))
    assert not violations
    assert again.total_cost == pytest.approx(plan.total_cost, abs=1e-4)


class Steps:
    """A clock that a solve moves on by one step with every look at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.mark.parametrize("looks", [4, 100])
def test_whenever_time_ends_there_is_a_plan_with_an_honest_gap(looks: int) -> None:
    problem = feeder(100)
    solve = SolvePlan(PatientSolver(), timer=Steps())
    plan = solve(problem, SolveOptions(time_limit=timedelta(seconds=looks)))
    assert plan.solver is not None
    assert len(plan.sites) == 100
    if plan.solver.status is not SolveStatus.FALLBACK:
        again, violations = simulate(problem, Schedule.of(plan))
        assert not violations
        assert again.total_cost == pytest.approx(plan.total_cost, abs=1e-4)


def test_one_round_of_prices_already_keeps_the_feeder() -> None:
    homes = 200
    solve = SolvePlan(PatientSolver(), timer=Steps())
    plan = solve(feeder(homes), SolveOptions(time_limit=timedelta(seconds=150)))
    assert plan.solver is not None
    assert plan.solver.rounds == 1
    assert plan.groups[0].peak_kw <= 1.6 * homes + 1e-6


def test_many_homes_are_planned_apart_and_few_together() -> None:
    for count, apart in ((10, False), (100, True)):
        plan = of(feeder(count), Division.AUTOMATIC, gap_ratio=0.05)
        assert plan.solver is not None
        assert (plan.solver.rounds > 0) is apart


def test_what_shares_more_than_sums_is_planned_together() -> None:
    problem = feeder(4)
    reserve = Reserve(
        id="fcr",
        range=evening(problem),
        direction=ReserveDirection.UP,
        power_kw=1.0,
        activation_duration=timedelta(minutes=30),
    )
    for shared in (
        replace(problem, reserves=(reserve,)),
        with_group(problem, limits=PowerLimits(max_phase_import_power_kw=3.0)),
        with_event(problem, PaidReduction(baseline_kw=np.full(24, 5.0), price_per_kwh=0.3)),
    ):
        plan = of(shared, Division.APART)
        assert plan.solver is not None
        assert plan.solver.rounds == 0
