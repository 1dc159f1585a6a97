"""The product decides: usage's expectations, the planner's problem, the optimizer's plan, control's
limits. It knows who has arrived, what was declared, and sessions that have ended; nothing else."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.bench.ev.place import CHARGERS, LIMIT_W, RATING, STEP, ZONE
from tests.bench.ev.sessions import Visit
from tests.bench.ev.simulate import Charging
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_control.domain.envelope import envelopes_of
from wattmesh_control.domain.limits import Accepted, Clamped, LimitSet
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Asset, GridConnectionRating, Phase, Site
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.plan import plan_to_proto
from wattmesh_optimizer.api.problem import problem_from_proto
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.app.warm import WarmStarts
from wattmesh_planner.adapters.optimizer import schedules_from_plan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
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
from wattmesh_planner.domain.plan import DeviceSchedule
from wattmesh_planner.domain.prices import priced
from wattmesh_usage.domain.departures import DepartureQuantile as UsageQuantile
from wattmesh_usage.domain.departures import NewStay, PastStay
from wattmesh_usage.domain.expectation import expectation

SITE = SiteId("workplace")
HORIZON = timedelta(hours=10)


@dataclass(kw_only=True)
class Product:
    """Plans anew at every step, with what is known then."""

    tariff: Tariff
    past: list[PastStay]
    asks: bool = True
    """Whether drivers say what they need, and until when (wrongly)."""
    believes: bool = False
    """Whether what they say is believed instead of learned about: for comparison."""
    times_ms: list[float] = field(init=False, default_factory=list)
    cut_off: int = field(init=False, default=0)
    """Plans that there was no time for."""

    def __post_init__(self) -> None:
        self._assets = [_charger(number) for number in range(CHARGERS)]
        grid = SiteAsset(
            asset=Asset(
                id=AssetId(SITE, "grid"), rating=GridConnectionRating(max_import_power_w=LIMIT_W)
            ),
            points={},
        )
        site = Site(id=SITE, time_zone=ZONE.key, currency_code="USD", tariff=self.tariff.id)
        self._site = ScopeSite(site=site, grid_connection=grid.id, assets=(grid, *self._assets))
        self._scope = Scope(id=SITE, state=ScopeState.PLANNED, sites=(self._site,))
        self._writer = ProblemWriter(carbon_price_per_kg=0.0)
        self._solve = SolvePlan(OrToolsSolver(), warm_starts=WarmStarts())
        self._options = SolveOptions(time_limit=timedelta(seconds=5), gap_ratio=0.01)
        self._told: dict[AssetId, DeviceSchedule] = {}
        self._expected: dict[str, ChargingExpectation] = {}

    def decide(
        self, now: datetime, start: datetime, there: Sequence[Charging]
    ) -> Mapping[str, float]:
        """Return the power of each [W]."""
        began = time.process_time()
        inputs = self._inputs(now, start, {each.visit.charger: each for each in there})
        problem = problem_from_proto(self._writer.problem(inputs))
        plan = plan_to_proto(self._solve(problem, self._options))
        for each in schedules_from_plan(plan, inputs):
            if each.asset is not None:
                self._told[each.asset] = each
        self.times_ms.append((time.process_time() - began) * 1e3)
        self.cut_off += plan.solver.status == plan_pb2.SOLVE_STATUS_FALLBACK
        return {each.visit.id: self._order(each.visit.charger, start) for each in there}

    def _order(self, charger: int, start: datetime) -> float:
        """Return what a charge point holds by the newest schedule that it has [W]."""
        asset = self._assets[charger]
        schedule = self._told.get(asset.id)
        if schedule is None:
            return 0.0
        index = (start - schedule.start) // schedule.resolution
        return _allowed(asset, schedule.values[index] or 0.0)

    def left(self, charging: Charging) -> None:
        """Learn from a session that has ended."""
        visit = charging.visit
        self.past.append(past_stay(visit, self.asks))
        self._expected.pop(visit.id, None)

    def _inputs(self, now: datetime, start: datetime, there: Mapping[int, Charging]) -> PlanInputs:
        target = TimeRange.of(start, HORIZON)
        assets = [AssetInputs(asset=self._site.assets[0])]
        for number, asset in enumerate(self._assets):
            session = self._session(there[number], start) if number in there else None
            beginning = Beginning(
                now=now,
                start=start,
                limits=AgeLimits(),
                readings={},
                session=Known(value=session),
            )
            state = value_of(KINDS[type(asset.rating)].begin(asset, beginning))
            assets.append(AssetInputs(asset=asset, state=state))
        price = value_of(priced(self.tariff, target, STEP, ZONE, now))
        return PlanInputs(
            scope=self._scope,
            issue_time=now,
            target=target,
            resolution=STEP,
            sites=(SiteInputs(site=self._site, assets=tuple(assets), price=price),),
        )

    def _session(self, charging: Charging, start: datetime) -> ChargingSession:
        visit = charging.visit
        need = None
        if self.asks:
            need = ChargingNeed(departure_time=visit.declared_time, energy_wh=visit.energy_wh)
        return ChargingSession(
            id=visit.id,
            arrival_time=visit.arrival,
            measure_time=start,
            charged_energy_wh=charging.charged_wh,
            takes=charging.left_wh > 0,
            need=need,
            expectation=self._expectation(visit, charging.charged_wh),
        )

    def _expectation(self, visit: Visit, charged_wh: float) -> ChargingExpectation:
        """Return what is expected of a visit, made up when it begins, and when it outgrows that."""
        known = self._expected.get(visit.id)
        outgrown = known is not None and charged_wh >= 0.9 * known.required_energy_wh
        if known is None or (outgrown and not self.asks):
            declared = visit.declared_time if self.asks else None
            stay = NewStay(vehicle=visit.user, arrival_time=visit.arrival, declared_time=declared)
            found = expectation(stay, self.past, ZONE, charged_wh)
            if self.believes:
                declared = visit.declared_time
                before = UsageQuantile(ratio=0.0, departure_time=declared - timedelta(minutes=1))
                after = UsageQuantile(ratio=1.0, departure_time=declared)
                found = replace(found, departures=(before, after))
            known = self._expected[visit.id] = ChargingExpectation(
                departures=tuple(
                    DepartureQuantile(ratio=each.ratio, departure_time=each.departure_time)
                    for each in found.departures
                ),
                required_energy_wh=found.required_energy_wh,
                reason=found.reason,
            )
        return known


def past_stay(visit: Visit, asks: bool) -> PastStay:
    """Return a visit as it is remembered."""
    return PastStay(
        vehicle=visit.user,
        arrival_time=visit.arrival,
        departure_time=visit.departure,
        declared_time=visit.declared_time if asks else None,
        energy_wh=visit.energy_wh,
    )


def _charger(number: int) -> SiteAsset:
    name = f"charger-{number}"
    return SiteAsset(
        asset=Asset(id=AssetId(SITE, name), rating=RATING, phase=Phase.L1),
        controller=DeviceId(SITE, name),
        points={},
    )


def _allowed(asset: SiteAsset, power_w: float) -> float:
    """Return what control makes of a setpoint [W]."""
    envelope = envelopes_of(asset.asset)[SetpointKind.ACTIVE_POWER_W]
    answer = LimitSet(SetpointKind.ACTIVE_POWER_W, envelope).clamp(power_w)
    assert isinstance(answer, Accepted | Clamped)
    return answer.value
