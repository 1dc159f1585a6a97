"""What must hold of every plan, whatever the problem."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.tariff import evaluate, lower_tariff
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun
from wattmesh_optimizer.domain.electrical import Generator, OnOffState
from wattmesh_optimizer.domain.network import node_flows
from wattmesh_optimizer.domain.plan import CostCause, Plan, SolveStatus
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.schedule import Schedule
from wattmesh_optimizer.domain.site import PowerLimits
from wattmesh_optimizer.domain.storage import Battery, EvCharger
from wattmesh_optimizer.domain.trajectory import simulate

POWER_KW = 1e-4
SOC = 1e-5
TARIFF_CAUSES = {
    CostCause.ENERGY,
    CostCause.EXPORT_CREDIT,
    CostCause.DEMAND,
    CostCause.STANDING,
}


@dataclass(frozen=True, slots=True)
class Break:
    """A law that does not hold."""

    law: str
    detail: str


def broken_laws(problem: Problem, plan: Plan) -> Iterator[Break]:
    """Yield every law the plan breaks."""
    yield from _balance(problem, plan)
    yield from _states(problem, plan)
    yield from _named_shortfalls(plan)
    yield from _resimulation(problem, plan)
    yield from _bill(problem, plan)
    yield from _orders(problem, plan)


def _balance(problem: Problem, plan: Plan) -> Iterator[Break]:
    """Power balances at every node; an island's imbalance is an unmet requirement."""
    for site, site_plan in zip(problem.sites, plan.sites, strict=True):
        powers = {asset.name: asset.powers_kw for asset in site_plan.assets}
        net, flows = node_flows(site, powers, problem.horizon.count)
        connected = ~problem.horizon.touched(site.islanded_ranges)
        off = np.abs(net - site_plan.net_kw)[connected]
        if off.max(initial=0.0) > POWER_KW:
            yield Break("balance", f"{site.name}: {off.max():g} kW")
        for node_id, flow in flows.items():
            gap = np.abs(flow - site_plan.node_flows_kw[node_id]).max()
            if gap > POWER_KW:
                yield Break("node balance", f"{site.name}/{node_id}: {gap:g} kW")
        if (np.minimum(site_plan.import_kw, site_plan.export_kw) > POWER_KW).any():
            yield Break("import or export", site.name)


def _states(problem: Problem, plan: Plan) -> Iterator[Break]:
    """Stored energy stays within what fits in."""
    for _, asset in problem.assets():
        planned = plan.asset(asset.name)
        socs = list(planned.session_soc_ratios.values())
        if isinstance(asset.kind, Battery) and planned.soc_ratios is not None:
            socs.append(planned.soc_ratios)
        for soc in socs:
            if soc.min() < -SOC or soc.max() > 1 + SOC:
                yield Break("state of charge", f"{asset.name}: {soc.min():g}..{soc.max():g}")
        one_way = isinstance(asset.kind, EvCharger) and asset.kind.max_discharge_power_kw == 0
        if one_way and planned.powers_kw.min() < -POWER_KW:
            yield Break("one-way charging", asset.name)


def _named_shortfalls(plan: Plan) -> Iterator[Break]:
    """A penalty has a sentence, and a sentence has a shortfall."""
    penalty = sum(item.amount for item in plan.costs if item.cause is CostCause.PENALTY)
    named = sum(requirement.penalty for requirement in plan.unmet_requirements)
    if penalty > 0.05 and not plan.unmet_requirements:
        yield Break("named shortfalls", f"{penalty:g} of penalties without a word")
    if named < 0.9 * penalty - 0.1:
        yield Break("named shortfalls", f"{named:g} named of {penalty:g}")
    for requirement in plan.unmet_requirements:
        if requirement.shortfall <= 0 or not requirement.message:
            yield Break("named shortfalls", requirement.message or requirement.kind.name)


def _resimulation(problem: Problem, plan: Plan) -> Iterator[Break]:
    """Physics can do what the plan asks for, at the cost it says."""
    simulated, violations = simulate(problem, Schedule.of(plan))
    for violation in violations:
        if violation.physical:
            yield Break("physics", violation.message)
    off = simulated.total_cost - plan.total_cost
    if abs(off) > 1e-3 + 1e-6 * abs(plan.total_cost):
        yield Break("re-simulated cost", f"{off:g} of {plan.total_cost:g}")


def _bill(problem: Problem, plan: Plan) -> Iterator[Break]:
    """What the optimizer says the tariff costs is what the kernel bills."""
    hours = problem.horizon.hours
    for site, site_plan in zip(problem.sites, plan.sites, strict=True):
        if site.tariff is None:
            continue
        horizon = lower_tariff(
            site.tariff,
            problem.horizon.range,
            problem.horizon.resolution,
            site.zone,
            site.billing_state,
        )
        own = 0.0 if problem.netted_group(site) else hours
        billed = evaluate(horizon, site_plan.import_kw * own, site_plan.export_kw * own).total
        planned = sum(
            item.amount
            for item in plan.costs
            if item.site == site.name and item.cause in TARIFF_CAUSES
        )
        if abs(billed - planned) > 1e-6 * max(1.0, abs(billed)):
            yield Break("bill", f"{site.name}: billed {billed:g}, planned {planned:g}")


def relaxed(problem: Problem) -> Problem:
    """Return the problem without the limits of connections, groups and the tariffs."""
    return replace(
        problem,
        sites=tuple(replace(site, limits=PowerLimits()) for site in problem.sites),
        groups=tuple(
            replace(group, limits=PowerLimits(), nodes=(), site_node_ids={})
            for group in problem.groups
        ),
    )


def relaxation_breaks(
    problem: Problem, plan: Plan, solve: SolvePlan, options: SolveOptions
) -> Iterator[Break]:
    """A relaxed limit never costs more, beyond the gap both solves are allowed."""
    free = solve(relaxed(problem), options)
    statuses = {plan.solver and plan.solver.status, free.solver and free.solver.status}
    if statuses != {SolveStatus.OPTIMAL} or problem.reserves:
        return
    allowed = 2 * options.gap_ratio * max(1.0, abs(plan.total_cost)) + 1e-4
    if free.total_cost > plan.total_cost + allowed:
        yield Break("relaxed limit", f"{plan.total_cost:g} became {free.total_cost:g}")


def _orders(problem: Problem, plan: Plan) -> Iterator[Break]:
    """What a machine is told it can do for a whole interval, and for as long as it must."""
    for _, asset in problem.assets():
        planned = plan.asset(asset.name)
        match asset.kind:
            case Battery() as battery:
                into, out = np.maximum(planned.powers_kw, 0), np.maximum(-planned.powers_kw, 0)
                yield from _least(asset.name, into, battery.min_charge_power_kw)
                yield from _least(asset.name, out, battery.min_discharge_power_kw)
            case Generator() as machine:
                times = (machine.initial_state, machine.min_up_duration, machine.min_down_duration)
                yield from _least(asset.name, -planned.powers_kw, machine.min_output_power_kw)
                yield from _lasting(problem, asset.name, planned.on, *times)
            case DeferrableLoad(run=InterruptibleRun() as run):
                times = (run.initial_state, run.min_on_duration, run.min_off_duration)
                yield from _least(asset.name, planned.powers_kw, run.min_power_kw)
                yield from _lasting(problem, asset.name, planned.on, *times)
            case _:
                pass


def _least(name: str, power: Floats, least: float) -> Iterator[Break]:
    low = power[(power > POWER_KW) & (power < least - POWER_KW)]
    if len(low):
        yield Break("orders", f"{name}: {low[0]:g} kW of at least {least:g}")


def _lasting(
    problem: Problem,
    name: str,
    on: NDArray[np.bool_] | None,
    initial: OnOffState,
    min_on: timedelta,
    min_off: timedelta,
) -> Iterator[Break]:
    if on is None:
        return
    state, since = initial.on, initial.duration
    for now in on.tolist():
        if now != state:
            if since < (min_on if state else min_off):
                yield Break("orders", f"{name}: changes after {since}")
            state, since = now, timedelta(0)
        since += problem.horizon.resolution
