"""Ways to run a battery before an outage: by plans, or kept full; and the battery itself."""

import time
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from tests.bench.citylearn.homes import EFFICIENCY, HOUR, ZONE, asset_of, start_of
from tests.bench.outage.home import Floats, Home
from wattmesh.optimizer.v1 import optimizer_pb2
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.jobs import OptimizerJobs
from wattmesh_optimizer.app.explain import ExplainPlan
from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_planner.adapters.optimizer import schedules_from_plan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.assembly import ScopeFacts, site_inputs
from wattmesh_planner.domain.facts import Known
from wattmesh_planner.domain.inputs import AssetForecast, PlanInputs
from wattmesh_planner.domain.prices import priced
from wattmesh_planner.domain.scopes import scope_of

CAPACITY_KWH, MOST_KW, AHEAD = 6.4, 5.0, 24


@dataclass(slots=True)
class Battery:
    """The battery of a home: what it holds [kWh]."""

    stored_kwh: float

    def take(self, power_kw: float) -> float:
        """Charge (or discharge, below 0) for an hour as far as it goes; return what it did [kW]."""
        if power_kw >= 0:
            done = min(power_kw, MOST_KW, (CAPACITY_KWH - self.stored_kwh) / EFFICIENCY)
            self.stored_kwh += done * EFFICIENCY
        else:
            done = -min(-power_kw, MOST_KW, self.stored_kwh * EFFICIENCY)
            self.stored_kwh += done / EFFICIENCY
        return done


class Way(Protocol):
    """Says what the battery does in the hour that begins [kW]."""

    def __call__(self, home: Home, hour: int, battery: Battery) -> float:
        """Return its power, charging positive."""


def kept_full(home: Home, hour: int, battery: Battery) -> float:
    """Charge whenever it is not full: the plain way to be ready."""
    return MOST_KW


class Planned:
    """The planner's problem and the optimizer's plan, made anew every hour."""

    def __init__(self) -> None:
        self._writer = ProblemWriter(carbon_price_per_kg=0.0)
        solve, simulate = SolvePlan(OrToolsSolver()), SimulatePlan()
        self._jobs = OptimizerJobs(solve, ExplainPlan(solve, simulate), simulate, SolveOptions())
        self.plans, self.cpu_s = 0, 0.0

    def __call__(self, home: Home, hour: int, battery: Battery) -> float:
        """Return what the first hour of the plan is told."""
        began = time.process_time()
        inputs = self._inputs(home, hour, battery)
        request = optimizer_pb2.SolveRequest(problem=self._writer.problem(inputs))
        answer = self._jobs.answer("Solve", time.monotonic() + 60, request.SerializeToString())
        if answer.failed:
            raise RuntimeError(answer.content)
        plan = optimizer_pb2.SolveResponse.FromString(answer.content).plan
        self.plans, self.cpu_s = self.plans + 1, self.cpu_s + time.process_time() - began
        told = list(schedules_from_plan(plan, inputs))
        return (told[0].values[0] or 0.0) / 1e3

    def _inputs(self, home: Home, hour: int, battery: Battery) -> PlanInputs:
        start = start_of(hour)
        target = TimeRange.of(start, AHEAD * HOUR)
        scope = scope_of(home.model, home.site, start)
        assert scope is not None
        states: dict[AssetId, Known[float | None]] = {
            each: Known(value=None) for each in home.model.assets
        }
        soc = min(max(battery.stored_kwh / CAPACITY_KWH, 0.0), 1.0)
        states[asset_of(home.site, "battery")] = Known(value=soc)
        load, sun = home.forecast(hour, AHEAD)
        facts = ScopeFacts(
            states=states,
            prices={home.site: priced(home.tariff, target, HOUR, ZoneInfo(ZONE), start)},
            forecasts={
                asset_of(home.site, "load"): _forecast(target, load, 1e3),
                asset_of(home.site, "pv"): _forecast(target, sun, -1e3),
            },
            carbon={},
            peak_so_far_w=Known(value=0.0),
            powers_before_w={},
        )
        sites = site_inputs(scope, facts)
        return PlanInputs(
            scope=scope, issue_time=start, target=target, resolution=HOUR, sites=sites
        )


def _forecast(
    target: TimeRange, known: tuple[Floats, Floats], factor: float
) -> Known[AssetForecast]:
    mean, off = known
    return Known(
        value=AssetForecast(
            power_w=Series(target.start, HOUR, np.asarray(mean * factor)),
            deviation_w=Series(target.start, HOUR, np.asarray(off * abs(factor))),
            source="the same hours of the last week",
        )
    )
