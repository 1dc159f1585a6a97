"""A plain linear programme is wrong under negative prices: it burns energy it cannot burn."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.unit.optimizer.sites import asset, horizon_of, power, prices, problem, site, solve
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.domain.electrical import FixedLoad, RenewableSource
from wattmesh_optimizer.domain.plan import Plan
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.schedule import Schedule
from wattmesh_optimizer.domain.storage import Battery
from wattmesh_optimizer.domain.trajectory import simulate
from wattmesh_optimizer.formulation.build import formulate
from wattmesh_optimizer.formulation.discrete import Discrete

BATTERY = Battery(
    capacity_kwh=10,
    max_charge_power_kw=5,
    max_discharge_power_kw=5,
    initial_soc_ratio=0.5,
    charge_efficiency_ratio=0.9,
    discharge_efficiency_ratio=0.9,
)


def four_negative_hours() -> Problem:
    """Return a day at 0.30 with import paid at 0.10 for four hours, 1 kW of load throughout."""
    horizon = horizon_of(24)
    values = np.full(24, 0.30)
    values[10:14] = -0.10
    load = FixedLoad(powers_kw=np.full(24, 1.0))
    tariff = prices(horizon, values.tolist(), -0.10)
    return problem(horizon, site(asset("load", load), asset("battery", BATTERY), tariff=tariff))


def test_the_linear_programme_alone_claims_a_cost_that_cannot_be() -> None:
    of = four_negative_hours()
    formulation = formulate(of)
    relaxed = OrToolsSolver().solve_linear(formulation.ctx.program.matrix(), timedelta(seconds=5))
    assert relaxed is not None
    model = formulation.sites[0].models[1]
    charge, discharge = (relaxed.values[columns] for columns in (model.charge, model.discharge))  # type: ignore[attr-defined]
    assert (np.minimum(charge, discharge) > 0.1).any()
    claimed = relaxed.objective + formulation.ctx.program.offset
    sites = formulation.read_sites(relaxed.values)
    asked = Schedule.of(Plan(horizon=of.horizon, currency_code="EUR", sites=sites))
    really = simulate(of, asked)[0].total_cost
    best = solve(of).total_cost
    assert claimed < best - 0.05
    assert really > best + 0.05


def test_the_plan_never_charges_and_discharges_or_imports_and_exports_at_once() -> None:
    of = four_negative_hours()
    plan = solve(of)
    assert plan.solver is not None
    assert plan.solver.mixed_integer
    simulated, violations = simulate(of, Schedule.of(plan))
    assert violations == ()
    assert simulated.total_cost == pytest.approx(plan.total_cost, abs=1e-4)
    exchanged = plan.sites[0]
    assert (np.minimum(exchanged.import_kw, exchanged.export_kw) < 1e-6).all()


def test_a_full_battery_is_left_alone_where_the_linear_programme_would_burn_energy_in_it() -> None:
    """By hand: the load alone, -0.10; burning 19 % of 5 kW would claim -0.195."""
    horizon = horizon_of(1)
    battery = replace(BATTERY, capacity_kwh=1, initial_soc_ratio=1.0)
    load = FixedLoad(powers_kw=np.ones(1))
    tariff = prices(horizon, [-0.10], -0.10)
    plan = solve(problem(horizon, site(asset("load", load), asset("b", battery), tariff=tariff)))
    assert plan.total_cost == pytest.approx(-0.10, abs=1e-6)


def test_pv_is_curtailed_rather_than_paid_for() -> None:
    horizon = horizon_of(2)
    pv = RenewableSource(powers_kw=np.array([-3.0, -3.0]))
    plan = solve(problem(horizon, site(asset("pv", pv), tariff=prices(horizon, [0.1, 0.1], -0.05))))
    assert power(plan, "pv").tolist() == pytest.approx([0.0, 0.0])
    assert plan.total_cost == pytest.approx(0.0)


@pytest.mark.parametrize(("hours", "every"), [(4, False), (24, True)])
def test_a_day_of_negative_prices_is_decided_at_once_a_few_hours_where_it_matters(
    hours: int, every: bool
) -> None:
    """In three rounds, each with what time the ones before had left, such days came out badly."""
    horizon, values = horizon_of(24), np.full(24, 0.30)
    values[:hours] = -0.10
    load = FixedLoad(powers_kw=np.ones(24))
    tariff = prices(horizon, values.tolist(), values.tolist())
    home = site(asset("load", load), asset("battery", BATTERY), tariff=tariff)
    formulation = formulate(problem(horizon, home))
    program, discrete = formulation.ctx.program, Discrete(formulation.ctx)
    relaxed = OrToolsSolver().solve_linear(program.matrix(), timedelta(seconds=30))
    assert relaxed is not None
    assert discrete.refine(relaxed.values)
    pairs = sum(len(pair.first) for pair in formulation.ctx.exclusives)
    assert (discrete.integer_count == pairs) == every
