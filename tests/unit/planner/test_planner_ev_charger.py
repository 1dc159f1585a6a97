from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.planner_home import GATEWAY, HOUR, START, asset_id, device_id, home
from tests.fakes.planner_world import PlannerWorld, world_of_a_home
from wattmesh.optimizer.v1 import asset_pb2, plan_pb2, problem_pb2
from wattmesh.type.v1 import electrical_pb2
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    EvChargerRating,
    OcppConnection,
    Phase,
    Resource,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.kinds.ev_charger import EvChargerPart
from wattmesh_planner.domain.charging import (
    ChargingExpectation,
    ChargingNeed,
    ChargingSession,
    DepartureQuantile,
    Stay,
    Urgency,
    departures_from,
)
from wattmesh_planner.domain.degradations import Remedy
from wattmesh_planner.domain.facts import Known, Reason, Topic
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs
from wattmesh_planner.domain.kinds.ev_charger import stay_of
from wattmesh_planner.domain.kinds.kind import AgeLimits, Beginning
from wattmesh_planner.domain.model import SiteAsset
from wattmesh_planner.domain.plan import DeviceSchedule, Setpoint
from wattmesh_planner.domain.prices import PricedTariff

CHARGER = asset_id("charger")
RATING = EvChargerRating(max_current_a=16.0, min_current_a=6.0)


def quantiles(*hours: float) -> tuple[DepartureQuantile, ...]:
    ratios = (0.1, 0.5, 0.9, 1.0)
    return tuple(
        DepartureQuantile(ratio=ratio, departure_time=START + hour * HOUR)
        for ratio, hour in zip(ratios, hours, strict=True)
    )


EXPECTATION = ChargingExpectation(
    departures=quantiles(2.0, 4.0, 6.0, 8.0), required_energy_wh=7_000.0, reason="5 sessions"
)
NEED = ChargingNeed(departure_time=START + 5 * HOUR, energy_wh=10_000.0)
SESSION = ChargingSession(
    id="s1",
    arrival_time=START - HOUR,
    measure_time=START,
    charged_energy_wh=1_000.0,
    expectation=EXPECTATION,
    need=NEED,
)


def charger(rating: EvChargerRating = RATING, **more: object) -> SiteAsset:
    known = {
        "asset": Asset(id=CHARGER, rating=rating),
        "controller": device_id("charger"),
        "points": {},
    }
    return SiteAsset(**{**known, **more})  # type: ignore[arg-type]


def stay(session: ChargingSession, *told: Setpoint, rating: EvChargerRating = RATING) -> Stay:
    beginning = Beginning(
        now=START,
        start=START,
        limits=AgeLimits(),
        readings={},
        told=told,
        session=Known(value=session),
    )
    return stay_of(session, charger(rating), beginning)


def ratio_at(departures: tuple[DepartureQuantile, ...], hour: float) -> float:
    (found,) = [each for each in departures if each.departure_time == START + hour * HOUR]
    return found.ratio


def with_charger(*kinds: SetpointKind) -> list[Resource]:
    function = DeviceFunction(asset=CHARGER, controls=True, setpoint_kinds=frozenset(kinds))
    device = Device(
        id=device_id("charger"),
        profile="charge-point",
        gateway=GATEWAY,
        connection=OcppConnection(charge_point_id="cp1"),
        reporting_interval=timedelta(minutes=1),
        functions=(function,),
    )
    return [Asset(id=CHARGER, rating=RATING), device]


async def world_of_a_charger(session: ChargingSession | None = None) -> PlannerWorld:
    world = await world_of_a_home(*with_charger())
    if session is not None:
        world.sessions.by_asset[CHARGER] = session
    return world


def test_that_a_vehicle_is_still_there_moves_its_departure() -> None:
    known = quantiles(-1.0, 1.0, 3.0, 5.0)

    left = departures_from(known, START, 0.0)

    # By now 30 % would have left; of the 70 % that remain 20 leave within the first hour.
    assert left[0] == DepartureQuantile(ratio=0.0, departure_time=START)
    assert ratio_at(left, 1.0) == pytest.approx(0.2 / 0.7)
    assert ratio_at(left, 5.0) == pytest.approx(1.0)


def test_a_vehicle_that_should_have_left_is_trusted_for_an_hour_at_most() -> None:
    left = departures_from(quantiles(-4.0, -3.0, -2.0, -1.0), START, 0.0)

    assert ratio_at(left, 1.0) == pytest.approx(0.5)


def test_not_even_the_most_regular_vehicle_is_trusted_to_the_minute() -> None:
    left = departures_from(quantiles(4.0, 5.0, 6.0, 7.0), START, 0.01)

    assert ratio_at(left, 4.0) > 0.1
    assert [each.ratio for each in left] == sorted(each.ratio for each in left)


def test_quantiles_that_repeat_a_time_are_read_all_the_same() -> None:
    left = departures_from(quantiles(1.0, 1.0, 1.0, 2.0), START, 0.0)

    times = [each.departure_time for each in left]
    assert len(set(times)) == len(times)


def test_what_is_required_is_the_need_less_what_was_charged_and_told_since() -> None:
    told = Setpoint(range=TimeRange.of(START - HOUR, HOUR), power_w=4_000.0)
    session = replace(SESSION, measure_time=START - HOUR / 2)

    assert stay(SESSION).required_wh == 9_000.0
    assert stay(session, told).required_wh == 7_000.0


def test_without_a_need_it_is_what_is_expected_and_a_little_more_as_long_as_it_takes() -> None:
    alone = replace(SESSION, need=None)

    assert stay(alone).required_wh == 6_000.0
    assert stay(replace(alone, charged_energy_wh=9_000.0)).required_wh == 1_750.0
    assert stay(replace(alone, charged_energy_wh=9_000.0, takes=False)).required_wh == 0.0


def test_one_that_takes_more_than_expected_is_filled_where_it_says_how_full_it_is() -> None:
    taken = replace(SESSION, need=None, charged_energy_wh=8_000.0, expectation=EXPECTATION)
    told = replace(taken, soc_ratio=0.5, capacity_wh=40_000.0)
    nearly_full = replace(told, charged_energy_wh=1_000.0, soc_ratio=0.95)

    assert stay(taken).required_wh == pytest.approx(1_750.0)
    assert stay(told).required_wh > 20_000.0  # all its room, of which the last takes hours
    assert stay(nearly_full).required_wh > 2_000.0  # the rest takes hours


def test_a_state_of_charge_is_energy_once_the_vehicle_tells_it() -> None:
    need = replace(NEED, energy_wh=None, soc_ratio=0.8)
    session = replace(SESSION, need=need, soc_ratio=0.5, capacity_wh=50_000.0)

    assert stay(session).required_wh == pytest.approx(15_000.0)


def test_what_it_draws_less_when_nearly_full_is_offered_for_longer() -> None:
    """Planned by what it is told it would leave with less than it was promised."""
    low = replace(SESSION, soc_ratio=0.4, capacity_wh=50_000.0)
    nearly = stay(replace(low, soc_ratio=0.85))

    assert stay(low).required_wh == pytest.approx(9_000.0)
    assert nearly.required_wh > 1.3 * 7_500.0
    assert nearly.max_current_a == pytest.approx(0.75 * 16.0)
    assert nearly.weight == pytest.approx(7_500.0 / nearly.required_wh)
    trickling = stay(replace(low, soc_ratio=0.97))
    assert trickling.max_current_a == 6.0
    assert trickling.required_wh > 6_500.0  # an hour and a half of the least for 1.5 kWh


def test_what_a_nearly_full_vehicle_was_told_is_not_taken_to_be_stored() -> None:
    """Else it is thought full, given nothing, found not full, and so on until it leaves."""
    told = Setpoint(range=TimeRange.of(START - HOUR, HOUR), power_w=11_000.0)
    soc = replace(SESSION, soc_ratio=0.95, capacity_wh=50_000.0, measure_time=START - HOUR)

    assert stay(soc, told).required_wh > 1_000.0


def test_a_vehicle_that_stopped_by_itself_is_full_unless_it_has_reason_to_go_on() -> None:
    """One with a timer would never charge if it was offered nothing."""
    stopped = replace(SESSION, need=None, takes=False, capacity_wh=50_000.0)
    full = replace(stopped, charged_energy_wh=6_500.0)
    timer = replace(stopped, charged_energy_wh=200.0)

    assert stay(full).required_wh == 0.0
    assert stay(replace(timer, soc_ratio=0.8)).required_wh == 0.0
    for waiting in (timer, replace(full, soc_ratio=0.5), replace(full, need=NEED)):
        left = stay(waiting)
        assert left.required_wh > 0.0
        assert left.max_current_a == 6.0
        assert left.weight == 0.1  # whoever does take goes first


def test_the_more_urgent_the_likelier_it_leaves_early() -> None:
    by_urgency = [
        stay(replace(SESSION, need=replace(NEED, urgency=urgency))).early_departures
        for urgency in (Urgency.FLEXIBLE, Urgency.SOON, Urgency.NOW)
    ]

    flexible, soon, now = (ratio_at(each, 2.0) for each in by_urgency)
    assert flexible < soon < now


def test_below_the_state_of_charge_that_is_needed_at_once_it_is_urgent() -> None:
    need = replace(NEED, immediate_soc_ratio=0.3)
    empty = replace(SESSION, need=need, soc_ratio=0.2, capacity_wh=50_000.0)
    enough = replace(empty, soc_ratio=0.4)

    assert ratio_at(stay(empty).early_departures, 2.0) > 0.9
    assert ratio_at(stay(enough).early_departures, 2.0) < 0.2


def test_energy_is_taken_from_a_vehicle_only_when_allowed_and_its_charge_is_known() -> None:
    allowed = replace(SESSION, need=replace(NEED, discharge_allowed=True))

    assert not stay(SESSION).discharge
    assert not stay(allowed).discharge
    assert stay(replace(allowed, soc_ratio=0.6, capacity_wh=50_000.0)).discharge


async def test_a_vehicle_that_somebody_asked_for_is_planned_without_a_degradation() -> None:
    world = await world_of_a_charger(SESSION)

    plan = await world.plan()

    (state,) = [each.state for each in world.asked.sites[0].assets if each.asset.id == CHARGER]
    assert isinstance(state, Stay)
    assert plan.degradations == ()


async def test_what_is_assumed_of_a_vehicle_that_nobody_asked_for_is_said() -> None:
    world = await world_of_a_charger(replace(SESSION, need=None))

    (degradation,) = (await world.plan()).degradations

    assert degradation.subject == CHARGER.name
    assert degradation.topic is Topic.SESSIONS
    assert degradation.remedy is Remedy.ASSUMED
    assert "6.0 kWh" in degradation.detail
    assert "5 sessions" in degradation.detail


async def test_an_hour_without_the_usage_service_costs_the_charger_and_nothing_else() -> None:
    world = await world_of_a_charger(SESSION)
    await world.plan()
    world.sessions.away = True
    world.clock.advance(HOUR / 2)

    (assumed,) = (await world.plan()).degradations
    assert (assumed.remedy, assumed.reason) == (Remedy.ASSUMED, Reason.SERVICE_UNAVAILABLE)

    world.clock.advance(HOUR)
    found = (await world.plan()).degradations
    (left_out,) = [each for each in found if each.subject == CHARGER.name]
    assert left_out.remedy is Remedy.LEFT_OUT
    assert {each.asset.id.segment for each in world.asked.sites[0].assets} >= {"battery", "load"}


async def test_nobody_asks_for_sessions_of_a_site_without_charge_points() -> None:
    world = PlannerWorld()
    await world.knows(*home())

    await world.plan()

    assert world.sessions.asked == []


def problem_of(state: Stay | None) -> asset_pb2.Asset:
    problem = problem_pb2.Site()
    tariff = PricedTariff(
        tariff=None,  # type: ignore[arg-type]
        lowest_import_price_per_kwh=0.1,
        highest_import_price_per_kwh=0.3,
        highest_export_price_per_kwh=0.08,
    )
    site = SiteInputs(site=None, assets=(), price=tariff)  # type: ignore[arg-type]
    EvChargerPart().add_to(problem, AssetInputs(asset=charger(), state=state), site)
    return problem.assets[0]


def test_the_problem_has_the_vehicle_with_its_departures() -> None:
    (session,) = problem_of(stay(SESSION)).ev_charger.sessions

    assert session.target_energy_wh == 9_000.0
    assert session.departure_time.ToDatetime() == (START + 6 * HOUR).replace(tzinfo=None)
    assert session.early_departures[0].ratio == 0.0
    assert session.early_departure_price_per_kwh == pytest.approx(0.2 / 0.1)
    assert session.shortfall_price_per_kwh == 10.0


def test_more_than_expected_is_offered_while_it_is_cheap_to_one_that_nobody_spoke_for() -> None:
    (asked,) = problem_of(stay(SESSION)).ev_charger.sessions
    half_full = replace(SESSION, need=None, soc_ratio=0.5, capacity_wh=50_000.0)
    (alone,) = problem_of(stay(half_full)).ev_charger.sessions
    (unknown,) = problem_of(stay(replace(SESSION, need=None))).ev_charger.sessions

    assert unknown.terminal_value_per_kwh == 0.0  # nobody knows how much room there is
    assert asked.terminal_value_per_kwh == 0.0
    assert 0.2 < alone.terminal_value_per_kwh < 1.0


def test_nobody_there_means_no_session() -> None:
    assert not problem_of(None).ev_charger.sessions


def test_surplus_alone_is_worth_just_more_than_selling_it() -> None:
    need = replace(NEED, urgency=Urgency.SURPLUS_ONLY)
    (session,) = problem_of(stay(replace(SESSION, need=need))).ev_charger.sessions

    assert 0.08 < session.shortfall_price_per_kwh < 0.1


def test_a_vehicle_on_one_phase_of_a_charger_of_three_is_planned_on_that_phase() -> None:
    session = replace(SESSION, phase=Phase.L2, max_current_a=10.0)
    asset = problem_of(stay(session))

    assert asset.phase == electrical_pb2.PHASE_L2
    assert asset.ev_charger.rating.max_current_a == 10.0


def told(state: Stay, *kinds: SetpointKind, powers: tuple[float, ...]) -> DeviceSchedule:
    asset = AssetInputs(asset=charger(setpoint_kinds=frozenset(kinds)), state=state)
    plan = plan_pb2.AssetPlan(asset_name=CHARGER.name, powers_w=powers)
    (schedule,) = EvChargerPart().schedules(asset, plan, START, HOUR)
    return schedule


def schedules(state: Stay, *kinds: SetpointKind, powers: tuple[float, ...]) -> list[float | None]:
    return list(told(state, *kinds, powers=powers).values)


def test_setpoints_never_add_up_to_more_than_was_planned() -> None:
    assert schedules(stay(SESSION), powers=(5000.9, 0.0, 4140.0)) == [5000.0, 0.0, 4140.0]


def test_a_device_that_takes_currents_is_told_whole_ones_and_none_below_the_least() -> None:
    currents = schedules(
        stay(SESSION), SetpointKind.CURRENT_A, powers=(11_040.0, 7_500.0, 4_140.0, 4_000.0)
    )

    assert currents == [16.0, 10.0, 6.0, 0.0]


def test_a_vehicle_that_draws_from_one_conductor_of_three_is_told_its_current() -> None:
    """A charge point makes 5.3 A on three conductors of 3,680 W, and refuses that below 6 A."""
    both = (SetpointKind.ACTIVE_POWER_W, SetpointKind.CURRENT_A)
    single = stay(replace(SESSION, phase=Phase.L2))

    assert schedules(single, *both, powers=(3680.0, 1500.0, 0.0)) == [16.0, 6.0, 0.0]
    assert schedules(single, powers=(3680.0,)) == [16.0]  # all kinds, where nothing is said
    assert schedules(stay(SESSION), *both, powers=(3680.0,)) == [3680.0]
    assert schedules(single, SetpointKind.ACTIVE_POWER_W, powers=(3680.0,)) == [3680.0]
    assert schedules(single, *both, powers=(3680.0, -2000.0)) == [3680.0, -2000.0]


def test_control_is_told_in_which_conductors_a_current_flows() -> None:
    """Else it counts 690 W for each ampere of a vehicle that takes 230, and others have less."""
    single = stay(replace(SESSION, phase=Phase.L2))

    assert told(single, SetpointKind.CURRENT_A, powers=(3680.0,)).phase is Phase.L2
    assert told(stay(SESSION), SetpointKind.CURRENT_A, powers=(3680.0,)).phase is Phase.THREE
