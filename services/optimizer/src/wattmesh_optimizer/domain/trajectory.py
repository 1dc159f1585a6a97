"""The trajectory a schedule leads to: physics, flows, costs and missed requirements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.assessment.holdings import reserve_holdings
from wattmesh_optimizer.domain.assessment.ledger import Ledger, Probe, RequirementKey
from wattmesh_optimizer.domain.assessment.shared import (
    assess_event,
    assess_group,
    assess_reserve,
    commitments,
)
from wattmesh_optimizer.domain.assessment.site import SiteAssessment
from wattmesh_optimizer.domain.assumptions import assumptions
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.deferrable import DeferrableLoad
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator, RenewableSource
from wattmesh_optimizer.domain.emissions import with_emissions
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.network import group_plan, node_flows
from wattmesh_optimizer.domain.physics.heat import simulate_hvac_zone, simulate_thermal_tank
from wattmesh_optimizer.domain.physics.machines import (
    simulate_deferrable,
    simulate_fixed_load,
    simulate_generator,
    simulate_renewable,
)
from wattmesh_optimizer.domain.physics.outcome import Outcome
from wattmesh_optimizer.domain.physics.storage import simulate_battery, simulate_ev_charger
from wattmesh_optimizer.domain.plan import (
    CostItem,
    Plan,
    ReserveHolding,
    SitePlan,
    UnmetRequirement,
    Violation,
)
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.schedule import AssetSchedule, Schedule
from wattmesh_optimizer.domain.site import Asset, Site
from wattmesh_optimizer.domain.storage import Battery, EvCharger
from wattmesh_optimizer.domain.tariffs import SiteTariff, site_tariffs
from wattmesh_optimizer.domain.thermal import HvacZone, ThermalTank


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """What really happens: plans of the sites, and where physics said no."""

    sites: tuple[SitePlan, ...]
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """Costs and missed requirements of a trajectory."""

    costs: tuple[CostItem, ...]
    requirements: tuple[UnmetRequirement, ...]


def run(problem: Problem, schedule: Schedule) -> Trajectory:
    """Run a schedule through the physics of every site."""
    sites: list[SitePlan] = []
    violations: list[Violation] = []
    for site in problem.sites:
        plan, found = run_site(problem.horizon, site, schedule)
        sites.append(plan)
        violations += found
    return Trajectory(tuple(sites), tuple(violations))


def simulate(problem: Problem, schedule: Schedule) -> tuple[Plan, tuple[Violation, ...]]:
    """Return the plan a schedule really leads to, with the kernel's bill, and its violations."""
    tariffs = site_tariffs(problem.sites, problem.horizon)
    trajectory = run(problem, schedule)
    holdings = reserve_holdings(problem, tariffs, trajectory.sites)
    assessment = assess(problem, tariffs, trajectory.sites, holdings)
    plan = Plan(
        horizon=problem.horizon,
        currency_code=problem.currency_code,
        sites=trajectory.sites,
        groups=tuple(group_plan(problem, group, trajectory.sites) for group in problem.groups),
        costs=assessment.costs,
        unmet_requirements=assessment.requirements,
        assumptions=(
            *assumptions(problem),
            *(words for each in tariffs if each is not None for words in each.assumptions),
        ),
        commitments=commitments(problem, trajectory.sites),
        reserves=holdings,
    )
    return plan, trajectory.violations


def assess(
    problem: Problem,
    tariffs: Sequence[SiteTariff | None],
    sites: Sequence[SitePlan],
    holdings: Sequence[ReserveHolding],
    probes: Mapping[RequirementKey, Probe] | None = None,
) -> Assessment:
    """Return what a trajectory costs and misses; `probes`: how far that could be met, if known."""
    ledger = Ledger(problem, probes or {})
    count = problem.horizon.count
    for site, tariff, plan in zip(problem.sites, tariffs, sites, strict=True):
        powers = {asset.name: asset.powers_kw for asset in plan.assets}
        balance, _ = node_flows(site, powers, count)
        SiteAssessment(ledger, site, tariff, plan, balance).assess()
    for group in problem.groups:
        assess_group(ledger, group, tariffs, sites)
    for event in problem.events:
        assess_event(ledger, event, sites)
    for reserve, holding in zip(problem.reserves, holdings, strict=True):
        assess_reserve(ledger, reserve, holding)
    return Assessment(tuple(ledger.costs), tuple(ledger.requirements))


def run_site(
    horizon: Horizon, site: Site, schedule: Schedule
) -> tuple[SitePlan, tuple[Violation, ...]]:
    """Run one site."""
    islanded = horizon.touched(site.islanded_ranges)
    outcomes = [
        simulate_asset(
            asset, schedule.assets.get(asset.name), horizon, islanded, schedule.as_orders
        )
        for asset in site.assets
    ]
    plans = tuple(outcome.plan for outcome in outcomes)
    net, flows = node_flows(site, {plan.name: plan.powers_kw for plan in plans}, horizon.count)
    exchanged: Floats = np.where(islanded, 0.0, net)
    plan = SitePlan(
        name=site.name,
        assets=plans,
        import_kw=np.maximum(exchanged, 0.0),
        export_kw=np.maximum(-exchanged, 0.0),
        node_flows_kw=flows,
    )
    violations = tuple(violation for outcome in outcomes for violation in outcome.violations)
    return with_emissions(plan, site, horizon.hours), violations


def simulate_asset(
    asset: Asset,
    schedule: AssetSchedule | None,
    horizon: Horizon,
    islanded: NDArray[np.bool_],
    as_orders: bool,
) -> Outcome:
    """Run one asset."""
    match asset.kind:
        case FixedLoad() as load:
            return simulate_fixed_load(asset, load, schedule, horizon, islanded)
        case RenewableSource() as source:
            return simulate_renewable(asset, source, schedule, horizon)
        case Battery() as battery:
            return simulate_battery(asset, battery, schedule, horizon, as_orders=as_orders)
        case EvCharger() as charger:
            return simulate_ev_charger(asset, charger, schedule, horizon, as_orders=as_orders)
        case HvacZone() as zone:
            return simulate_hvac_zone(asset, zone, schedule, horizon)
        case ThermalTank() as tank:
            return simulate_thermal_tank(asset, tank, schedule, horizon)
        case DeferrableLoad() as load:
            return simulate_deferrable(asset, load, schedule, horizon, as_orders=as_orders)
        case Generator() as generator:
            return simulate_generator(asset, generator, schedule, horizon, as_orders=as_orders)
        case _:
            assert_never(asset.kind)
