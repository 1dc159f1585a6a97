"""Of plans of equal cost a site alone has the smooth one, by the planner's and optimizer's code."""

import time
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from tests.fakes.planner_home import HOME, home
from tests.fakes.planner_world import PlannerWorld
from wattmesh.optimizer.v1 import optimizer_pb2
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import PlanningGoals, Site
from wattmesh_kernel.tariff import ClockRange, EnergyRates, Tariff, TouPeriod, Window
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.jobs import OptimizerJobs
from wattmesh_optimizer.app.explain import ExplainPlan
from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.facts import value_of
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.prices import priced

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


async def exchange(goals: PlanningGoals) -> tuple[Floats, float]:
    """Return what a home is planned to exchange [kW], and its bill."""
    world = PlannerWorld()
    await world.knows(
        *[replace(each, goals=goals) if isinstance(each, Site) else each for each in home()]
    )
    await world.plan(HOME)
    problem = ProblemWriter(carbon_price_per_kg=0.0).problem(_by_time_of_use(world.asked))
    solve, simulate = SolvePlan(OrToolsSolver()), SimulatePlan()
    jobs = OptimizerJobs(solve, ExplainPlan(solve, simulate), simulate, SolveOptions())
    request = optimizer_pb2.SolveRequest(problem=problem)
    answer = jobs.answer("Solve", time.monotonic() + 60, request.SerializeToString())
    assert not answer.failed
    (site,) = optimizer_pb2.SolveResponse.FromString(answer.content).plan.sites
    bill = sum(float(each.amount.amount) for each in site.costs if each.cause in (1, 2, 3))
    return np.array(site.import_powers_w) - np.array(site.export_powers_w), bill


def _by_time_of_use(inputs: PlanInputs) -> PlanInputs:
    """Return them with energy that is dear for some hours and costs the same in all others."""
    dear = Window(clock_ranges=(ClockRange.hours(16, 21),))
    periods = (
        TouPeriod(name="dear", price_per_kwh=0.54, window=dear),
        TouPeriod(name="rest", price_per_kwh=0.22, window=Window()),
    )
    rates = EnergyRates(tou_periods=periods)
    tariff = Tariff(id=TariffId("tou"), currency_code="EUR", import_rates=rates)
    (site,) = inputs.sites
    zone = ZoneInfo(site.site.site.time_zone)
    price = priced(tariff, inputs.target, inputs.resolution, zone, inputs.issue_time)
    return replace(inputs, sites=(replace(site, price=value_of(price)),))


async def test_a_home_alone_is_not_charged_at_full_power_in_some_hour_of_many_alike() -> None:
    corner, least = await exchange(PlanningGoals(ramp_price_per_kw=0.0))
    smooth, bill = await exchange(PlanningGoals())
    changes = [float(np.abs(np.diff(each)).sum()) / 1e3 for each in (corner, smooth)]
    assert changes[1] < changes[0], changes
    assert least - 1e-6 <= bill + 1e-6 <= least + 0.01 * changes[0] + 1e-6
