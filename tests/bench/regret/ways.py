"""What batteries are told: nothing, by a rule, by the product's plans, or by one who knows all."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tests.bench.regret.expectations import AHEAD, Expectations
from tests.bench.regret.places import GROUP, HOUR, Place
from wattmesh.optimizer.v1 import optimizer_pb2
from wattmesh_forecast.domain.hours import Floats
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import PlanningGoals
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.jobs import OptimizerJobs
from wattmesh_optimizer.app.explain import ExplainPlan
from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_planner.adapters.optimizer import schedules_from_plan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.assembly import ScopeFacts, site_inputs
from wattmesh_planner.domain.facts import Known, value_of
from wattmesh_planner.domain.inputs import AssetForecast, PlanInputs
from wattmesh_planner.domain.prices import priced
from wattmesh_planner.domain.scopes import scope_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Stands:
    """How things stand when an hour begins: stored energy and what sites drew before [W]."""

    hour: int
    end: int
    stored_ratio: Sequence[float]
    net_before_w: Sequence[float]
    peak_so_far_w: float


class Way(Protocol):
    """Decides."""

    def __call__(self, stands: Stands) -> list[float]:
        """Return what each battery is told for the hour that begins [W]."""


@dataclass(frozen=True, kw_only=True)
class Idle:
    """Does nothing."""

    place: Place

    def __call__(self, stands: Stands) -> list[float]:
        return [0.0] * len(self.place.sites)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Stores surplus; where there is none, what the cheapest hours give; supplies the dearest.

    It is told what a site exchanges as the hour goes on, which the plans are not.
    """

    place: Place
    hours: int = 4

    def __call__(self, stands: Stands) -> list[float]:
        place, hour = self.place, stands.hour
        ahead = place.price_per_kwh[hour : hour + AHEAD]
        now = float(ahead[0])
        order = np.sort(ahead)
        spread = float(order[-1]) * self._trip > float(order[0]) + 1e-9
        dear = now >= float(order[-self.hours]) and spread
        cheap = not dear and now <= float(order[self.hours - 1]) and spread
        generates = any("pv" in each.segment for each in place.uncertain)
        return [
            self._of(place.net_w(site, hour), dear, cheap and not generates)
            for site in range(len(place.sites))
        ]

    @property
    def _trip(self) -> float:
        battery = self.place.battery
        return battery.charge_efficiency_ratio * battery.discharge_efficiency_ratio

    def _of(self, net_w: float, dear: bool, cheap: bool) -> float:
        battery = self.place.battery
        if net_w < 0:
            return min(-net_w, battery.max_charge_power_w)
        if dear:
            return -min(net_w, battery.max_discharge_power_w)
        return battery.max_charge_power_w / self.hours if cheap else 0.0


@dataclass(kw_only=True)
class Planned:
    """The product's planner and optimizer; `knows`: the future, until the week's end."""

    place: Place
    goals: PlanningGoals
    priced_peak: bool
    expectations: Expectations | None = None
    cpu_s: float = 0.0
    plans: int = 0
    _ahead: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._model = self.place.model(self.goals, priced_peak=self.priced_peak)
        self._writer = ProblemWriter(carbon_price_per_kg=0.0)
        solve, simulate = SolvePlan(OrToolsSolver()), SimulatePlan()
        self._jobs = OptimizerJobs(solve, ExplainPlan(solve, simulate), simulate, SolveOptions())

    def __call__(self, stands: Stands) -> list[float]:
        if self.expectations is None and self._ahead:
            return self._ahead.pop(0)
        count = AHEAD if self.expectations is not None else stands.end - stands.hour
        inputs = self._inputs(stands, count)
        request = optimizer_pb2.SolveRequest(problem=self._writer.problem(inputs))
        began = time.process_time()
        answer = self._jobs.answer("Solve", time.monotonic() + 60, request.SerializeToString())
        self.cpu_s += time.process_time() - began
        self.plans += 1
        if answer.failed:
            raise RuntimeError(answer.content)
        plan = optimizer_pb2.SolveResponse.FromString(answer.content).plan
        told = {each.device.site: each.values for each in schedules_from_plan(plan, inputs)}
        steps = [[told[site][index] or 0.0 for site in self.place.sites] for index in range(count)]
        if self.expectations is None:
            self._ahead = steps[1:]
        return steps[0]

    def _inputs(self, stands: Stands, count: int) -> PlanInputs:
        place = self.place
        target = TimeRange.of(place.start + stands.hour * HOUR, count * HOUR)
        scope = scope_of(self._model, GROUP, target.start)
        assert scope is not None
        price = priced(place.tariff(target), target, HOUR, place.zone, target.start)
        carbon = place.carbon[stands.hour : stands.hour + count]
        facts = ScopeFacts(
            states=self._states(stands),
            prices=dict.fromkeys(place.sites, price),
            forecasts=self._forecasts(stands.hour, target),
            carbon=dict.fromkeys(place.sites, Known(value=Series(target.start, HOUR, carbon))),
            peak_so_far_w=Known(value=stands.peak_so_far_w),
            powers_before_w=dict(zip(place.sites, stands.net_before_w, strict=True)),
        )
        assert value_of(price) is not None
        return PlanInputs(
            scope=scope,
            issue_time=target.start,
            target=target,
            resolution=HOUR,
            sites=site_inputs(scope, facts),
            peak_so_far_w=stands.peak_so_far_w,
        )

    def _states(self, stands: Stands) -> dict[AssetId, Known[float | None]]:
        states: dict[AssetId, Known[float | None]] = {
            asset: Known(value=None) for asset in self._model.assets
        }
        for site, stored in zip(self.place.sites, stands.stored_ratio, strict=True):
            states[AssetId(site, "battery")] = Known(value=stored)
        return states

    def _forecasts(self, hour: int, target: TimeRange) -> dict[AssetId, Known[AssetForecast]]:
        members: Floats | None = None
        if self.expectations is None:
            power = self.place.power_w[hour : hour + target.count(HOUR)].T
        else:
            power = self.expectations.median_w(hour)
            if self.goals.ensemble_member_count:
                members = self.expectations.members_w(hour, self.goals.ensemble_member_count)
        return {
            asset: Known(
                value=AssetForecast(
                    power_w=Series(target.start, HOUR, power[number]),
                    source="seasonal",
                    members_w=None if members is None else members[number],
                )
            )
            for number, asset in enumerate(self.place.uncertain)
        }
