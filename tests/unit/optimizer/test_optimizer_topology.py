"""A street behind one transformer: nodes of a group bound what their sites do together."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.optimizer.sites import horizon_of, problem, solve
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.sites import Phase
from wattmesh_optimizer.api.plan import plan_to_proto
from wattmesh_optimizer.domain.electrical import FixedLoad
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.plan import Plan, ReasonCode
from wattmesh_optimizer.domain.problem import Problem, SiteGroup
from wattmesh_optimizer.domain.schedule import Schedule
from wattmesh_optimizer.domain.site import Asset, Node, PowerLimits, Site
from wattmesh_optimizer.domain.storage import Battery
from wattmesh_optimizer.domain.trajectory import simulate

HORIZON = horizon_of(4)
SITES = ("a", "b", "c")
TRANSFORMER = Node(id="transformer", limits=PowerLimits(max_import_power_kw=9.0))
STREET = (
    TRANSFORMER,
    Node(
        id="north",
        parent_id="transformer",
        display_name="North feeder",
        limits=PowerLimits(max_import_power_kw=5.0),
    ),
    Node(id="south", parent_id="transformer"),
)


def home(name: str, load_kw: float, *, battery: bool = True, phase: Phase = Phase.THREE) -> Site:
    store = Battery(
        capacity_kwh=10,
        max_charge_power_kw=4,
        max_discharge_power_kw=4,
        initial_soc_ratio=0.9,
        wear_cost_per_kwh=0.1,
    )
    load = FixedLoad(powers_kw=np.full(HORIZON.count, load_kw))
    assets = [Asset(name=f"sites/{name}/assets/load", kind=load, phase=phase)]
    if battery:
        assets.append(Asset(name=f"sites/{name}/assets/battery", kind=store, phase=phase))
    return Site(name=f"sites/{name}", assets=tuple(assets))


def street(*homes: Site, nodes: tuple[Node, ...] = STREET, horizon: Horizon = HORIZON) -> Problem:
    hung = {"sites/a": "north", "sites/b": "north", "sites/c": "south"}
    group = SiteGroup(
        name="groups/street",
        site_names=tuple(each.name for each in homes),
        ramp_price_per_kw=0.0,
        nodes=nodes,
        site_node_ids=hung,
    )
    return problem(horizon, *homes, groups=(group,))


def flows(plan: Plan) -> Any:
    return plan.groups[0].node_flows_kw


def test_a_feeder_is_kept_by_the_homes_on_it_and_the_transformer_by_all() -> None:
    plan = solve(street(home("a", 3.0), home("b", 3.0), home("c", 5.0)))
    nets = {site.name: site.net_kw for site in plan.sites}
    assert (flows(plan)["north"] <= 5.0 + 1e-6).all()
    assert (flows(plan)["transformer"] <= 9.0 + 1e-6).all()
    assert flows(plan)["north"] == pytest.approx(nets["sites/a"] + nets["sites/b"])
    assert flows(plan)["transformer"] == pytest.approx(sum(nets.values()))
    assert plan.unmet_requirements == ()


def test_what_no_plan_can_keep_is_said_with_the_nodes_name_and_when() -> None:
    plan = solve(street(*(home(name, 3.0, battery=False) for name in SITES)))
    [found] = plan.unmet_requirements
    assert found.subject == "groups/street/nodes/north"
    assert found.message == (
        "Node North feeder: import limit 5.0 kW, 6.0 kW needed, 1.0 kW too much from 12:00 to "
        "16:00, 4.0 kWh in all"
    )
    assert found.impossible


def test_a_node_without_room_left_is_what_makes_a_battery_give() -> None:
    plan = solve(street(home("a", 3.0), home("b", 3.0), home("c", 3.0)), explain=True)
    assert plan.explanation is not None
    bound = {each.subject: each.message for each in plan.explanation.binding_constraints}
    assert "today 12:00–16:00" in bound["groups/street/nodes/north"]
    why = {each.name: each.reasons for each in plan.explanation.assets}
    gives = (*why["sites/a/assets/battery"], *why["sites/b/assets/battery"])
    assert ReasonCode.KEEP_LIMIT in gives
    assert ReasonCode.KEEP_LIMIT not in why["sites/c/assets/battery"]


def test_a_conductor_of_a_feeder_is_kept_though_the_sum_has_room() -> None:
    feeder = Node(id="north", limits=PowerLimits(max_phase_import_power_kw=4.0))
    homes = (
        home("a", 3.0, phase=Phase.L1),
        home("b", 3.0, phase=Phase.L1),
        home("c", 3.0, battery=False, phase=Phase.L2),
    )
    plan = solve(street(*homes, nodes=(feeder, Node(id="south"))))
    assert flows(plan)["north"] == pytest.approx(np.full(4, 4.0), abs=1e-6)
    lonely = street(
        *(home(each, 3.0, battery=False, phase=Phase.L1) for each in SITES),
        nodes=(feeder, Node(id="south")),
    )
    assert "Node north: import on L1 limit 4.0 kW" in solve(lonely).unmet_requirements[0].message


@pytest.mark.parametrize("nodes", [(), STREET], ids=["without nodes", "above nodes"])
def test_a_conductor_that_all_sites_share_is_kept_and_told_of_the_group(
    nodes: tuple[Node, ...],
) -> None:
    limits = PowerLimits(max_phase_import_power_kw=4.0)

    def shared(*homes: Site) -> Problem:
        made = street(*homes, nodes=nodes or STREET)
        (group,) = made.groups
        hung = group.site_node_ids if nodes else {}
        return replace(
            made, groups=(replace(group, limits=limits, nodes=nodes, site_node_ids=hung),)
        )

    on = {"a": Phase.L1, "b": Phase.L1, "c": Phase.L2}
    plan = solve(shared(*(home(name, 3.0, phase=each) for name, each in on.items())))
    nets = {site.name: site.net_kw for site in plan.sites}
    assert (nets["sites/a"] + nets["sites/b"] <= 4.0 + 1e-6).all()
    assert not plan.unmet_requirements
    bare = [home(name, 2.5, battery=False, phase=each) for name, each in on.items()]
    [found] = solve(shared(*bare)).unmet_requirements
    assert found.subject == "groups/street"
    assert found.message.startswith("groups/street: import on L1 limit 4.0 kW, 5.0 kW needed")


def test_a_conductor_is_kept_while_it_is_limited_and_told_where_it_cannot_be() -> None:
    """An event limits the conductors of a feeder for two of four hours."""
    most_kw = np.array([9.0, 4.0, 4.0, 9.0])
    feeder = Node(id="north", limits=PowerLimits(max_phase_import_powers_kw=most_kw))
    homes = [home(each, 3.0, phase=Phase.L1) for each in SITES]
    plan = solve(street(*homes, nodes=(feeder, Node(id="south"))))
    assert (flows(plan)["north"] <= most_kw + 1e-6).all()
    assert not plan.unmet_requirements
    bare = [home(each, 3.0, battery=False, phase=Phase.L1) for each in SITES]
    lonely = solve(street(*bare, nodes=(feeder, Node(id="south"))))
    assert "Node north: import on L1 limit 4.0 kW" in lonely.unmet_requirements[0].message


def test_losses_of_a_transformer_count_at_its_limit() -> None:
    lossy = Node(
        id="north",
        limits=PowerLimits(max_import_power_kw=5.0),
        import_efficiency_ratio=0.8,
        export_efficiency_ratio=0.8,
    )
    plan = solve(_two(lossy))
    assert (plan.sites[0].net_kw + plan.sites[1].net_kw <= 4.0 + 1e-6).all()
    assert flows(plan)["north"] == pytest.approx(np.full(4, 5.0), abs=1e-6)


def _two(node: Node) -> Problem:
    group = SiteGroup(
        name="groups/street",
        site_names=("sites/a", "sites/b"),
        ramp_price_per_kw=0.0,
        nodes=(node,),
        site_node_ids={"sites/a": "north", "sites/b": "north"},
    )
    return problem(HORIZON, home("a", 3.0), home("b", 3.0), groups=(group,))


def test_a_plan_of_somebody_else_is_held_against_the_same_nodes() -> None:
    of = street(home("a", 3.0), home("b", 3.0), home("c", 3.0))
    plan, _ = simulate(of, Schedule(as_orders=True))
    assert [each.subject for each in plan.unmet_requirements] == ["groups/street/nodes/north"]
    assert {each.node_id for each in plan_to_proto(plan).groups[0].nodes} == {
        "transformer",
        "north",
        "south",
    }


@pytest.mark.parametrize(
    "more",
    [
        {"site_node_ids": {"sites/a": "nowhere"}},
        {"site_node_ids": {"sites/x": "north"}},
        {"nodes": (Node(id="north", parent_id="north"),)},
    ],
)
def test_a_topology_that_makes_no_sense_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        SiteGroup(name="groups/g", site_names=("sites/a",), **{"nodes": STREET, **more})
