"""What a site or a group weighs beside the bill reaches the optimizer."""

from dataclasses import replace

import pytest

from tests.fakes.planner_home import HOME, HOUR, START, STREET, group, home
from tests.fakes.planner_world import PlannerWorld
from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Node, PlanningGoals, Site, SiteGroup
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.model import ScopeId
from wattmesh_planner.domain.prices import tie_price_per_kw

OTHER = SiteId("home-2")
GOALS = PlanningGoals(carbon_price_per_kg=0.2, ramp_price_per_kw=0.03, site_peak_price_per_kw=0.5)


async def problem_of(world: PlannerWorld, scope: ScopeId) -> problem_pb2.Problem:
    await world.plan(scope)
    return ProblemWriter(carbon_price_per_kg=0.1).problem(world.asked)


async def problem_of_a_street(world: PlannerWorld, street: SiteGroup) -> problem_pb2.Problem:
    await world.knows(*home(), *home(OTHER), street)
    return await problem_of(world, STREET)


async def test_a_group_flattens_unless_it_says_otherwise() -> None:
    street = group(HOME, OTHER)
    problem = await problem_of_a_street(PlannerWorld(), street)
    assert not problem.groups[0].HasField("ramp_price_per_kw")
    assert [site.power_before_w for site in problem.sites] == [300.0, 300.0]

    told = replace(street, goals=PlanningGoals(ramp_price_per_kw=0.0))
    problem = await problem_of_a_street(PlannerWorld(), told)
    assert problem.groups[0].ramp_price_per_kw == 0.0
    assert problem.groups[0].HasField("ramp_price_per_kw")
    assert not any(site.HasField("power_before_w") for site in problem.sites)


async def test_goals_of_a_group_are_weighed_in_its_plans() -> None:
    street = replace(group(HOME, OTHER), goals=GOALS, netted_billing=True)
    problem = await problem_of_a_street(PlannerWorld(), street)
    assert problem.groups[0].ramp_price_per_kw == 0.03
    assert problem.groups[0].netted_billing
    assert problem.goals.ramp_price_per_kw == 0.0
    assert problem.goals.carbon_price_per_kg == 0.2
    assert problem.goals.peak_price_per_kw == 0.5


async def test_goals_of_a_site_are_weighed_when_it_is_planned_alone() -> None:
    world = PlannerWorld()
    resources = [replace(each, goals=GOALS) if isinstance(each, Site) else each for each in home()]
    await world.knows(*resources)
    problem = await problem_of(world, HOME)
    assert problem.goals.ramp_price_per_kw == 0.03
    assert problem.goals.carbon_price_per_kg == 0.2
    assert problem.sites[0].power_before_w == 300.0


async def test_what_the_planner_is_set_to_counts_where_nobody_says() -> None:
    problem = await problem_of_a_street(PlannerWorld(), group(HOME, OTHER))
    assert problem.goals.carbon_price_per_kg == 0.1


async def test_a_power_that_was_not_metered_is_not_made_up() -> None:
    world = PlannerWorld()
    world.energies.gaps = {START - 2 * HOUR}
    problem = await problem_of_a_street(world, group(HOME, OTHER))
    assert not any(site.HasField("power_before_w") for site in problem.sites)


async def test_a_plan_is_made_while_metering_does_not_answer() -> None:
    world = PlannerWorld()
    world.energies.away = True
    problem = await problem_of_a_street(world, group(HOME, OTHER))
    assert len(problem.sites) == 2
    assert not any(site.HasField("power_before_w") for site in problem.sites)


async def test_of_plans_of_equal_cost_a_site_alone_takes_the_one_that_changes_least() -> None:
    world = PlannerWorld()
    await world.knows(*home())
    problem = await problem_of(world, HOME)
    price = world.asked.sites[0].price
    assert price is not None
    mean = sum(price.import_prices_per_kwh) / len(price.import_prices_per_kwh)
    assert problem.goals.ramp_price_per_kw == pytest.approx(mean / 200)
    assert tie_price_per_kw(None) == 0.0


async def test_a_site_that_says_nothing_for_changes_pays_nothing_for_them() -> None:
    world = PlannerWorld()
    free = PlanningGoals(ramp_price_per_kw=0.0)
    await world.knows(
        *[replace(each, goals=free) if isinstance(each, Site) else each for each in home()]
    )
    assert (await problem_of(world, HOME)).goals.ramp_price_per_kw == 0.0


async def test_feeders_of_a_street_are_planned_with_the_sites_that_hang_on_them() -> None:
    feeders = (
        Node(id="transformer", max_import_power_w=100_000.0),
        Node(
            id="north", parent_id="transformer", display_name="North", max_phase_import_power_w=9e3
        ),
    )
    street = replace(
        group(HOME, OTHER), nodes=feeders, site_node_ids={HOME: "north", OTHER: "transformer"}
    )
    problem = await problem_of_a_street(PlannerWorld(), street)
    transformer, north = problem.groups[0].nodes
    assert (north.parent_id, north.display_name) == ("transformer", "North")
    assert transformer.limits.max_import_power_w == 100_000.0
    assert north.limits.max_phase_import_power_w == 9_000.0
    assert problem.groups[0].site_node_ids == {HOME.name: "north", OTHER.name: "transformer"}


async def test_members_are_drawn_and_weighed_where_a_site_asks_for_them() -> None:
    world = PlannerWorld()
    goals = PlanningGoals(ensemble_member_count=3, risk_ratio=0.2)
    resources = [replace(each, goals=goals) if isinstance(each, Site) else each for each in home()]
    await world.knows(*resources)
    problem = await problem_of(world, HOME)
    assert world.forecaster.members == [3]
    members = problem.ensemble.members
    assert len(members) == 3
    assert problem.ensemble.risk_ratio == 0.2
    loads = {each.asset: each.powers_w[0] for each in members[2].powers}
    assert loads["sites/home-1/assets/load"] == 1_200.0
    assert loads["sites/home-1/assets/pv"] == 0.0


async def test_no_members_are_drawn_where_nobody_asks_for_them() -> None:
    world = PlannerWorld()
    await world.knows(*home())
    problem = await problem_of(world, HOME)
    assert world.forecaster.members == [0]
    assert not problem.HasField("ensemble")
