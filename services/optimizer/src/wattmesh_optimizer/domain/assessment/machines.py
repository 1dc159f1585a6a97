"""What deferrable runs miss and what generators cost."""

import numpy as np

from wattmesh_optimizer.domain.assessment.ledger import Ledger
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun, ProfileRun
from wattmesh_optimizer.domain.electrical import RUNNING_KW, Generator
from wattmesh_optimizer.domain.plan import AssetPlan, CostCause, RequirementKind
from wattmesh_optimizer.domain.runs import energy_need, profile_choice
from wattmesh_optimizer.domain.site import Asset, Site
from wattmesh_optimizer.domain.wording import deadline_requirement


def assess_deferrable(
    ledger: Ledger, site: Site, asset: Asset, load: DeferrableLoad, plan: AssetPlan
) -> None:
    """Add the price and the words of a run that is not done."""
    if isinstance(load.run, ProfileRun):
        required, done, possible = _profile(ledger, load, load.run, plan)
    else:
        required, done, possible = _energy(ledger, load, load.run, plan)
    price = load.shortfall_price_per_kwh
    ledger.penalty(max(0.0, required - done) * price, asset.name, site.name)
    probe = ledger.probes.get((RequirementKind.DEFERRABLE_RUN, asset.name))
    if probe is not None:
        scale = required if isinstance(load.run, ProfileRun) else 1.0
        possible = required - probe.least * scale
    horizon = ledger.problem.horizon
    deadline = horizon.end if load.latest_end is None else min(load.latest_end, horizon.end)
    ledger.requirement(
        deadline_requirement(
            ledger.words(site.zone),
            kind=RequirementKind.DEFERRABLE_RUN,
            subject=asset.name,
            label=f"Load {asset.label}",
            verb="needs",
            required_kwh=required,
            planned_kwh=done,
            possible_kwh=possible,
            deadline=deadline,
            price_per_kwh=price,
        )
    )


def _profile(
    ledger: Ledger, load: DeferrableLoad, run: ProfileRun, plan: AssetPlan
) -> tuple[float, float, float]:
    """Return energy required, done and possible: all of the profile or nothing."""
    choice = profile_choice(load, run, ledger.problem.horizon)
    if choice.running_kw is not None or choice.energy_kwh == 0:
        return 0.0, 0.0, 0.0
    ran = bool((plan.powers_kw > RUNNING_KW).any())
    head = int(np.flatnonzero(run.powers_kw > RUNNING_KW)[0])
    if ran:
        start = int(np.flatnonzero(plan.powers_kw > RUNNING_KW)[0]) - head
        ran = start in choice.starts.tolist()
    done = choice.energy_kwh if ran or choice.may_wait else 0.0
    possible = choice.energy_kwh if len(choice.starts) else 0.0
    return choice.energy_kwh, done, possible


def _energy(
    ledger: Ledger, load: DeferrableLoad, run: InterruptibleRun, plan: AssetPlan
) -> tuple[float, float, float]:
    """Return energy required, done within the window, and possible there."""
    need = energy_need(load, run, ledger.problem.horizon)
    counted = np.where(need.allowed, plan.powers_kw, 0.0)
    done = float(counted.sum()) * ledger.hours
    return need.required_kwh, min(done, need.required_kwh), need.possible_kwh


def assess_generator(
    ledger: Ledger, site: Site, asset: Asset, generator: Generator, plan: AssetPlan
) -> None:
    """Add fuel, running and start costs, and priced emissions."""
    name, cause = asset.name, CostCause.GENERATION
    energy = float(np.maximum(0.0, -plan.powers_kw).sum()) * ledger.hours
    on = plan.on if plan.on is not None else -plan.powers_kw > RUNNING_KW
    before = np.concatenate(([generator.initial_state.on], on[:-1]))
    starts = int(np.sum(on & ~before))
    amount = energy * generator.fuel_cost_per_kwh
    if generator.has_commitment:
        amount += starts * generator.start_cost
        amount += float(on.sum()) * ledger.hours * generator.running_cost_per_hour
    ledger.cost(cause, amount, name, site.name)
    carbon_kg = energy * generator.emission_gco2e_per_kwh / 1000.0
    price = ledger.problem.goals.carbon_price_per_kg
    ledger.cost(CostCause.CARBON, carbon_kg * price, name, site.name)
