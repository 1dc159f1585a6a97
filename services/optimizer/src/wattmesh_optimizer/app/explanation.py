"""Why a plan is as it is: duals of the linear programme with every integer decision fixed."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.app.ports import LinearSolution
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.plan import (
    AssetExplanation,
    BindingConstraint,
    Explanation,
    MarginalValue,
    Plan,
    SitePlan,
)
from wattmesh_optimizer.domain.problem import Problem, SiteGroup
from wattmesh_optimizer.domain.reasons import Signals, reasons
from wattmesh_optimizer.domain.wording import Words
from wattmesh_optimizer.domain.worth import worth_sentence
from wattmesh_optimizer.formulation.battery import BatteryModel
from wattmesh_optimizer.formulation.build import Formulation
from wattmesh_optimizer.formulation.model import AssetModel
from wattmesh_optimizer.formulation.program import Bounded, Label
from wattmesh_optimizer.formulation.site import SiteModel

NEGLIGIBLE = 1e-7

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """Gain per unit [currency per kW or kWh] of relaxing what a label names, by interval."""

    label: Label
    intervals: NDArray[np.int64]
    gains: Floats


def explain(formulation: Formulation, plan: Plan, duals: LinearSolution | None) -> Explanation:
    """Return why a plan is as it is, by the prices of a linear programme; None knows no prices."""
    if duals is None:
        return Explanation(
            energy_values_per_kwh={}, assets=(), binding_constraints=(), marginal_values=()
        )
    gains = _gains(formulation, duals)
    hours = formulation.ctx.hours
    energy = {site.site.name: duals.row_duals[site.balance] / hours for site in formulation.sites}
    return Explanation(
        energy_values_per_kwh=energy,
        assets=tuple(
            asset
            for site, site_plan in zip(formulation.sites, plan.sites, strict=True)
            for asset in _assets(formulation, site, site_plan, duals, gains)
        ),
        binding_constraints=_binding(formulation.problem, gains),
        marginal_values=_marginal(gains),
    )


def _gains(formulation: Formulation, duals: LinearSolution) -> list[Gains]:
    """Collect what relaxing each labelled bound or row would gain, where it gains anything."""
    program = formulation.ctx.program
    found: dict[Label, list[tuple[NDArray[np.int64], Floats]]] = {}
    for bounded in program.column_bounds:
        reduced = duals.reduced_costs[bounded.indices]
        _collect(found, bounded, np.maximum(0.0, -reduced if bounded.upper else reduced))
    for bounded in program.row_bounds:
        _collect(found, bounded, np.abs(duals.row_duals[bounded.indices]))
    return [
        Gains(
            label,
            np.concatenate([intervals for intervals, _ in parts]),
            np.concatenate([gains for _, gains in parts]),
        )
        for label, parts in found.items()
    ]


def _collect(
    found: dict[Label, list[tuple[NDArray[np.int64], Floats]]], bounded: Bounded, gains: Floats
) -> None:
    binds = gains > NEGLIGIBLE
    if binds.any():
        intervals = bounded.intervals[binds].astype(np.int64)
        found.setdefault(bounded.label, []).append((intervals, gains[binds]))


def _binding(problem: Problem, gains: Sequence[Gains]) -> tuple[BindingConstraint, ...]:
    found, hours = [], problem.horizon.hours
    for each in gains:
        order = np.argsort(each.intervals, kind="stable")
        per_kwh = each.gains / hours if each.label.unit == "kW" else each.gains
        total = float(each.gains.sum())
        found.append(
            BindingConstraint(
                subject=each.label.subject,
                constraint=each.label.constraint,
                intervals=each.intervals[order],
                values_per_kwh=per_kwh[order],
                total_value=total,
                message=worth_sentence(
                    Words(problem.horizon, _zone(problem, each.label.subject)),
                    subject=each.label.subject,
                    constraint=each.label.constraint,
                    unit=each.label.unit,
                    intervals=each.intervals,
                    worth=total,
                    currency_code=problem.currency_code,
                ),
            )
        )
    return tuple(sorted(found, key=lambda item: -item.total_value))


def _zone(problem: Problem, subject: str) -> ZoneInfo:
    """Return the zone of the site that a subject belongs to; of the first site if it is shared."""
    own = (site for site in problem.sites if f"{subject}/".startswith(f"{site.name}/"))
    return next(own, problem.sites[0]).zone


def _marginal(gains: Sequence[Gains]) -> tuple[MarginalValue, ...]:
    values = (
        MarginalValue(
            subject=each.label.subject,
            quantity=each.label.quantity,
            unit=each.label.unit,
            value_per_unit=float(each.gains.sum()),
        )
        for each in gains
        if each.label.quantity
    )
    return tuple(sorted(values, key=lambda item: -item.value_per_unit))


def _assets(
    formulation: Formulation,
    site: SiteModel,
    plan: SitePlan,
    duals: LinearSolution,
    gains: Sequence[Gains],
) -> list[AssetExplanation]:
    signals = _signals(formulation, site, plan, duals, gains)
    found = []
    for model, asset_plan in zip(site.models, plan.assets, strict=True):
        codes = reasons(model.asset, asset_plan, signals)
        if codes is not None:
            stored = _stored_values(model, duals)
            found.append(
                AssetExplanation(name=model.asset.name, reasons=codes, stored_values_per_kwh=stored)
            )
    return found


def _stored_values(model: AssetModel, duals: LinearSolution) -> Floats | None:
    """Return what one more kWh in the store at each interval's end would save."""
    if isinstance(model, BatteryModel):
        return -duals.row_duals[model.store_rows]
    return None


def _signals(
    formulation: Formulation,
    site: SiteModel,
    plan: SitePlan,
    duals: LinearSolution,
    gains: Sequence[Gains],
) -> Signals:
    count, hours = formulation.ctx.count, formulation.ctx.hours
    concerned = _concerning(formulation, site)

    def where(*endings: str) -> Mask:
        mask = np.zeros(count, dtype=np.bool_)
        for each in gains:
            if each.label.subject in concerned and each.label.constraint.startswith(endings):
                mask[each.intervals] = True
        return mask

    lowered = None if site.tariff is None else site.tariff.lowered
    events = [event.range for event in formulation.problem.events]
    return Signals(
        horizon=formulation.problem.horizon,
        energy_value_per_kwh=duals.row_duals[site.balance] / hours,
        import_price_per_kwh=np.zeros(count) if lowered is None else lowered.import_price_per_kwh,
        import_kw=plan.import_kw,
        export_kw=plan.export_kw,
        surplus_kw=_surplus(plan),
        islanded=site.islanded,
        peak=where("demand_charge", "peak", "group_peak"),
        limit=where("import_limit", "export_limit", "group_", "event_", "phase_"),
        export_limit=where("export_limit", "group_export", "event_export"),
        event=formulation.problem.horizon.touched(events),
        reserve=where("islanding_reserve", "reserve"),
        carbon_priced=formulation.problem.goals.carbon_price_per_kg > 0,
    )


def _concerning(formulation: Formulation, site: SiteModel) -> set[str]:
    """Return the names of what concerns a site: itself, its nodes, groups, events, reserves."""
    name, problem = site.site.name, formulation.problem
    own = {name, *(f"{name}/nodes/{node.id}" for node in site.site.nodes)}
    groups = {
        subject
        for group in problem.groups
        if name in group.site_names
        for subject in (group.name, *_nodes_above(group, name))
    }
    events = {
        event.id for event in problem.events if not event.site_names or name in event.site_names
    }
    reserves = {
        each.id for each in problem.reserves if not each.site_names or name in each.site_names
    }
    return own | groups | events | reserves


def _nodes_above(group: SiteGroup, site: str) -> list[str]:
    return [f"{group.name}/nodes/{node.id}" for node in group.nodes if site in group.below(node.id)]


def _surplus(plan: SitePlan) -> Floats:
    """Return the generation beyond what the site's inflexible assets take [kW]."""
    inflexible = np.zeros(len(plan.import_kw))
    for asset in plan.assets:
        stored = asset.soc_ratios is not None or asset.session_soc_ratios
        if not stored and asset.temperatures_celsius is None:
            inflexible += asset.powers_kw
    return np.maximum(0.0, -inflexible)
