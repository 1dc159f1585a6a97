"""Laws over random problems: a sample here, many by `python -m tests.unit.optimizer.run_laws`."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.optimizer.laws import TARIFF_CAUSES, broken_laws, relaxation_breaks
from tests.unit.optimizer.random_problems import (
    random_battery,
    random_horizon,
    random_load,
    random_problem,
    random_renewable,
    random_tariff,
)
from tests.unit.optimizer.sites import asset, cost, problem, site, solve
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyRates, RealTimePrice, evaluate, lower_tariff
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.domain.plan import CostCause
from wattmesh_optimizer.domain.schedule import AssetSchedule, Schedule
from wattmesh_optimizer.domain.storage import Battery
from wattmesh_optimizer.domain.trajectory import simulate

SEEDS = st.integers(min_value=0, max_value=2**31)
OPTIONS = SolveOptions(time_limit=timedelta(seconds=3), gap_ratio=1e-3)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_every_random_problem_has_a_plan_that_keeps_the_laws(seed: int) -> None:
    of = random_problem(seed)
    plan = SolvePlan(OrToolsSolver())(of, OPTIONS)
    assert list(broken_laws(of, plan)) == []


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_a_relaxed_limit_never_costs_more(seed: int) -> None:
    of, solver = random_problem(seed), SolvePlan(OrToolsSolver())
    plan = solver(of, OPTIONS)
    assert list(relaxation_breaks(of, plan, solver, OPTIONS)) == []


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_the_optimizers_cost_is_the_kernels_bill_for_any_tariff(seed: int) -> None:
    random = np.random.default_rng(seed)
    horizon = random_horizon(random)
    tariff = random_tariff(random, horizon, negative=False)
    of = problem(
        horizon,
        site(
            asset("load", random_load(random, horizon.count)),
            asset("pv", random_renewable(random, horizon.count)),
            asset("battery", random_battery(random)),
            zone="Europe/Berlin",
            tariff=tariff,
        ),
    )
    plan = solve(of)
    lowered = lower_tariff(tariff, horizon.range, horizon.resolution, of.sites[0].zone)
    exchanged = plan.sites[0]
    bill = evaluate(
        lowered, exchanged.import_kw * horizon.hours, exchanged.export_kw * horizon.hours
    )
    planned = sum(cost(plan, cause) for cause in TARIFF_CAUSES)
    assert planned == pytest.approx(bill.total, rel=1e-6, abs=1e-6)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=SEEDS, factor=st.sampled_from([0.1, 3.0, 100.0]))
def test_scaling_prices_scales_cost(seed: int, factor: float) -> None:
    random = np.random.default_rng(seed)
    horizon = random_horizon(random)
    values = random.uniform(0.05, 0.5, horizon.count)
    battery = replace(
        random_battery(random),
        wear_cost_per_kwh=0.0,
        terminal_value_per_kwh=0.0,
        final_soc_ratio=None,
        min_soc_ratio=0.0,
        max_soc_ratio=1.0,
        min_charge_power_kw=0.0,
    )
    load, pv = random_load(random, horizon.count), random_renewable(random, horizon.count)

    def total(scale: float) -> float:
        base = random_tariff(np.random.default_rng(seed), horizon)
        published = Series(horizon.start, horizon.resolution, values * scale)
        rates = EnergyRates(real_time=RealTimePrice(published=published))
        tariff = replace(
            base,
            import_rates=rates,
            export_rates=EnergyRates(base_per_kwh=0.04 * scale),
            fixed_charges=(),
            demand_charges=(),
            coincident_peak_charges=(),
            power_limits=(),
        )
        parts = (asset("load", load), asset("pv", pv), asset("battery", battery))
        plan = solve(problem(horizon, site(*parts, tariff=tariff)))
        return plan.total_cost - cost(plan, CostCause.CURTAILMENT)

    assert total(factor) == pytest.approx(factor * total(1.0), rel=1e-5, abs=1e-5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_what_physics_made_of_a_schedule_it_can_do_again(seed: int) -> None:
    of, random = random_problem(seed), np.random.default_rng(seed)
    wild = {
        each.name: AssetSchedule(random.uniform(-6, 6, of.horizon.count)) for _, each in of.assets()
    }
    once, _ = simulate(of, Schedule(wild))
    twice, violations = simulate(of, Schedule.of(once))
    assert not [violation for violation in violations if violation.physical]
    assert twice.total_cost == pytest.approx(once.total_cost, rel=1e-6, abs=1e-3)


def test_a_battery_that_is_not_needed_costs_nothing() -> None:
    horizon = random_horizon(np.random.default_rng(1))
    battery = Battery(capacity_kwh=10, max_charge_power_kw=5, max_discharge_power_kw=5)
    plan = solve(problem(horizon, site(asset("battery", battery))))
    assert plan.total_cost == 0
    assert plan.unmet_requirements == ()
