"""How power flows through nodes: of a site, given its assets; of a group, given its sites."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from wattmesh_kernel.sites import Phase
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.plan import GroupPlan, SitePlan
from wattmesh_optimizer.domain.problem import Problem, SiteGroup
from wattmesh_optimizer.domain.site import Node, Site


def node_flows(
    site: Site, powers_kw: Mapping[str, Floats], count: int
) -> tuple[Floats, dict[str, Floats]]:
    """Return the site's grid power and each node's flow from its parent [kW].

    `powers_kw` by asset name. A converter of 0.9 each way takes 10 kW for 9 kW inside, and gives
    9 kW for 10 kW inside.
    """

    def hung(node_id: str) -> Floats:
        total = np.zeros(count)
        for asset in site.assets:
            if asset.node_id == node_id:
                total += powers_kw[asset.name]
        return total

    return _tree_flows(site.nodes, hung)


def group_node_flows(
    problem: Problem, group: SiteGroup, sites: Sequence[SitePlan]
) -> dict[str, Floats]:
    """Return each group node's flow from its parent [kW]: what its sites exchange, and losses."""
    if not group.nodes:
        return {}
    nets = {site.name: site.net_kw for site in sites}

    def hung(node_id: str) -> Floats:
        return sum((nets[name] for name in group.hung_on(node_id)), np.zeros(problem.horizon.count))

    return _tree_flows(group.nodes, hung)[1]


def _tree_flows(
    nodes: Sequence[Node], hung: Callable[[str], Floats]
) -> tuple[Floats, dict[str, Floats]]:
    """Return the flow into the root's children, and each node's from its parent [kW]."""
    flows: dict[str, Floats] = {}

    def inside(node_id: str) -> Floats:
        total = hung(node_id)
        for node in nodes:
            if node.parent_id == node_id:
                flows[node.id] = _through(node, inside(node.id))
                total = total + flows[node.id]
        return total

    return inside(""), flows


def _through(node: Node, inner: Floats) -> Floats:
    if not node.is_converter:
        return inner
    taken, given = node.import_efficiency_ratio, node.export_efficiency_ratio
    return np.where(inner > 0, inner / taken, inner * given)


def phase_power(
    site: Site, node_id: str, powers_kw: Mapping[str, Floats], conductor: Phase, count: int
) -> Floats:
    """Return the power into the assets below a node on one conductor [kW]."""
    total = np.zeros(count)
    for asset in site.below(node_id):
        total += asset.phase.share(conductor) * powers_kw[asset.name]
    return total


def group_phase_power(
    problem: Problem, group: SiteGroup, node_id: str, sites: Sequence[SitePlan], conductor: Phase
) -> Floats:
    """Return the power into the assets of all sites below a group's node on one conductor [kW]."""
    count = problem.horizon.count
    total = np.zeros(count)
    for index in problem.site_indices(group.below(node_id)) if group.below(node_id) else ():
        powers = {asset.name: asset.powers_kw for asset in sites[index].assets}
        total += phase_power(problem.sites[index], "", powers, conductor, count)
    return total


def group_plan(problem: Problem, group: SiteGroup, sites: Sequence[SitePlan]) -> GroupPlan:
    """Return the summed exchange of a group's sites, its highest import and node flows [kW]."""
    net = summed_net(problem, group.site_names, sites)
    return GroupPlan(
        name=group.name,
        powers_kw=net,
        peak_kw=max(0.0, float(net.max())),
        node_flows_kw=group_node_flows(problem, group, sites),
    )


def summed_net(problem: Problem, names: tuple[str, ...], sites: Sequence[SitePlan]) -> Floats:
    """Return the sum of the named sites' grid powers [kW]; of all sites for no names."""
    net = np.zeros(problem.horizon.count)
    for index in problem.site_indices(names):
        net += sites[index].net_kw
    return net
