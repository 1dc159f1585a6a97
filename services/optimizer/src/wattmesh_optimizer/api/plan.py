"""Plans to their protos, and the powers of a plan from its proto."""

from collections.abc import Iterable, Mapping

import numpy as np

from wattmesh.optimizer.v1 import optimizer_pb2, plan_pb2, problem_pb2
from wattmesh.type.v1 import money_pb2
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_optimizer.api.explanation import explanation_to_proto
from wattmesh_optimizer.api.fields import KILO
from wattmesh_optimizer.app.explain import Explained
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.plan import (
    AssetPlan,
    CostItem,
    GroupPlan,
    Plan,
    SitePlan,
    SolverInformation,
    SolveStatus,
    UnmetRequirement,
)
from wattmesh_optimizer.domain.schedule import AssetSchedule, Schedule

_STATUSES = {
    SolveStatus.OPTIMAL: plan_pb2.SOLVE_STATUS_OPTIMAL,
    SolveStatus.TIME_LIMIT: plan_pb2.SOLVE_STATUS_TIME_LIMIT,
    SolveStatus.FALLBACK: plan_pb2.SOLVE_STATUS_FALLBACK,
}


def plan_to_proto(plan: Plan) -> plan_pb2.Plan:
    """Return a plan as its proto."""
    currency = plan.currency_code
    own: dict[str, list[CostItem]] = {site.name: [] for site in plan.sites}
    for item in plan.costs:
        if item.site is not None:
            own[item.site].append(item)
    proto = plan_pb2.Plan(
        horizon=horizon_to_proto(plan.horizon),
        currency_code=currency,
        sites=[_site(site, own[site.name], currency) for site in plan.sites],
        groups=[_group(group) for group in plan.groups],
        costs=_summed(plan.costs, currency),
        total_cost=money(plan.total_cost, currency),
        unmet_requirements=[
            _requirement(requirement, currency) for requirement in plan.unmet_requirements
        ],
        assumptions=plan.assumptions,
        commitments=[
            plan_pb2.Commitment(
                event_id=each.event_id,
                committed_power_w=each.committed_kw / KILO,
                confidence_ratio=each.confidence_ratio,
                reduction_powers_w=watts(each.reductions_kw),
            )
            for each in plan.commitments
        ],
        reserves=[
            plan_pb2.ReserveHolding(
                reserve_id=each.reserve_id,
                powers_w=watts(each.powers_kw),
                sites=[
                    plan_pb2.SiteReserveHolding(site_name=name, powers_w=watts(powers_kw))
                    for name, powers_kw in each.sites_kw.items()
                ],
            )
            for each in plan.reserves
        ],
    )
    if plan.solver is not None:
        proto.solver.CopyFrom(_solver(plan.solver))
    if plan.explanation is not None:
        proto.explanation.CopyFrom(explanation_to_proto(plan.explanation))
    return proto


def explained_to_proto(
    explained: Explained, currency_code: str
) -> optimizer_pb2.ExplainPlanResponse:
    """Return why a plan is as it is as its proto."""
    response = optimizer_pb2.ExplainPlanResponse(
        explanation=explanation_to_proto(explained.explanation)
    )
    if explained.excess_cost is not None:
        response.excess_cost.CopyFrom(money(explained.excess_cost, currency_code))
    return response


def horizon_to_proto(horizon: Horizon) -> problem_pb2.Horizon:
    """Return a horizon as its proto."""
    return problem_pb2.Horizon(
        start_time=timestamp_to_proto(horizon.start),
        resolution=duration_to_proto(horizon.resolution),
        count=horizon.count,
    )


def money(amount: float, currency_code: str) -> money_pb2.Money:
    """Return an amount with nine decimals: sums of a plan agree with its parts."""
    text = f"{amount:.9f}"
    return money_pb2.Money(
        currency_code=currency_code, amount="0.000000000" if text == "-0.000000000" else text
    )


def watts(powers_kw: Floats | None) -> list[float]:
    """Return kW as a list of W; nothing for None."""
    return [] if powers_kw is None else (powers_kw / KILO).tolist()


def _numbers(values: Floats | None) -> list[float]:
    return [] if values is None else values.tolist()


def _site(site: SitePlan, costs: Iterable[CostItem], currency: str) -> plan_pb2.SitePlan:
    return plan_pb2.SitePlan(
        site_name=site.name,
        assets=[_asset(asset) for asset in site.assets],
        import_powers_w=watts(site.import_kw),
        export_powers_w=watts(site.export_kw),
        nodes=_nodes(site.node_flows_kw),
        costs=[cost_to_proto(item, currency) for item in costs],
        average_emissions_kg=site.average_emissions_kg,
        marginal_emissions_kg=site.marginal_emissions_kg,
    )


def _nodes(flows_kw: Mapping[str, Floats]) -> list[plan_pb2.NodeFlow]:
    return [
        plan_pb2.NodeFlow(node_id=node_id, powers_w=watts(flow))
        for node_id, flow in flows_kw.items()
    ]


def _asset(asset: AssetPlan) -> plan_pb2.AssetPlan:
    return plan_pb2.AssetPlan(
        asset_name=asset.name,
        powers_w=watts(asset.powers_kw),
        curtailed_powers_w=watts(asset.curtailed_kw),
        shed_powers_w=watts(asset.shed_kw),
        soc_ratios=_numbers(asset.soc_ratios),
        temperatures_celsius=_numbers(asset.temperatures_celsius),
        mass_temperatures_celsius=_numbers(asset.mass_temperatures_celsius),
        heating_powers_w=watts(asset.heating_kw),
        on_states=[] if asset.on is None else asset.on.tolist(),
        ev_sessions=[
            plan_pb2.EvSessionPlan(session_id=session_id, soc_ratios=socs.tolist())
            for session_id, socs in asset.session_soc_ratios.items()
        ],
    )


def _group(group: GroupPlan) -> plan_pb2.GroupPlan:
    return plan_pb2.GroupPlan(
        group_name=group.name,
        powers_w=watts(group.powers_kw),
        peak_power_w=group.peak_kw / KILO,
        nodes=_nodes(group.node_flows_kw),
    )


def cost_to_proto(item: CostItem, currency_code: str) -> plan_pb2.CostItem:
    """Return one cause of cost as its proto."""
    return plan_pb2.CostItem(
        cause=item.cause.value,  # type: ignore[arg-type]
        subject=item.subject,
        amount=money(item.amount, currency_code),
    )


def _summed(costs: Iterable[CostItem], currency_code: str) -> list[plan_pb2.CostItem]:
    """Return the costs summed over sites and subjects, one item per cause."""
    sums: dict[int, CostItem] = {}
    for item in costs:
        before = sums[item.cause].amount if item.cause in sums else 0.0
        sums[item.cause] = CostItem(cause=item.cause, amount=before + item.amount)
    return [cost_to_proto(sums[cause], currency_code) for cause in sorted(sums)]


def _requirement(requirement: UnmetRequirement, currency_code: str) -> plan_pb2.UnmetRequirement:
    return plan_pb2.UnmetRequirement(
        kind=requirement.kind.value,  # type: ignore[arg-type]
        subject=requirement.subject,
        message=requirement.message,
        required=requirement.required,
        planned=requirement.planned,
        shortfall=requirement.shortfall,
        unit=requirement.unit,
        time=timestamp_to_proto(requirement.time),
        penalty=money(requirement.penalty, currency_code),
        impossible=requirement.impossible,
    )


def _solver(solver: SolverInformation) -> plan_pb2.SolverInformation:
    return plan_pb2.SolverInformation(
        status=_STATUSES[solver.status],
        gap_ratio=solver.gap_ratio,
        solver_duration=duration_to_proto(solver.solver_duration),
        total_duration=duration_to_proto(solver.total_duration),
        mixed_integer=solver.mixed_integer,
        row_count=solver.row_count,
        column_count=solver.column_count,
        entry_count=solver.entry_count,
        integer_count=solver.integer_count,
        solver_name=solver.solver_name,
        round_count=solver.rounds,
    )


def schedule_from_proto(proto: plan_pb2.Plan, count: int) -> Schedule:
    """Return what a plan asks of each asset; InvalidArgument when a series does not fit."""
    assets: dict[str, AssetSchedule] = {}
    for site in proto.sites:
        for asset in site.assets:
            if len(asset.powers_w):
                assets[asset.asset_name] = _schedule(asset, count)
    return Schedule(assets)


def _schedule(asset: plan_pb2.AssetPlan, count: int) -> AssetSchedule:
    heating = np.array(asset.heating_powers_w) * KILO if len(asset.heating_powers_w) else None
    on = np.array(asset.on_states, dtype=np.bool_) if len(asset.on_states) else None
    powers = np.array(asset.powers_w) * KILO
    return AssetSchedule.checked(asset.asset_name, powers, heating, on, count)
