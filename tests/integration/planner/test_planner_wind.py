"""A wind turbine from its meter to what it is told: forecast, planned and, if need be, held back.

The forecast service, the planner's code and the optimizer's are the real ones.
"""

import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.forecast_assets import START as METERED_SINCE
from tests.fakes.forecast_process import running_forecast
from tests.fakes.metered_homes import MeteredHomes
from tests.fakes.planner_home import GATEWAY, HOME, asset_id, device_id, home, without
from tests.fakes.planner_world import PlannerWorld
from wattmesh.optimizer.v1 import optimizer_pb2
from wattmesh_kernel.series import Series
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    GridConnectionRating,
    MqttConnection,
    WindRating,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.jobs import OptimizerJobs
from wattmesh_optimizer.app.explain import ExplainPlan
from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_planner.adapters.forecast import GrpcForecaster
from wattmesh_planner.adapters.optimizer import schedules_from_plan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.inputs import AssetForecast

DAYS = 30
HOUR = timedelta(hours=1)
TURBINE = asset_id("wind")
MOST_EXPORT_W = 500.0


def metered() -> MeteredHomes:
    """A turbine of 10 kW in a wind that comes and goes."""
    hours = np.arange((DAYS + 2) * 24)
    power_w = -4_000.0 * (1.0 + np.sin(hours / 11.0)) - 500.0
    return MeteredHomes(power_w={TURBINE: Series(METERED_SINCE, HOUR, power_w)})  # type: ignore[abstract]


async def expected(database_url: str) -> AssetForecast:
    """Return what the planner is told of the turbine's next day."""
    async with running_forecast(database_url, metered(), DAYS) as world:
        start = world.clock.now().replace(minute=0) + HOUR
        span = TimeRange.of(start, 24 * HOUR)
        asked = GrpcForecaster(world.channel).forecast([TURBINE], span, HOUR, 60.0, members=3)
        found = (await asked)[TURBINE]
    assert isinstance(found, AssetForecast)
    assert found.members_w is not None
    assert found.members_w.shape == (3, 24)
    return found


async def test_a_turbine_is_forecast_planned_and_told_to_give_what_the_connection_bears(
    database_url: str,
) -> None:
    forecast = await expected(database_url)
    assert (forecast.power_w.values < 0).all()
    world = PlannerWorld()
    await world.knows(
        *without(home(), "pv", "battery", "grid"),
        Asset(id=asset_id("grid"), rating=GridConnectionRating(max_export_power_w=MOST_EXPORT_W)),
        Asset(id=TURBINE, rating=WindRating(max_output_power_w=10_000.0, curtailable=True)),
        Device(
            id=device_id("wind"),
            profile="inverter",
            gateway=GATEWAY,
            connection=MqttConnection(address="home-1/wind"),
            reporting_interval=HOUR / 12,
            functions=(DeviceFunction(asset=TURBINE, controls=True),),
        ),
    )
    span = TimeRange.of(world.clock.now() + HOUR / 12, 24 * HOUR)
    moved = Series(span.start, HOUR, forecast.power_w.values)
    world.forecaster.answers[TURBINE] = replace(forecast, power_w=moved)

    await world.plan(HOME)
    problem = ProblemWriter(carbon_price_per_kg=0.0).problem(world.asked)
    solve, simulate = SolvePlan(OrToolsSolver()), SimulatePlan()
    jobs = OptimizerJobs(solve, ExplainPlan(solve, simulate), simulate, SolveOptions())
    request = optimizer_pb2.SolveRequest(problem=problem)
    answer = jobs.answer("Solve", time.monotonic() + 60, request.SerializeToString())
    assert not answer.failed
    plan = optimizer_pb2.SolveResponse.FromString(answer.content).plan

    (of_wind,) = [each for each in plan.sites[0].assets if each.asset_name == TURBINE.name]
    gives_w = -np.array(of_wind.powers_w)
    could_w = -moved.values
    # The load takes 1 kW: what is beyond that and the connection is not generated.
    assert np.allclose(gives_w, np.minimum(could_w, 1_000.0 + MOST_EXPORT_W), atol=2.0)
    (told,) = schedules_from_plan(plan, world.asked)
    assert told.kind is SetpointKind.GENERATION_LIMIT_W
    held = [None if each is None else pytest.approx(1_500.0, abs=2.0) for each in told.values]
    assert list(told.values) == held
    assert any(each is not None for each in told.values)
