"""The product's planner and optimizer, asked every hour as its own loop asks them."""

import time
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from tests.bench.citylearn.environment import Known as Metered
from tests.bench.citylearn.forecasts import AHEAD, KINDS
from tests.bench.citylearn.homes import (
    GROUP,
    HOUR,
    UserSettings,
    asset_of,
    site_ids,
    site_model,
    start_of,
)
from wattmesh.optimizer.v1 import optimizer_pb2
from wattmesh_forecast.domain.hours import Floats
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.jobs import OptimizerJobs
from wattmesh_optimizer.app.explain import ExplainPlan
from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.app.warm import WarmStarts
from wattmesh_planner.adapters.optimizer import schedules_from_plan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.assembly import ScopeFacts, site_inputs
from wattmesh_planner.domain.billing import month_start
from wattmesh_planner.domain.facts import Fact, Known
from wattmesh_planner.domain.inputs import AssetForecast, PlanInputs
from wattmesh_planner.domain.prices import PricedTariff, priced
from wattmesh_planner.domain.scopes import scope_of


class Product:
    """Decides, hour by hour, what the batteries are told [kW], from what it knows then."""

    def __init__(self, settings: UserSettings, power_w: Floats, carbon: Floats) -> None:
        self._model = site_model(settings)
        self._power_w, self._carbon = power_w, carbon
        self._writer = ProblemWriter(carbon_price_per_kg=0.0)
        solve, simulate = SolvePlan(OrToolsSolver(), warm_starts=WarmStarts()), SimulatePlan()
        self._jobs = OptimizerJobs(solve, ExplainPlan(solve, simulate), simulate, SolveOptions())
        self._peak = _MonthlyPeak()
        self.solve_s = 0.0

    def __call__(self, known: Metered) -> list[float]:
        """Return the powers for the hour that begins now, `known` being the one that has passed."""
        start = start_of(known.hour) + HOUR
        self._peak.note(start - HOUR, sum(known.net_kw) * 1e3)
        inputs = self._inputs(known, start)
        request = optimizer_pb2.SolveRequest(problem=self._writer.problem(inputs))
        began = time.process_time()
        answer = self._jobs.answer("Solve", time.monotonic() + 60, request.SerializeToString())
        self.solve_s += time.process_time() - began
        if answer.failed:
            raise RuntimeError(answer.content)
        plan = optimizer_pb2.SolveResponse.FromString(answer.content).plan
        told = {each.device.site: each.values[0] for each in schedules_from_plan(plan, inputs)}
        return [(told[site] or 0.0) / 1e3 for site in site_ids()]

    def _inputs(self, known: Metered, start: datetime) -> PlanInputs:
        target = TimeRange.of(start, AHEAD * HOUR)
        scope = scope_of(self._model, GROUP, start)
        assert scope is not None
        facts = ScopeFacts(
            states=self._states(known),
            prices={site: self._price(site, target) for site in site_ids()},
            forecasts=self._forecasts(known, target),
            carbon={site: self._intensity(known, target) for site in site_ids()},
            peak_so_far_w=Known(value=self._peak.so_far_w(start)),
            powers_before_w={
                site: kw * 1e3 for site, kw in zip(site_ids(), known.net_kw, strict=True)
            },
        )
        return PlanInputs(
            scope=scope,
            issue_time=start,
            target=target,
            resolution=HOUR,
            sites=site_inputs(scope, facts),
            peak_so_far_w=self._peak.so_far_w(start),
        )

    def _states(self, known: Metered) -> dict[AssetId, Known[float | None]]:
        states: dict[AssetId, Known[float | None]] = {
            asset: Known(value=None) for asset in self._model.assets
        }
        for site, stored in zip(site_ids(), known.stored_ratio, strict=True):
            states[asset_of(site, "battery")] = Known(value=stored)
        return states

    def _price(self, site: SiteId, target: TimeRange) -> Fact[PricedTariff | None]:
        known = self._model.sites[site]
        assert known.tariff is not None
        tariff = self._model.tariffs[known.tariff]
        zone = ZoneInfo(known.time_zone)
        return priced(tariff, target, HOUR, zone, target.start)

    def _forecasts(
        self, known: Metered, target: TimeRange
    ) -> Mapping[AssetId, Known[AssetForecast]]:
        names = [asset_of(site, name) for name in KINDS for site in site_ids()]
        return {
            asset: Known(
                value=AssetForecast(
                    power_w=Series(target.start, HOUR, expected(quantiles)), source="seasonal"
                )
            )
            for asset, quantiles in zip(names, self._power_w[known.hour], strict=True)
        }

    def _intensity(self, known: Metered, target: TimeRange) -> Known[Series]:
        return Known(value=Series(target.start, HOUR, self._carbon[known.hour]))


def expected(quantiles_w: Floats) -> Floats:
    """Return what a plan takes of quantiles (hours, 3) [W]: the median, as the planner does."""
    return np.asarray(quantiles_w[:, 1])


class _MonthlyPeak:
    """The highest import that the homes shared in the running month [W]."""

    def __init__(self) -> None:
        self._month: datetime | None = None
        self._peak_w = 0.0

    def note(self, start: datetime, net_w: float) -> None:
        month = month_start(start, ZoneInfo("America/Los_Angeles"))
        if month != self._month:
            self._month, self._peak_w = month, 0.0
        self._peak_w = max(self._peak_w, net_w)

    def so_far_w(self, start: datetime) -> float:
        month = month_start(start, ZoneInfo("America/Los_Angeles"))
        return self._peak_w if month == self._month else 0.0
