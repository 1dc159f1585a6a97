"""A time limit gives the best plan so far with its gap; there is always a plan."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.optimizer_solver import TiredSolver
from tests.unit.optimizer.laws import broken_laws
from tests.unit.optimizer.random_problems import random_problem
from tests.unit.optimizer.sites import asset, horizon_of, power, prices, problem, site, solve
from wattmesh_optimizer.adapters.basis import consistent_basis
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.ports import Basis
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan, gap_ratio
from wattmesh_optimizer.app.warm import WarmStarts
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator
from wattmesh_optimizer.domain.plan import SolveStatus
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.storage import Battery
from wattmesh_optimizer.domain.thermal import ComfortBand, HeatPump, HvacZone, ThermalTank
from wattmesh_optimizer.formulation.build import formulate


def committed() -> Problem:
    """Return a problem whose linear relaxation runs a generator at part of its minimum."""
    horizon = horizon_of(4)
    load = FixedLoad(powers_kw=np.array([1.0, 2.0, 3.0, 1.0]))
    generator = Generator(
        max_output_power_kw=4, min_output_power_kw=2, start_cost=0.2, fuel_cost_per_kwh=0.2
    )
    parts = (asset("load", load), asset("generator", generator))
    return problem(horizon, site(*parts, tariff=prices(horizon, [0.4] * 4)))


def test_without_any_solution_the_plan_is_that_of_no_control_and_says_so() -> None:
    plan = SolvePlan(TiredSolver(linear=False))(committed(), SolveOptions())
    assert plan.solver is not None
    assert plan.solver.status is SolveStatus.FALLBACK
    assert plan.solver.gap_ratio == 1.0
    assert plan.total_cost == pytest.approx(7 * 0.4)


def test_no_control_keeps_rooms_and_water_by_their_thermostats() -> None:
    horizon, hot = horizon_of(12), np.full(12, 34.0)
    band = ComfortBand(min_temperature_celsius=20, max_temperature_celsius=24.8)
    cooling = HeatPump(max_power_kw=3.0, cop_points=((20.0, 3.0),), min_power_kw=0.3)
    room = HvacZone(
        air_capacity_kwh_per_k=1.5,
        air_outdoor_resistance_k_per_kw=4.0,
        initial_air_temperature_celsius=24.0,
        outdoor_temperatures_celsius=hot,
        occupied_band=band,
        heat_gains_kw=np.full(12, 1.0),
        cooling=cooling,
    )
    water = ThermalTank(
        capacity_kwh_per_k=0.25,
        initial_temperature_celsius=50.0,
        min_temperature_celsius=45.0,
        max_temperature_celsius=60.0,
        heater=HeatPump(max_power_kw=2.0, cop_points=((20.0, 2.5),)),
        draw_heats_kw=np.full(12, 0.8),
    )
    parts = (asset("room", room), asset("water", water), committed().sites[0].assets[1])
    of = problem(horizon, site(*parts, tariff=prices(horizon, [0.4] * 12)))

    plan = SolvePlan(TiredSolver(linear=False))(of, SolveOptions())

    assert plan.solver is not None
    assert plan.solver.status is SolveStatus.FALLBACK
    kept_room, kept_water = (each.temperatures_celsius for each in plan.sites[0].assets[:2])
    assert kept_room is not None
    assert kept_water is not None
    assert kept_room.max() <= 24.8 + 1e-6
    assert kept_room.min() >= 20.0
    assert kept_water.min() >= 45.0 - 1e-6
    assert list(broken_laws(of, plan)) == []


def test_without_an_integer_solution_the_relaxation_is_repaired_and_its_gap_given() -> None:
    of = committed()
    plan = SolvePlan(TiredSolver(integer=False))(of, SolveOptions())
    best = solve(of)
    assert plan.solver is not None
    assert plan.solver.status in {SolveStatus.TIME_LIMIT, SolveStatus.FALLBACK}
    assert list(broken_laws(of, plan)) == []
    assert plan.total_cost >= best.total_cost - 1e-6
    lower = plan.total_cost * (1 - plan.solver.gap_ratio)
    assert lower <= best.total_cost + 1e-6


@pytest.mark.parametrize("seed", range(20))
def test_a_tired_solver_still_gives_sound_plans(seed: int) -> None:
    of = random_problem(9000 + seed)
    plan = SolvePlan(TiredSolver(integer=False))(of, SolveOptions())
    assert list(broken_laws(of, plan)) == []


def test_a_time_limit_of_a_moment_is_kept() -> None:
    of = random_problem(37)
    options = SolveOptions(time_limit=timedelta(milliseconds=50), gap_ratio=1e-9)
    plan = SolvePlan(OrToolsSolver())(of, options)
    assert plan.solver is not None
    assert plan.solver.total_duration < timedelta(seconds=3)
    assert list(broken_laws(of, plan)) == []


def test_a_gap_is_relative_and_rounding_is_none() -> None:
    assert gap_ratio(10.0, 9.9) == pytest.approx(0.01)
    assert gap_ratio(10.0, 10.0 - 1e-7) == 0.0


def window(number: int, count: int = 384) -> Problem:
    """Return the window that begins `number` quarter hours on, with other forecasts."""
    random = np.random.default_rng(number)
    horizon = horizon_of(count, 15)
    horizon = replace(horizon, start=horizon.start + number * timedelta(minutes=15))
    clock = (np.arange(count) + number) / 4 % 24
    load = FixedLoad(powers_kw=1 + (clock > 17) + random.uniform(0, 0.5, count))
    store = Battery(
        capacity_kwh=10, max_charge_power_kw=5, max_discharge_power_kw=5, initial_soc_ratio=0.5
    )
    tariff = prices(horizon, np.where((clock > 16) & (clock < 21), 0.5, 0.2).tolist(), 0.05)
    return problem(horizon, site(asset("load", load), asset("b", store), tariff=tariff))


def test_successive_windows_start_where_the_last_one_stopped_and_cost_the_same() -> None:
    solver = TiredSolver()
    warm = SolvePlan(solver, warm_starts=WarmStarts())
    for number in range(6):
        plan = warm(window(number), SolveOptions())
        assert plan.total_cost == pytest.approx(solve(window(number)).total_cost, abs=1e-6)
    assert solver.starts[0] is None
    assert all(start is not None for start in solver.starts[1:])


def test_small_programmes_are_solved_afresh_which_is_faster() -> None:
    solver = TiredSolver()
    warm = SolvePlan(solver, warm_starts=WarmStarts())
    for number in range(3):
        warm(window(number, 24), SolveOptions())
    assert solver.starts == [None] * 3


def test_another_structure_is_started_afresh() -> None:
    solver = TiredSolver()
    warm = SolvePlan(solver, warm_starts=WarmStarts())
    warm(window(0), SolveOptions())
    of = window(1)
    smaller = replace(of, sites=(replace(of.sites[0], assets=of.sites[0].assets[:1]),))
    plan = warm(smaller, SolveOptions())
    assert solver.starts[-1] is None
    assert power(plan, "load").sum() > 0


@pytest.mark.parametrize("seed", range(10))
def test_any_guess_of_a_basis_gives_the_optimum(seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix = formulate(window(0)).ctx.program.matrix()
    guess = Basis(
        random.choice([1, 2, 3, 4, 5], matrix.column_count).astype(np.int32),
        random.choice([1, 2, 3, 4, 5], matrix.row_count).astype(np.int32),
    )
    basis = consistent_basis(matrix, guess)
    basic = int((basis.columns == 5).sum() + (basis.rows == 5).sum())
    assert basic == matrix.row_count
    solver, limit = OrToolsSolver(), timedelta(seconds=5)
    cold, warm = solver.solve_linear(matrix, limit), solver.solve_linear(matrix, limit, guess)
    assert cold is not None
    assert warm is not None
    assert warm.objective == pytest.approx(cold.objective, abs=1e-6)
