"""The plan of a whole fleet: its sites' plans, with what they cost each and what is shared."""

from collections.abc import Mapping, Sequence

import numpy as np

from wattmesh_optimizer.app.fleet.sites import FleetSites
from wattmesh_optimizer.app.probe import MISSED
from wattmesh_optimizer.domain.assessment.ledger import Ledger
from wattmesh_optimizer.domain.assessment.shared import assess_event, assess_group, commitments
from wattmesh_optimizer.domain.assessment.site import SiteAssessment
from wattmesh_optimizer.domain.assumptions import assumptions
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.network import group_plan, node_flows
from wattmesh_optimizer.domain.plan import CostCause, CostItem, Plan, SitePlan
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.tariffs import SiteTariff
from wattmesh_optimizer.formulation.apart import Apart


def assembled(
    problem: Problem,
    tariffs: Sequence[SiteTariff | None],
    sites: FleetSites,
    values: Sequence[Floats],
    replanned: Mapping[int, SitePlan],
) -> Plan:
    """Return the plan of what blocks' values say, and of `replanned` sites, by their index.

    What a site costs is what its columns do, unless it misses something or was replanned: then it
    is assessed as any foreign plan would be. So is what is shared.
    """
    plans, assessed, costs = dict(replanned), set(replanned), list[CostItem]()
    for block, own in zip(sites.blocks, values, strict=True):
        apart = block.apart
        missing = _missing(apart, own)
        kept = [each for each in range(len(apart.indices)) if apart.indices[each] not in replanned]
        plans |= {apart.indices[each]: apart.sites[each].read(own) for each in kept}
        assessed |= {apart.indices[each] for each in kept if each in missing}
        names = {apart.sites[each].site.name for each in kept if each not in missing}
        costs += [
            item
            for item in apart.formulation.costs(own)
            if item.site in names and item.cause is not CostCause.DEMAND_RESPONSE
        ]
    ordered = tuple(plans[index] for index in range(len(problem.sites)))
    ledger = Ledger(problem)
    for index in sorted(assessed):
        _assess(ledger, tariffs[index], index, ordered[index])
    for group in problem.groups:
        assess_group(ledger, group, tariffs, ordered)
    for event in problem.events:
        assess_event(ledger, event, ordered)
    said = (each.assumptions for each in tariffs if each is not None)
    return Plan(
        horizon=problem.horizon,
        currency_code=problem.currency_code,
        sites=ordered,
        groups=tuple(group_plan(problem, group, ordered) for group in problem.groups),
        costs=(*costs, *ledger.costs),
        unmet_requirements=tuple(ledger.requirements),
        assumptions=(*assumptions(problem), *(words for each in said for words in each)),
        commitments=commitments(problem, ordered),
    )


def _assess(ledger: Ledger, tariff: SiteTariff | None, index: int, plan: SitePlan) -> None:
    site, count = ledger.problem.sites[index], ledger.problem.horizon.count
    powers = {asset.name: asset.powers_kw for asset in plan.assets}
    balance, _ = node_flows(site, powers, count)
    SiteAssessment(ledger, site, tariff, plan, balance).assess()


def _missing(apart: Apart, values: Floats) -> set[int]:
    """Return the positions of sites that miss something, in these columns or in any case."""
    program = apart.ctx.program
    found = {
        each.site
        for each in program.constants
        if each.cause is CostCause.PENALTY and each.site is not None
    }
    missed = [
        slack.columns[values[slack.columns] > MISSED]
        for slack in apart.ctx.slacks
        if len(slack.columns)
    ]
    columns = np.concatenate([np.zeros(0, dtype=np.int32), *missed])
    found |= set((np.searchsorted(apart.edges, columns, side="right") - 1).tolist())
    return found
