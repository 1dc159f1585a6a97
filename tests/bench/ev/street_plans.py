"""The product plans a place of the street: usage's expectations, the planner's problem and its
rhythm, the optimizer's plan, the charge point's own limits."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.bench.ev.street_world import HOUR, STEP, Place, Point, Taken
from wattmesh_kernel.ids import AssetId, ChargingSessionId, DeviceId, SiteId
from wattmesh_kernel.sites import Asset, EvChargerRating, GridConnectionRating, Phase, Site
from wattmesh_kernel.tariff import Tariff, lower_tariff
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.plan import plan_to_proto
from wattmesh_optimizer.api.problem import problem_from_proto
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_planner.adapters.optimizer import schedules_from_plan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.app.told_setpoints import ToldDevice
from wattmesh_planner.domain.charging import (
    ChargingExpectation,
    ChargingNeed,
    ChargingSession,
    DepartureQuantile,
)
from wattmesh_planner.domain.facts import Known, value_of
from wattmesh_planner.domain.inputs import AssetInputs, PlanInputs, SiteInputs
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.kinds.kind import AgeLimits, Beginning
from wattmesh_planner.domain.model import Scope, ScopeSite, ScopeState, SiteAsset
from wattmesh_planner.domain.prices import priced
from wattmesh_twin.domain.charger import Visit, charged_at_once
from wattmesh_twin.domain.vehicle import LEAST_CURRENT_A, VOLTAGE_V
from wattmesh_usage.domain.departures import NewStay, PastStay
from wattmesh_usage.domain.expectation import expectation
from wattmesh_usage.domain.sessions import ChargingSession as UsageSession
from wattmesh_usage.domain.sessions import SessionState, sated_energy_wh

LEAD = timedelta(minutes=45)
HORIZON = timedelta(hours=24)
_QUARTER = timedelta(minutes=15)
_RATING = EvChargerRating(max_current_a=16.0, min_current_a=6.0, charge_efficiency_ratio=0.9)
_WATTS_PER_AMPERE = 3 * VOLTAGE_V


class StreetPlanner:
    """Plans every hour ahead, and anew when a vehicle comes."""

    def __init__(self, place: Place, tariff: Tariff, zone: ZoneInfo) -> None:
        self._place, self._tariff, self._zone = place, tariff, zone
        site = SiteId(place.name)
        grid = SiteAsset(
            asset=Asset(id=AssetId(site, "grid"), rating=GridConnectionRating()), points={}
        )
        node = place.nodes[0].id if place.nodes else ""
        self._assets = {
            name: SiteAsset(
                asset=Asset(
                    id=AssetId(site, name), rating=_RATING, phase=Phase.THREE, node_id=node
                ),
                controller=DeviceId(site, name),
                points={},
            )
            for name in place.points
        }
        self._grid = grid
        self._site = ScopeSite(
            site=Site(
                id=site,
                time_zone=zone.key,
                currency_code="USD",
                tariff=tariff.id,
                nodes=place.nodes,
            ),
            grid_connection=grid.id,
            assets=(grid, *self._assets.values()),
        )
        self._scope = Scope(id=site, state=ScopeState.PLANNED, sites=(self._site,))
        self._writer = ProblemWriter(carbon_price_per_kg=0.0)
        self._solve = SolvePlan(OrToolsSolver())
        self._told = {name: ToldDevice() for name in place.points}
        self._points = {
            name: Point(visits, place.span.start, 0.0) for name, visits in place.points.items()
        }
        self._past = [_past_stay(each) for each in place.past]
        self._taken = {
            (name, visit): Taken(point=name, visit=visit)
            for name, visits in place.points.items()
            for visit in visits
        }
        self._reports: dict[str, ChargingSession] = {}
        self._states: dict[str, SessionState] = {}
        self._sated: dict[str, UsageSession] = {}
        self._expected: dict[Visit, ChargingExpectation] = {}
        self.plans = self.overloads = 0
        prices = lower_tariff(tariff, place.span, HOUR, zone).import_price_per_kwh
        self._prices = dict(zip(place.span.starts(HOUR), prices.tolist(), strict=True))

    def cost(self, taken: Taken) -> float:
        """Return what a visit has cost."""
        prices = self._prices
        return float(sum(wh / 1000 * prices[hour] for hour, wh in taken.hours_wh.items()))

    def play(self) -> list[Taken]:
        """Play the span by the minute."""
        moment = self._place.span.start
        while moment < self._place.span.end:
            came = self._look(moment)
            following = floor_time(moment, HOUR) + HOUR
            if following - moment == LEAD:
                self._plan(following, moment)
            if came:
                self._plan(following - HOUR, moment)
                if following - moment < LEAD:
                    self._plan(following, moment)
            self._obey(moment)
            moment += STEP
        return list(self._taken.values())

    def _look(self, moment: datetime) -> bool:
        """Hear of what charge points report; return whether somebody has come."""
        came = False
        for name, point in self._points.items():
            point.advance(moment)
            visit, known = point.state.visit, self._reports.get(name)
            if known is not None and (visit is None or known.id != _id(visit)):
                del self._reports[name]
                gone = next(v for v in self._place.points[name] if _id(v) == known.id)
                self._past.append(_past_stay(gone, self._taken[name, gone].charged_wh))
            if visit is None:
                continue
            fresh = known is None or known.id != _id(visit)
            came |= fresh
            state = _state(point)
            changed = known is not None and state is not self._states[name]
            if fresh or changed or moment == floor_time(moment, _QUARTER):
                soc = point.state.soc_ratio
                if not fresh and moment != floor_time(moment, _QUARTER):
                    soc = self._reports[name].soc_ratio or soc
                self._states[name] = state
                if fresh:
                    self._sated.pop(name, None)
                self._reports[name] = self._session(name, visit, moment, None if fresh else soc)
        return came

    def _session(
        self, name: str, visit: Visit, moment: datetime, soc: float | None
    ) -> ChargingSession:
        point = self._points[name]
        charged_wh = point.state.import_wh - point.state.arrival_import_wh
        reported = UsageSession(
            id=ChargingSessionId(self._assets[name].id, "session"),
            state=self._states[name],
            arrival_time=visit.arrival,
            measure_time=moment,
            charged_energy_wh=charged_wh,
        )
        sated_wh = sated_energy_wh(reported, self._sated.get(name))
        self._sated[name] = replace(reported, sated_energy_wh=sated_wh)
        need = None
        if visit.declared_departure is not None and visit.declared_departure > moment:
            need = ChargingNeed(departure_time=visit.declared_departure, energy_wh=visit.wanted_wh)
        return ChargingSession(
            id=_id(visit),
            arrival_time=visit.arrival,
            measure_time=moment,
            charged_energy_wh=charged_wh,
            soc_ratio=soc,
            capacity_wh=None if soc is None else visit.vehicle.capacity_wh,
            takes=sated_wh is None,
            need=need,
            expectation=self._expectation(visit, charged_wh),
        )

    def _expectation(self, visit: Visit, charged_wh: float) -> ChargingExpectation:
        known = self._expected.get(visit)
        if known is None or charged_wh >= 0.9 * known.required_energy_wh:
            stay = NewStay(
                vehicle=visit.token,
                arrival_time=visit.arrival,
                declared_time=visit.declared_departure,
            )
            found = expectation(stay, self._past, self._zone, charged_wh)
            known = self._expected[visit] = ChargingExpectation(
                departures=tuple(
                    DepartureQuantile(ratio=each.ratio, departure_time=each.departure_time)
                    for each in found.departures
                ),
                required_energy_wh=found.required_energy_wh,
                reason=found.reason,
            )
        return known

    def _plan(self, start: datetime, now: datetime) -> None:
        self.plans += 1
        target = TimeRange.of(start, HORIZON)
        assets = [AssetInputs(asset=self._grid)]
        for name, asset in self._assets.items():
            session = self._reports.get(name)
            since = start if session is None else session.measure_time
            beginning = Beginning(
                now=now,
                start=start,
                limits=AgeLimits(),
                readings={},
                told=self._told[name].between(since, start),
                session=Known(value=session),
            )
            fact = KINDS[type(asset.rating)].begin(asset, beginning)
            assets.append(AssetInputs(asset=asset, state=value_of(fact)))
        price = value_of(priced(self._tariff, target, HOUR, self._zone, now))
        inputs = PlanInputs(
            scope=self._scope,
            issue_time=now,
            target=target,
            resolution=HOUR,
            sites=(SiteInputs(site=self._site, assets=tuple(assets), price=price),),
        )
        problem = problem_from_proto(self._writer.problem(inputs))
        plan = plan_to_proto(self._solve(problem, SolveOptions()))
        for each in schedules_from_plan(plan, inputs):
            if each.asset is not None:
                self._told[each.asset.segment].take(each)

    def _obey(self, moment: datetime) -> None:
        total_w = 0.0
        for name, point in self._points.items():
            held = self._told[name].between(moment, moment + STEP)
            power_w = held[0].power_w if held else 0.0
            point.offered_a = math.floor(power_w / _WATTS_PER_AMPERE * 10 + 1e-6) / 10
            total_w += point.power_w
            visit = point.state.visit
            drawn = point.advance(moment + STEP)
            if visit is None:
                continue
            taken = self._taken[name, visit]
            taken.add(moment, drawn)
            if not taken.told_a or taken.told_a[-1][1] != point.offered_a:
                taken.told_a.append((moment, point.offered_a))
        limit = self._place.limit_w
        self.overloads += limit is not None and total_w > limit + 1

    def _local(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).strftime("%a %H:%M")

    def told(self, taken: Taken) -> dict[str, Any]:
        """Return what there is to say of a visit."""
        visit = taken.visit
        expected = self._expected.get(visit)
        return {
            "point": f"{self._place.name}/{taken.point}",
            "arrival": self._local(visit.arrival),
            "departure": self._local(visit.departure),
            "declared": visit.declared_departure and self._local(visit.declared_departure),
            "wanted_wh": round(visit.wanted_wh),
            "limit_soc": visit.vehicle.limit_soc_ratio,
            "capacity_kwh": visit.vehicle.capacity_wh / 1000,
            "missed_wh": round(taken.missed_wh),
            "expected_wh": expected and round(expected.required_energy_wh),
            "reason": expected and expected.reason,
            "quantiles": expected
            and {
                f"{each.ratio:g}": self._local(each.departure_time)
                for each in expected.departures
                if each.ratio in (0.01, 0.05, 0.1, 0.5, 0.9)
            },
            "told_a": [f"{self._local(when)} {amps:g}" for when, amps in taken.told_a],
        }


def _state(point: Point) -> SessionState:
    """Return what a charge point says of a vehicle."""
    if point.power_w > 0:
        return SessionState.CHARGING
    held_back = point.offered_a < LEAST_CURRENT_A
    return SessionState.SUSPENDED_BY_CHARGER if held_back else SessionState.SUSPENDED_BY_VEHICLE


def _id(visit: Visit) -> str:
    return f"{visit.arrival:%Y%m%dt%H%M%Sz}"


def _past_stay(visit: Visit, energy_wh: float | None = None) -> PastStay:
    """Return a visit as it is remembered."""
    if energy_wh is None:
        _, energies_wh = charged_at_once(visit, visit.vehicle.max_current_a, HOUR)
        energy_wh = sum(energies_wh)
    return PastStay(
        vehicle=visit.token,
        arrival_time=visit.arrival,
        departure_time=visit.departure,
        declared_time=None,
        energy_wh=energy_wh,
    )
