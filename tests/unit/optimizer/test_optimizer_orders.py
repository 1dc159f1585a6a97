"""Whatever time there was: a plan is made of orders that every machine can keep to."""

from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.optimizer_solver import TiredSolver
from tests.unit.optimizer.laws import broken_laws
from tests.unit.optimizer.random_problems import random_problem
from tests.unit.optimizer.sites import asset, horizon_of, power, prices, problem, site, solve
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator, OnOffState
from wattmesh_optimizer.domain.plan import Plan
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.schedule import AssetSchedule, Schedule
from wattmesh_optimizer.domain.storage import Battery
from wattmesh_optimizer.domain.trajectory import simulate


def cut_off(of: Problem) -> Plan:
    """Return the plan of a problem for which there was no time to decide what is on."""
    return SolvePlan(TiredSolver(integer=False))(of, SolveOptions())


def test_a_battery_is_never_told_less_than_its_minimum() -> None:
    horizon = horizon_of(2)
    store = Battery(
        capacity_kwh=10,
        max_charge_power_kw=5,
        max_discharge_power_kw=5,
        min_discharge_power_kw=0.896,
        initial_soc_ratio=0.0794,
    )
    load = FixedLoad(powers_kw=np.array([2.0, 2.0]))
    home = site(asset("load", load), asset("b", store), tariff=prices(horizon, [0.1, 0.5]))
    of = problem(horizon, home)
    told = power(cut_off(of), "b")
    assert np.all((np.abs(told) < 1e-6) | (np.abs(told) >= 0.896 - 1e-6))
    assert list(broken_laws(of, cut_off(of))) == []


def test_a_generator_runs_for_its_minimum_time_in_a_repaired_plan_too() -> None:
    horizon = horizon_of(6)
    generator = Generator(
        max_output_power_kw=4,
        min_output_power_kw=2,
        start_cost=0.1,
        fuel_cost_per_kwh=0.3,
        min_up_duration=timedelta(hours=3),
    )
    asked = Schedule(
        {generator_name(): AssetSchedule(-np.array([0.0, 3.0, 0.0, 0.0, 0.0, 3.0]))},
        as_orders=True,
    )
    of = problem(horizon, site(asset("generator", generator)))
    plan, _ = simulate(of, asked)
    assert (-power(plan, "generator")).tolist() == [0.0, 3.0, 2.0, 2.0, 0.0, 3.0]


def generator_name() -> str:
    return asset("generator", FixedLoad(powers_kw=np.zeros(1))).name


def test_a_run_that_may_idle_takes_no_power_while_it_waits() -> None:
    horizon = horizon_of(4)
    run = InterruptibleRun(energy_kwh=2.0, max_power_kw=2.0, min_on_duration=timedelta(hours=3))
    home = site(
        asset("run", DeferrableLoad(run=run)), tariff=prices(horizon, [0.1, 50.0, 50.0, 50.0])
    )
    of = problem(horizon, home)
    plan = solve(of)
    assert power(plan, "run").tolist() == pytest.approx([2.0, 0.0, 0.0, 0.0])
    assert plan.total_cost == pytest.approx(0.2)
    on = plan.sites[0].assets[0].on
    assert on is not None
    assert on[:3].all()
    assert list(broken_laws(of, plan)) == []


def test_a_run_that_is_held_on_may_idle() -> None:
    horizon = horizon_of(3)
    running = OnOffState(on=True, duration=timedelta(hours=1))
    run = InterruptibleRun(
        energy_kwh=0.0,
        max_power_kw=2.0,
        min_on_duration=timedelta(hours=3),
        initial_state=running,
    )
    home = site(asset("run", DeferrableLoad(run=run)), tariff=prices(horizon, [0.3] * 3))
    plan = solve(problem(horizon, home))
    assert power(plan, "run").tolist() == [0.0] * 3


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_that_was_cut_off_keeps_every_rule(seed: int) -> None:
    of = random_problem(9100 + seed)
    assert list(broken_laws(of, cut_off(of))) == []


def test_the_time_that_reading_a_problem_took_is_not_the_solver_s() -> None:
    solver = TiredSolver()
    options = SolveOptions(time_limit=timedelta(seconds=10), spent=timedelta(seconds=4))
    home = site(asset("load", FixedLoad(powers_kw=np.ones(2))))
    SolvePlan(solver)(problem(horizon_of(2), home), options)
    assert solver.time_limits[0] <= timedelta(seconds=5)
