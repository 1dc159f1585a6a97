"""A home's day with an event in the evening: planned each hour, followed by the gateway's loop."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tests.bench.citylearn.homes import HOUR, ZONE, asset_of, start_of
from tests.bench.promises.home import AHEAD, SITE, Home
from tests.fakes.loop_site import START as LOOP_START
from tests.fakes.loop_site import battery, plant, policy, slots
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.baseline import Baseline, BaselineMethod, look_back, work_out
from wattmesh_kernel.ids import AssetId, PointId
from wattmesh_kernel.loop_policy import LoopWorth
from wattmesh_kernel.programme_ids import EventId, ParticipationId, ProgrammeId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.plan import plan_to_proto
from wattmesh_optimizer.api.problem import problem_from_proto
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_planner.adapters.event_promises import promises_from_plans
from wattmesh_planner.adapters.optimizer import exchanges_from_plan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.app.facts.usual_evenings import DAYS
from wattmesh_planner.domain.assembly import ScopeFacts, site_inputs
from wattmesh_planner.domain.events import CONFIDENCE_RATIO, GridEvent, ReductionTerms
from wattmesh_planner.domain.facts import Fact, Known
from wattmesh_planner.domain.inputs import AssetForecast, PlanInputs
from wattmesh_planner.domain.prices import priced
from wattmesh_planner.domain.scopes import scope_of

BEGINS, LASTS, AHEAD_OF = 18, 2, 4
ASKED_W, PRICE, PENALTY = 1_500.0, 0.5, 0.5
"""As the demo's events: what is asked, paid for a kWh, and taken for one that is missing."""
_BASELINE = Baseline(method=BaselineMethod.HIGH_OF_RECENT_DAYS)
_DAYS_BEFORE = [timedelta(days=each) for each in range(1, DAYS + 1)]
_STEP = timedelta(minutes=1)
_SOC_BEFORE = 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class Evening:
    """What was promised of an event [W] per hour, by a plan and inputs, and what was delivered."""

    home: int
    day: int
    inputs: PlanInputs
    plan: plan_pb2.Plan
    without: plan_pb2.Plan
    delivered_w: tuple[float, ...]

    @property
    def promised_w(self) -> NDArray[np.float64]:
        """What the plan of the event's first hour promises [W], hour by hour."""
        found = list(promises_from_plans(self.plan, self.without, self.inputs))
        return np.array(found[0].committed_w) if found else np.zeros(LASTS)


class Played:
    """Plays a home from the announcement of an event to its end."""

    def __init__(self) -> None:
        self._writer = ProblemWriter(carbon_price_per_kg=0.0)
        self._solve = SolvePlan(OrToolsSolver())
        self.plans = 0

    def __call__(
        self, home: Home, day: int, first: int, forecasts: Sequence[dict[str, AssetForecast]]
    ) -> Evening | None:
        """Return the evening of a day; None where it was not metered, or has no baseline.

        `first` is the hour of the first of `forecasts`, one an hour, to the last one of the event.
        """
        begins = first + AHEAD_OF
        span = TimeRange.of(start_of(0) + begins * HOUR, LASTS * HOUR)
        rest_w = home.rest_w[first : begins + LASTS]
        baseline_w = _baseline_w(home, span)
        if baseline_w is None or not np.isfinite(rest_w).all():
            return None
        event = _event(home, span, baseline_w)
        soc, delivered_w, kept = _SOC_BEFORE, list[float](), None
        for number, forecast in enumerate(forecasts):
            hour = first + number
            inputs = _inputs(home, hour, soc, forecast, _known(event, hour - begins, delivered_w))
            plan = self._solved(inputs)
            if hour == begins:
                kept = inputs, plan, self._solved(replace(inputs, events=()))
            net_w, soc = _followed(inputs, plan, soc, float(rest_w[number]))
            if hour >= begins:
                delivered_w.append(float(baseline_w.values[hour - begins]) - net_w)
        assert kept is not None
        return Evening(
            home=home.number,
            day=day,
            inputs=kept[0],
            plan=kept[1],
            without=kept[2],
            delivered_w=tuple(delivered_w),
        )

    def _solved(self, inputs: PlanInputs) -> plan_pb2.Plan:
        self.plans += 1
        problem = problem_from_proto(self._writer.problem(inputs))
        return plan_to_proto(self._solve(problem, SolveOptions(time_limit=timedelta(seconds=20))))


def _baseline_w(home: Home, span: TimeRange) -> Series | None:
    before = look_back(_BASELINE, span)
    metered_w = Series(start_of(0), HOUR, home.rest_w).window(
        TimeRange(max(before.start, start_of(0)), before.end)
    )
    found = work_out(_BASELINE, metered_w, span, ZoneInfo(ZONE)).power_w
    return found if np.isfinite(found.values).all() else None


def _usual_most_w(home: Home, span: TimeRange) -> Series:
    whole = Series(start_of(0), HOUR, home.rest_w)
    before = (TimeRange(span.start - each, span.end - each) for each in _DAYS_BEFORE)
    days = np.array([whole.window(each).values for each in before if each.start >= whole.start])
    known = days[np.isfinite(days).all(axis=1)]
    return Series(span.start, HOUR, np.quantile(known, CONFIDENCE_RATIO, axis=0))


def _event(home: Home, span: TimeRange, baseline_w: Series) -> GridEvent:
    return GridEvent(
        id=ParticipationId(EventId(ProgrammeId("evening"), "e"), SITE.segment),
        subject=SITE.name,
        span=span,
        step=HOUR,
        priority=0,
        terms=ReductionTerms(price_per_kwh=PRICE, powers_w=(ASKED_W,) * LASTS),
        baseline_w=baseline_w,
        usual_most_w=_usual_most_w(home, span),
    )


def _known(event: GridEvent, passed: int, delivered_w: Sequence[float]) -> GridEvent:
    """Return the event as it is so many hours after its start: what is missing costs by then."""
    if passed < 0:
        return event
    assert isinstance(event.terms, ReductionTerms)
    terms = replace(event.terms, price_per_kwh=PRICE + (PENALTY if passed else 0.0))
    counted = sum(min(each, ASKED_W) for each in delivered_w)
    return replace(event, terms=terms, delivered_wh=counted)


def _inputs(
    home: Home, hour: int, soc: float, forecast: dict[str, AssetForecast], event: GridEvent
) -> PlanInputs:
    start = start_of(0) + hour * HOUR
    target = TimeRange.of(start, AHEAD * HOUR)
    scope = scope_of(home.model, SITE, start)
    assert scope is not None
    nothing: Fact[float | None] = Known(value=None)
    states: dict[AssetId, Fact[float | None]] = dict.fromkeys(home.model.assets, nothing)
    states[asset_of(SITE, "battery")] = Known(value=soc)
    facts = ScopeFacts(
        states=states,
        prices={SITE: priced(home.tariff, target, HOUR, ZoneInfo(ZONE), start)},
        forecasts={asset_of(SITE, name): Known(value=each) for name, each in forecast.items()},
        carbon={},
        peak_so_far_w=Known(value=0.0),
        powers_before_w={},
    )
    return PlanInputs(
        scope=scope,
        issue_time=start - timedelta(minutes=5),
        target=target,
        resolution=HOUR,
        sites=site_inputs(scope, facts),
        events=(event,),
    )


def _followed(
    inputs: PlanInputs, plan: plan_pb2.Plan, soc: float, rest_w: float
) -> tuple[float, float]:
    """Return what a meter shows in the first hour of a plan [W], and the state of charge after.

    The loop knows what the plan said energy is worth, and hears the meter.
    """
    (exchange,) = exchanges_from_plan(plan, inputs)
    (found,) = (each for each in plan.sites[0].assets if each.soc_ratios)
    rating = next(
        each.asset.rating for each in inputs.sites[0].assets if each.asset.name == found.asset_name
    )
    assert isinstance(rating, BatteryRating)
    made = policy(battery(power_w=rating.max_charge_power_w, min_soc_ratio=0.0, max_soc_ratio=1.0))
    worth = LoopWorth(
        span=TimeRange.of(LOOP_START, HOUR), worth=exchange.worths[0], owner="planner"
    )
    (slot,) = slots(made)
    site = plant(replace(made, worths=(worth,)), lambda _: rest_w)
    site.moved.add(slot)
    site.state.hear(
        Reading(point=PointId(slot[0], "soc_ratio"), measure_time=LOOP_START, value=soc), site.now
    )
    site.asked[slot] = found.powers_w[0]
    steps, shown = HOUR // _STEP, list[float]()
    for _ in range(steps):
        site.run(_STEP.total_seconds(), step=_STEP)
        power_w, soc = _within(rating, soc, site.power_w(slot, site.now), HOUR / steps / HOUR)
        shown.append(rest_w + power_w)
    return float(np.mean(shown)), soc


def _within(rating: BatteryRating, soc: float, power_w: float, hours: float) -> tuple[float, float]:
    """Return what the battery does when told a power [W], and its state of charge after."""
    capacity_wh = rating.capacity_wh
    if power_w >= 0:
        most_w = (1.0 - soc) * capacity_wh / rating.charge_efficiency_ratio / hours
        done_w = min(power_w, most_w, rating.max_charge_power_w)
        return done_w, min(soc + done_w * rating.charge_efficiency_ratio * hours / capacity_wh, 1.0)
    most_w = soc * capacity_wh * rating.discharge_efficiency_ratio / hours
    done_w = min(-power_w, most_w, rating.max_discharge_power_w)
    return -done_w, max(soc - done_w / rating.discharge_efficiency_ratio * hours / capacity_wh, 0.0)
