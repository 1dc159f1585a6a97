"""The product runs the office: outlooks, forecast, planner, optimizer, control's envelope."""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from tests.bench.hvac.office.building import (
    AWAY,
    COMFORT,
    GRID,
    QUARTER,
    REST,
    SITE,
    ZONE_TIME,
    ZONES,
    Season,
    site_model,
    wishes,
)
from tests.bench.hvac.office.environment import Metered, Told
from tests.bench.hvac.office.meters import TEMPERATURE, OfficeMeters, point_of
from tests.fakes.manual_clock import ManualClock
from wattmesh.optimizer.v1 import optimizer_pb2
from wattmesh_control.domain.envelope import envelopes_of
from wattmesh_control.domain.limits import Accepted, Clamped, LimitSet
from wattmesh_forecast.adapters.holidays import Holidays
from wattmesh_forecast.api.convert_thermal import outlook_to_proto
from wattmesh_forecast.app.thermal_history import ThermalHistory
from wattmesh_forecast.app.thermal_outlooks import IssueThermalOutlooks
from wattmesh_forecast.domain.hours import HOUR, AssetHours, LocalClock
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_forecast.domain.questions import Question, question, seasonal_replies
from wattmesh_forecast.domain.subjects import Subject, subject_of
from wattmesh_forecast.domain.thermal.subjects import ThermalSubject, thermal_subject
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import HvacZoneRating, PlanningGoals
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.jobs import OptimizerJobs
from wattmesh_optimizer.app.explain import ExplainPlan
from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.app.warm import WarmStarts
from wattmesh_planner.adapters.optimizer import schedules_from_plan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.adapters.outlooks import answer_from_proto
from wattmesh_planner.domain.assembly import ScopeFacts, site_inputs
from wattmesh_planner.domain.facts import Fact, Known, Missing, Why
from wattmesh_planner.domain.inputs import AssetForecast, PlanInputs
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.kinds.kind import AgeLimits, Beginning, Reading
from wattmesh_planner.domain.prices import priced
from wattmesh_planner.domain.scopes import scope_of
from wattmesh_planner.domain.thermal import with_after

HORIZON = timedelta(hours=24)
_MOST_DAYS = timedelta(days=31)


class Product:
    """Plans anew every quarter of an hour with what is known then; nobody tells it a parameter."""

    def __init__(self, season: Season, goals: PlanningGoals) -> None:
        self._season = season
        self._model = site_model(season, goals)
        self._meters = OfficeMeters(season)
        self._clock = ManualClock(season.start)
        history = ThermalHistory(self._meters, self._meters)
        self._issue = IssueThermalOutlooks(_Places(self), history, self._clock, Holidays())
        self._wishes = Known(value=wishes(season))
        self._writer = ProblemWriter(carbon_price_per_kg=0.0)
        solve, simulate = SolvePlan(OrToolsSolver(), warm_starts=WarmStarts()), SimulatePlan()
        self._jobs = OptimizerJobs(solve, ExplainPlan(solve, simulate), simulate, SolveOptions())
        self._rest = _Rest(season, self._model)
        self.plans, self.cpu_s = 0, 0.0
        self.said: dict[str, str] = {}

    def thermal(self, asset: AssetId, at: datetime) -> ThermalSubject | NotForecast:
        """Return what the site model says of a zone."""
        return thermal_subject(asset, self._model, at)

    def __call__(self, metered: Metered) -> Told:
        """Take in a quarter of an hour and say what the thermostats are told for the next."""
        self._meters.add(metered)
        now = metered.start + QUARTER
        self._clock.set(now)
        if now < self._season.judged_from:
            return [None] * len(ZONES)
        began = time.process_time()
        told = asyncio.run(self._decide(now, metered.facility_w))
        self.plans += 1
        self.cpu_s += time.process_time() - began
        return [self._both(now, each) for each in told]

    async def _decide(self, now: datetime, facility_w: float) -> list[float]:
        target = TimeRange.of(now, HORIZON)
        scope = scope_of(self._model, SITE, now)
        assert scope is not None
        outlooks = await self._outlooks(with_after(target))
        tariff = next(iter(self._model.tariffs.values()))
        states: dict[AssetId, Fact[Any]] = {GRID: Known(value=None), REST: Known(value=None)}
        (site,) = scope.sites
        for asset in site.assets:
            if asset.id in outlooks:
                beginning = self._beginning(asset.id, now, outlooks[asset.id])
                states[asset.id] = KINDS[HvacZoneRating].begin(asset, beginning)
        facts = ScopeFacts(
            states=states,
            prices={SITE: priced(tariff, target, QUARTER, ZONE_TIME, now)},
            forecasts={REST: Known(value=self._rest.ahead(self._meters.hourly_w(REST), target))},
            powers_before_w={SITE: facility_w},
        )
        inputs = PlanInputs(
            scope=scope,
            issue_time=now,
            target=target,
            resolution=QUARTER,
            sites=site_inputs(scope, facts),
        )
        return self._solved(inputs)

    def _solved(self, inputs: PlanInputs) -> list[float]:
        request = optimizer_pb2.SolveRequest(problem=self._writer.problem(inputs))
        answer = self._jobs.answer("Solve", time.monotonic() + 60, request.SerializeToString())
        if answer.failed:
            raise RuntimeError(answer.content)
        plan = optimizer_pb2.SolveResponse.FromString(answer.content).plan
        told = {each.device.segment: each.values[0] for each in schedules_from_plan(plan, inputs)}
        return [self._allowed(zone, told[zone.segment] or 0.0) for zone in ZONES]

    async def _outlooks(self, target: TimeRange) -> dict[AssetId, Fact[Any]]:
        wanted = Wanted(assets=ZONES, span=target, resolution=QUARTER, ratios=())
        found: dict[AssetId, Fact[Any]] = {}
        for said in await self._issue(wanted):
            answer = answer_from_proto(outlook_to_proto(said))
            known = not isinstance(answer, Why)
            found[said.asset] = Known(value=answer) if known else Missing(why=answer)  # type: ignore[arg-type]
            self.said[said.asset.segment] = getattr(answer, "reason", str(answer))
        return found

    def _beginning(self, zone: AssetId, now: datetime, outlook: Fact[Any]) -> Beginning:
        shown = self._meters.newest(point_of(zone, TEMPERATURE))
        return Beginning(
            now=now,
            start=now,
            limits=AgeLimits(),
            readings={TEMPERATURE: Reading(measure_time=now, value=shown)},
            outlook=outlook,
            wishes=self._wishes,
            zone=ZONE_TIME,
            intervals=_starts(TimeRange.of(now, HORIZON)),
            later=_starts(TimeRange(now + HORIZON, with_after(TimeRange.of(now, HORIZON)).end)),
        )

    def _allowed(self, zone: AssetId, celsius: float) -> float:
        """Return what control lets a set point be."""
        kind = SetpointKind.TEMPERATURE_CELSIUS
        limits = LimitSet(kind, envelopes_of(self._model.assets[zone])[kind])
        match limits.clamp(celsius):
            case Accepted(value=value) | Clamped(value=value):
                return float(value)
            case refused:
                raise AssertionError(f"refused: {refused}")

    def _both(self, now: datetime, celsius: float) -> tuple[float, float]:
        """Return both set points: the other one of the thermostat stays at the band's edge."""
        band = COMFORT if self._season.occupied(now) else AWAY
        if self._season.cooled:
            return min(band.min_temperature_celsius, celsius - 1.0), celsius
        return celsius, max(band.max_temperature_celsius, celsius + 1.0)


def _starts(span: TimeRange) -> list[datetime]:
    return [span.start + index * QUARTER for index in range(span.count(QUARTER))]


class _Places:
    def __init__(self, product: Product) -> None:
        self._product = product

    def thermal(self, asset: AssetId, at: datetime) -> ThermalSubject | NotForecast:
        return self._product.thermal(asset, at)


class _Rest:
    """What else the building uses, by the forecast service's own arithmetic."""

    def __init__(self, season: Season, model: Any) -> None:
        subject = subject_of(REST, model)
        assert isinstance(subject, Subject)
        self._subject, self._start = subject, season.start
        span = TimeRange.of(season.start, _MOST_DAYS)
        self._hours = AssetHours(
            start=season.start,
            power_w=np.full(_MOST_DAYS // HOUR, np.nan),
            clock=LocalClock.of(span, subject.zone, Holidays().days(subject.zone, span)),
            sun=None,
        )

    def ahead(self, past_w: np.ndarray, target: TimeRange) -> AssetForecast:
        """Return what is expected of it, by the quarter of an hour [W]."""
        last, first_hour = len(past_w), floor_time(target.start, HOUR)
        hours = HORIZON // HOUR + 1
        end = last + hours
        whole = self._hours.between(0, end)
        known = np.concatenate([past_w, np.full(hours, np.nan)])
        mine = AssetHours(start=whole.start, power_w=known, clock=whole.clock, sun=None)
        span = TimeRange.of(first_hour, hours * HOUR)
        wanted = Wanted(assets=(REST,), span=span, resolution=HOUR, ratios=(0.5,))
        answer = question(self._subject, mine, wanted)
        if isinstance(answer, Question):
            (answer,) = seasonal_replies(self._subject.kind, [answer], wanted)
        assert not isinstance(answer, NotForecast)
        middle = np.repeat(answer.power_w[:, 0], 4)
        skipped = round((target.start - first_hour) / QUARTER)
        series = Series(target.start, QUARTER, middle[skipped : skipped + HORIZON // QUARTER])
        return AssetForecast(power_w=series, source=answer.source)
