"""What could make the measurement of regret flatter a way: a look ahead, or energy from nowhere."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.bench.regret.__main__ import WEEK, Came, played
from tests.bench.regret.expectations import AHEAD, Expectations
from tests.bench.regret.places import Place, _campus
from tests.bench.regret.ways import Idle, Planned, Rule, Stands
from wattmesh_forecast.domain.hours import Floats
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import BatteryRating, PlanningGoals

SITE = SiteId("campus")
LOADS = (AssetId(SITE, "one"), AssetId(SITE, "two"))
BATTERY = BatteryRating(
    capacity_wh=10_000.0,
    max_charge_power_w=4_000.0,
    max_discharge_power_w=4_000.0,
    charge_efficiency_ratio=0.9,
    discharge_efficiency_ratio=0.9,
)


def place(power_w: Floats) -> Place:
    hours = len(power_w)
    return Place(
        name="made",
        start=datetime(2019, 1, 7, tzinfo=UTC),
        zone=ZoneInfo("Europe/London"),
        resources=_campus(SITE, LOADS, BATTERY),
        sites=(SITE,),
        uncertain=LOADS,
        battery=BATTERY,
        power_w=power_w,
        carbon=np.full(hours, 200.0),
        price_per_kwh=np.where(np.arange(hours) % 24 < 12, 0.1, 0.3),
        peak_price_per_kw=4.0,
    )


def loads(hours: int) -> Floats:
    return np.random.default_rng(3).uniform(1_000.0, 3_000.0, (hours, 2))


def test_what_is_expected_and_what_may_come_follow_from_the_past_alone() -> None:
    past = loads(3 * WEEK)
    told = Expectations(place(past))
    otherwise = past.copy()
    otherwise[2 * WEEK :] *= 9.0
    again = Expectations(place(otherwise))
    assert told.median_w(2 * WEEK).tolist() == again.median_w(2 * WEEK).tolist()
    members = told.members_w(2 * WEEK, 4)
    assert members.shape == (2, 4, AHEAD)
    assert members.tolist() == again.members_w(2 * WEEK, 4).tolist()
    later = again.median_w(2 * WEEK + 2)
    assert later.tolist() != told.median_w(2 * WEEK + 2).tolist()


def test_who_knows_all_pays_least_and_nothing_comes_from_nowhere() -> None:
    made = place(loads(3 * WEEK))
    came = {}
    for way in (Idle(place=made), Rule(place=made), foresight(made)):
        came[type(way)] = Came()
        played(made, way, WEEK, came[type(way)])
    used_kwh = made.power_w[WEEK : 2 * WEEK].sum() / 1e3
    assert came[Idle].carbon_kg == pytest.approx(used_kwh * 0.2)
    assert came[Planned].money <= came[Rule].money * (1 + 1e-4)  # powers are told in whole watts
    assert came[Rule].money < came[Idle].money
    assert came[Rule].carbon_kg > came[Idle].carbon_kg


def foresight(made: Place) -> Planned:
    return Planned(place=made, goals=PlanningGoals(ramp_price_per_kw=0.0), priced_peak=False)


def test_plans_weigh_members_where_goals_ask_for_them() -> None:
    made = place(loads(3 * WEEK))
    goals = PlanningGoals(ensemble_member_count=3)
    way = Planned(place=made, goals=goals, priced_peak=True, expectations=Expectations(made))
    stands = Stands(
        hour=2 * WEEK,
        end=3 * WEEK,
        stored_ratio=[0.5],
        net_before_w=[4_000.0],
        peak_so_far_w=5_000.0,
    )
    problem = way._writer.problem(way._inputs(stands, AHEAD))
    assert len(problem.ensemble.members) == 3
    assert abs(way(stands)[0]) <= 4_000.0
