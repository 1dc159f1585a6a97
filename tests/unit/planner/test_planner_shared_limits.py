"""What owners and events let sites share is planned inside, and told by node where it cannot be."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.planner_home import HOUR, START, STREET, group, home
from tests.fakes.planner_solving import solved
from tests.fakes.planner_world import PlannerWorld
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.programme_ids import EventId, ParticipationId, ProgrammeId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Node, Phase
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.optimizer import degradations_from_plan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.events import GridEvent, LimitTerms
from wattmesh_planner.domain.facts import Reason
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.owners_limits import OwnersLimit

HOMES = [SiteId(f"home-{number}") for number in (1, 2, 3)]
NORTH = "groups/street/nodes/north"
WITHIN = slice(5, 8)
SPAN = TimeRange.of(START + 5 * HOUR, 3 * HOUR)
STREET_OF_THREE = replace(
    group(*HOMES),
    nodes=(
        Node(id="transformer"),
        Node(id="north", parent_id="transformer", display_name="North feeder"),
    ),
    site_node_ids={HOMES[0]: "north", HOMES[1]: "north", HOMES[2]: "transformer"},
)


async def street(*, phases: Sequence[Phase] = ()) -> PlanInputs:
    """Three homes, two of them on the north feeder, of a kilowatt each; with a phase all of it."""
    world = PlannerWorld()
    await world.knows(*(part for each in HOMES for part in home(each)), STREET_OF_THREE)
    await world.plan(STREET)
    return _on(world.asked, phases) if phases else world.asked


def _on(inputs: PlanInputs, phases: Sequence[Phase]) -> PlanInputs:
    sites = [
        replace(
            site,
            assets=tuple(
                replace(each, asset=replace(each.asset, asset=replace(each.asset.asset, phase=on)))
                for each in site.assets
            ),
        )
        for site, on in zip(inputs.sites, phases, strict=True)
    ]
    return replace(inputs, sites=tuple(sites))


def owners(subject: str = STREET.name, *, node: str = "", **bounds_w: float) -> OwnersLimit:
    return OwnersLimit(
        name="limits/grid",
        subject=subject,
        node=node,
        start=SPAN.start,
        end=SPAN.end,
        **bounds_w,
    )


def through(plan: plan_pb2.Plan, node: str = "") -> np.ndarray:
    """Return what flows into a node of the group, or into all of it, while it is limited [W]."""
    (shared,) = plan.groups
    powers = {each.node_id: each.powers_w for each in shared.nodes}
    return np.array(powers[node] if node else shared.powers_w)[WITHIN]


async def test_what_an_owner_allows_a_node_is_planned_inside_by_the_sites_on_it() -> None:
    given = await street()
    assert through(solved(given), "north").min() > 1_200.0
    plan = solved(replace(given, limits=(owners(node="north", max_import_w=1_200.0),)))

    assert through(plan, "north").max() <= 1_200.0 + 1e-3
    assert through(plan).max() > 1_200.0, "who hangs elsewhere is not bound"
    assert not plan.unmet_requirements


async def test_a_node_keeps_the_least_that_the_model_an_event_and_an_owner_let_through() -> None:
    given = await street()
    event = _event(LimitTerms(max_import_w=(900.0, 1_500.0, 1_500.0), node="north"))
    bound = replace(given, events=(event,), limits=(owners(node="north", max_import_w=1_200.0),))
    (shared,) = ProblemWriter(carbon_price_per_kg=0.0).problem(bound).groups
    north = next(each for each in shared.nodes if each.id == "north")
    assert north.limits.max_import_powers_w[WITHIN] == [900.0, 1_200.0, 1_200.0]
    assert (through(solved(bound), "north") <= np.array([900.0, 1_200.0, 1_200.0]) + 1e-3).all()


async def test_what_no_plan_can_keep_of_a_node_is_told_with_its_name() -> None:
    given = await street()
    limit = replace(owners(node="north", max_import_w=0.0), start=None, end=START + 24 * HOUR)
    bound = replace(given, limits=(limit,))
    plan = solved(bound)
    told = [
        each
        for each in degradations_from_plan(plan, bound)
        if each.reason is Reason.REQUIREMENT_UNMET
    ]
    assert [each.subject for each in told] == [NORTH]
    assert told[0].detail.startswith("Node North feeder: import limit 0.0 kW")


@pytest.mark.parametrize("asked", ["owner", "event"])
async def test_each_conductor_that_sites_share_is_planned_inside(asked: str) -> None:
    """Two homes on L1, one on L2: their sum has room that L1 has not."""
    given = await street(phases=(Phase.L1, Phase.L1, Phase.L2))
    assert through(solved(given), "north").min() > 1_200.0
    bound = (
        replace(given, limits=(owners(max_phase_import_w=1_200.0),))
        if asked == "owner"
        else replace(given, events=(_event(LimitTerms(max_phase_import_w=(1_200.0,) * 3)),))
    )
    plan = solved(bound)

    assert through(plan, "north").max() <= 1_200.0 + 1e-3, "both hang on L1"
    assert through(plan).max() > 1_200.0
    assert not plan.unmet_requirements


async def test_a_conductor_that_no_plan_can_keep_is_told_of_the_group() -> None:
    given = await street(phases=(Phase.L1, Phase.L1, Phase.L2))
    limit = replace(owners(max_phase_import_w=0.0), start=None, end=START + 24 * HOUR)
    plan = solved(replace(given, limits=(limit,)))
    words = [each.message for each in plan.unmet_requirements]
    assert {each.subject for each in plan.unmet_requirements} == {STREET.name}
    assert any("import on L1 limit 0.0 kW" in each for each in words)
    assert not any("L3" in each for each in words), "nobody has anything on it"


async def test_what_an_owner_allows_a_node_of_a_site_is_planned_inside() -> None:
    given = await street()
    limit = owners(HOMES[0].name, node="panel", max_export_w=0.0, max_import_w=400.0)
    (first, *others) = given.sites
    panel = replace(first.site.site, nodes=(Node(id="panel"),))
    hung = tuple(
        replace(each, asset=replace(each.asset, asset=replace(each.asset.asset, node_id="panel")))
        if each.asset.asset.id.segment != "grid"
        else each
        for each in first.assets
    )
    first = replace(first, site=replace(first.site, site=panel), assets=hung)
    plan = solved(replace(given, sites=(first, *others), limits=(limit,)))
    (site,) = (each for each in plan.sites if each.site_name == HOMES[0].name)
    net_w = np.array(site.import_powers_w) - np.array(site.export_powers_w)
    assert net_w[WITHIN].max() <= 400.0 + 1e-3
    assert net_w[WITHIN].min() >= -1e-3


def _event(terms: LimitTerms) -> GridEvent:
    return GridEvent(
        id=ParticipationId(EventId(ProgrammeId("street"), "e1"), "street"),
        subject=STREET.name,
        span=SPAN,
        step=HOUR,
        priority=0,
        terms=terms,
        baseline_w=Series.filled(SPAN, HOUR, 3_000.0),
    )
