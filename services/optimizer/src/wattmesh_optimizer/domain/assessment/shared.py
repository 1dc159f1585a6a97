"""What sites share: groups, demand-response events and reserves."""

from collections.abc import Sequence
from functools import partial
from statistics import NormalDist
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.sites import Phase
from wattmesh_kernel.tariff import ChargeCause, evaluate
from wattmesh_optimizer.domain.assessment.ledger import Ledger
from wattmesh_optimizer.domain.assessment.nodes import LimitAssessment
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.flatness import changes_kw, power_before_kw, ramp_price_per_kw
from wattmesh_optimizer.domain.network import (
    group_node_flows,
    group_phase_power,
    summed_net,
)
from wattmesh_optimizer.domain.plan import (
    Commitment,
    CostCause,
    RequirementKind,
    ReserveHolding,
    SitePlan,
)
from wattmesh_optimizer.domain.problem import (
    DemandResponseEvent,
    EventPrice,
    PaidReduction,
    Problem,
    Reserve,
    SiteGroup,
)
from wattmesh_optimizer.domain.site import PowerLimits
from wattmesh_optimizer.domain.tariffs import SiteTariff
from wattmesh_optimizer.domain.wording import NEGLIGIBLE_KW, series_requirement

Mask = NDArray[np.bool_]


def assess_group(
    ledger: Ledger,
    group: SiteGroup,
    tariffs: Sequence[SiteTariff | None],
    sites: Sequence[SitePlan],
) -> None:
    """Add what a group's summed exchange costs, and its broken limits."""
    net = summed_net(ledger.problem, group.site_names, sites)
    peak = max(0.0, float(net.max()) - group.peak_so_far_kw)
    ledger.cost(CostCause.PEAK, group.peak_price_per_kw * peak, group.name)
    indices = ledger.problem.site_indices(group.site_names)
    own = [tariffs[index] for index in indices]
    before_kw = power_before_kw([ledger.problem.sites[index] for index in indices])
    changes = ramp_price_per_kw(group, own) * changes_kw(net, before_kw)
    ledger.cost(CostCause.RAMP, changes, group.name)
    if group.netted_billing and own[0] is not None:
        _bill_net(ledger, own[0], net)
    everywhere = np.ones(len(net), dtype=np.bool_)
    _limit(ledger, RequirementKind.POWER_LIMIT, group.name, group.limits, net, everywhere)
    problem = ledger.problem
    assessment = LimitAssessment(ledger=ledger, zone=problem.sites[0].zone)

    def phase_kw(node: str, conductor: Phase) -> Floats:
        return group_phase_power(problem, group, node, sites, conductor)

    assessment.phases(group.name, group.name, group.limits, partial(phase_kw, ""))
    assessment.nodes(group.name, group.nodes, group_node_flows(problem, group, sites), phase_kw)


def _bill_net(ledger: Ledger, tariff: SiteTariff, net: Floats) -> None:
    imports, exports = np.maximum(net, 0.0) * ledger.hours, np.maximum(-net, 0.0) * ledger.hours
    lines = evaluate(tariff.lowered, imports, exports).lines
    for cause, meant in (
        (ChargeCause.IMPORT_ENERGY, CostCause.ENERGY),
        (ChargeCause.EXPORT_ENERGY, CostCause.EXPORT_CREDIT),
    ):
        ledger.cost(meant, sum(line.amount for line in lines if line.cause is cause))


def assess_event(ledger: Ledger, event: DemandResponseEvent, sites: Sequence[SitePlan]) -> None:
    """Add what an event costs or pays, and its broken limit."""
    net = summed_net(ledger.problem, event.site_names, sites)
    during = ledger.problem.horizon.touched((event.range,))
    match event.kind:
        case PowerLimits() as limits:
            _limit(ledger, RequirementKind.EVENT_LIMIT, event.id, limits, net, during)
        case EventPrice() as price:
            for index in ledger.problem.site_indices(event.site_names):
                site = sites[index]
                imported = float(site.import_kw[during].sum()) * ledger.hours
                exported = float(site.export_kw[during].sum()) * ledger.hours
                amount = price.import_adder_per_kwh * imported
                amount -= price.export_adder_per_kwh * exported
                ledger.cost(CostCause.DEMAND_RESPONSE, amount, event.id, site.name)
        case PaidReduction() as reduction:
            reduced = reductions(reduction, net, during)
            paid_kwh = reduction.paid_kwh(float(reduced.sum()) * ledger.hours)
            ledger.cost(CostCause.DEMAND_RESPONSE, -reduction.price_per_kwh * paid_kwh, event.id)


def reductions(reduction: PaidReduction, net_kw: Floats, during: Mask) -> Floats:
    """Return what counts per interval [kW]: baseline less power, up to what is paid."""
    below_kw = reduction.baseline_kw - net_kw
    return np.where(during, np.minimum(below_kw, reduction.most_kw(len(net_kw))), 0.0)


def commitments(problem: Problem, sites: Sequence[SitePlan]) -> tuple[Commitment, ...]:
    """Return what can be promised to each paid reduction.

    The committed power is the least planned reduction less the quantile of the forecast's error:
    5 kW planned, 1 kW standard deviation and 90 % confidence commit 3.72 kW.
    """
    found = []
    for event in problem.events:
        during = problem.horizon.touched((event.range,))
        if not isinstance(event.kind, PaidReduction) or not during.any():
            continue
        reduction = event.kind
        net = summed_net(problem, event.site_names, sites)
        reduced = reductions(reduction, net, during)
        margin = NormalDist().inv_cdf(reduction.confidence_ratio) * reduction.power_deviation_kw
        planned = np.where(during, reduction.baseline_kw - net, np.inf)
        safe = max(0.0, float(planned.min()) - margin)
        most = float(reduction.most_kw(len(net))[during].min())
        found.append(
            Commitment(
                event_id=event.id,
                committed_kw=min(safe, most),
                confidence_ratio=reduction.confidence_ratio,
                reductions_kw=reduced,
            )
        )
    return tuple(found)


def assess_reserve(ledger: Ledger, reserve: Reserve, holding: ReserveHolding) -> None:
    """Add what a reserve pays and what is not held."""
    during = ledger.problem.horizon.touched((reserve.range,))
    held = np.where(during, holding.powers_kw, 0.0)
    missing = np.where(during, np.maximum(0.0, reserve.power_kw - held), 0.0)
    hours = ledger.hours
    paid = -reserve.price_per_kw_hour * float(np.minimum(held, reserve.power_kw).sum()) * hours
    ledger.cost(CostCause.RESERVE, paid, reserve.id)
    price = reserve.shortfall_price_per_kw_hour
    if not price:
        return
    ledger.penalty(float(missing.sum()) * hours * price, reserve.id)
    ledger.requirement(
        series_requirement(
            ledger.words(_zone(ledger.problem, reserve.site_names)),
            kind=RequirementKind.RESERVE,
            subject=reserve.id,
            sentence=f"Reserve {reserve.id} wants {{required:.1f}} kW {reserve.direction.value}, "
            "{planned:.1f} kW held, short up to {short:.1f} kW from {first} to {last}",
            missing=missing,
            required=np.full(len(missing), reserve.power_kw),
            unit="kW",
            negligible=NEGLIGIBLE_KW,
            price=price,
        )
    )


def _limit(
    ledger: Ledger,
    kind: RequirementKind,
    subject: str,
    limits: PowerLimits,
    net: Floats,
    during: Mask,
) -> None:
    assessment = LimitAssessment(ledger=ledger, zone=ledger.problem.sites[0].zone)
    for name, power, limit in (
        ("import", net, limits.imports_kw(len(net))),
        ("export", -net, limits.exports_kw(len(net))),
    ):
        held = np.where(during, limit, np.inf)
        price = limits.limit_price_per_kwh
        assessment.limit(subject, f"{subject}: {name}", power, held, price, kind=kind)


def _zone(problem: Problem, site_names: tuple[str, ...]) -> ZoneInfo:
    return problem.sites[problem.site_indices(site_names)[0]].zone
