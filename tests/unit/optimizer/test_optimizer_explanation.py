"""Why: reason codes, binding limits, duals and marginal values."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.unit.optimizer.random_problems import random_problem
from tests.unit.optimizer.sites import START, asset, horizon_of, prices, problem, site, solve
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.explain import ExplainPlan
from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator, RenewableSource
from wattmesh_optimizer.domain.plan import Explanation, ReasonCode
from wattmesh_optimizer.domain.problem import Problem, Reserve, ReserveDirection
from wattmesh_optimizer.domain.schedule import AssetSchedule, Schedule
from wattmesh_optimizer.domain.site import PowerLimits
from wattmesh_optimizer.domain.storage import Battery, EvCharger, EvSession
from wattmesh_optimizer.domain.thermal import ComfortBand, HeatPump, HvacZone
from wattmesh_optimizer.domain.wording import Words
from wattmesh_optimizer.domain.worth import worth_sentence


def why(of: Problem) -> Explanation:
    explanation = solve(of, explain=True).explanation
    assert explanation is not None
    return explanation


def codes(of: Problem, label: str) -> list[ReasonCode]:
    name = f"sites/home/assets/{label}"
    return list(next(each.reasons for each in why(of).assets if each.name == name))


def arbitrage(capacity_kwh: float = 4.0) -> Problem:
    horizon = horizon_of(3)
    store = Battery(
        capacity_kwh=capacity_kwh,
        max_charge_power_kw=10,
        max_discharge_power_kw=10,
        initial_soc_ratio=0.0,
        charge_efficiency_ratio=0.9,
        wear_cost_per_kwh=0.01,
    )
    load = FixedLoad(powers_kw=np.array([1.0, 1.0, 9.0]))
    tariff = prices(horizon, [0.1, 0.2, 0.5])
    return problem(horizon, site(asset("load", load), asset("battery", store), tariff=tariff))


def test_energy_is_worth_what_one_more_kwh_would_cost() -> None:
    assert why(arbitrage()).energy_values_per_kwh["sites/home"].tolist() == pytest.approx(
        [0.1, 0.2, 0.5]
    )


def test_one_more_kwh_of_battery_is_worth_what_a_bigger_one_saves() -> None:
    values = {each.quantity: each for each in why(arbitrage()).marginal_values}
    saved = solve(arbitrage()).total_cost - solve(arbitrage(5.0)).total_cost
    assert values["capacity"].value_per_unit == pytest.approx(saved, abs=1e-6)
    assert values["capacity"].unit == "kWh"


def test_one_more_kw_of_import_limit_is_worth_what_it_saves() -> None:
    def limited(limit_kw: float) -> Problem:
        horizon = horizon_of(2)
        session = EvSession(
            id="ev",
            arrival=START,
            departure=START + timedelta(hours=2),
            capacity_kwh=50,
            initial_soc_ratio=0.1,
            target_energy_kwh=8.0,
        )
        charger = EvCharger(max_current_a=32, sessions=(session,))
        limits = PowerLimits(max_import_power_kw=limit_kw)
        tariff = prices(horizon, [0.1, 0.4])
        return problem(horizon, site(asset("ev", charger), tariff=tariff, limits=limits))

    explanation = why(limited(5.0))
    (value,) = [each for each in explanation.marginal_values if each.quantity == "import_limit"]
    saved = solve(limited(5.0)).total_cost - solve(limited(6.0)).total_cost
    assert value.value_per_unit == pytest.approx(saved, abs=1e-6)
    (binding,) = [
        each for each in explanation.binding_constraints if each.constraint == "import_limit"
    ]
    assert binding.intervals.tolist() == [0]
    assert binding.values_per_kwh.tolist() == pytest.approx([0.3])
    assert binding.message == (
        "sites/home: 1 kW more import limit would save 0.30 EUR in the 2 h planned; "
        "it binds today 12:00–13:00"
    )


def test_words_follow_the_clock_of_the_site_and_name_the_day() -> None:
    horizon = horizon_of(30)
    words = Words(horizon, ZoneInfo("Europe/Berlin"))

    def said(constraint: str, intervals: list[int], worth: float) -> str:
        return worth_sentence(
            words,
            subject="sites/home",
            constraint=constraint,
            unit="kW",
            intervals=np.array(intervals, dtype=np.int64),
            worth=worth,
            currency_code="SEK",
        )

    assert said("import_limit", [4, 5], 0.7225) == (
        "sites/home: 1 kW more import limit would save 0.72 SEK in the 30 h planned; "
        "it binds today 17:00–19:00"
    )
    assert "1 kW more generation would save" in said("available_power", [4], 1.0)
    assert said("demand_charge:winter", [11, 12, 20, 22, 24], 0.00456).endswith(
        "1 kW less of the peak that the demand charge counts (winter) would save 0.0046 SEK in the "
        "30 h planned; it binds Tue 3 Mar 00:00–02:00, Tue 3 Mar 09:00–10:00, "
        "Tue 3 Mar 11:00–12:00 and 1 more times"
    )


def test_a_battery_says_why_in_every_interval() -> None:
    assert codes(arbitrage(), "battery") == [
        ReasonCode.BUY_CHEAP,
        ReasonCode.FULL,
        ReasonCode.AVOID_DEAR_IMPORT,
    ]


def test_own_surplus_and_negative_prices_are_told_apart() -> None:
    horizon = horizon_of(3)
    store = Battery(
        capacity_kwh=20,
        max_charge_power_kw=4,
        max_discharge_power_kw=8,
        initial_soc_ratio=0.0,
        wear_cost_per_kwh=0.001,
    )
    pv = RenewableSource(powers_kw=np.array([-4.0, 0.0, 0.0]))
    load = FixedLoad(powers_kw=np.array([0.0, 0.0, 8.0]))
    parts = (asset("load", load), asset("pv", pv), asset("battery", store))
    of = problem(horizon, site(*parts, tariff=prices(horizon, [0.1, -0.2, 0.5], -0.3)))
    assert codes(of, "battery")[:2] == [ReasonCode.STORE_SURPLUS, ReasonCode.NEGATIVE_PRICE]
    assert codes(of, "pv") == [
        ReasonCode.GENERATE_ALL,
        ReasonCode.NOT_AVAILABLE,
        ReasonCode.NOT_AVAILABLE,
    ]


def test_curtailment_by_a_limit_and_by_worthless_energy_are_told_apart() -> None:
    horizon = horizon_of(1)
    pv = RenewableSource(powers_kw=np.array([-4.0]))
    limits = PowerLimits(max_export_power_kw=1)
    capped = site(asset("pv", pv), tariff=prices(horizon, [0.3], 0.1), limits=limits)
    assert codes(problem(horizon, capped), "pv") == [ReasonCode.CURTAIL_LIMIT]
    worthless = site(asset("pv", pv), tariff=prices(horizon, [0.3], -0.1))
    assert codes(problem(horizon, worthless), "pv") == [ReasonCode.CURTAIL_NO_VALUE]


def test_a_vehicle_under_pressure_and_a_zone_heated_ahead_say_so() -> None:
    horizon = horizon_of(2)
    session = EvSession(
        id="ev",
        arrival=START,
        departure=START + timedelta(hours=2),
        capacity_kwh=50,
        initial_soc_ratio=0.1,
        target_energy_kwh=40.0,
    )
    zone = HvacZone(
        air_capacity_kwh_per_k=2.0,
        air_outdoor_resistance_k_per_kw=5.0,
        initial_air_temperature_celsius=20.0,
        outdoor_temperatures_celsius=np.zeros(2),
        occupied_band=ComfortBand(min_temperature_celsius=20, max_temperature_celsius=25),
        heating=HeatPump(max_power_kw=4.0, cop_points=((0.0, 3.0),)),
        discomfort_price_per_kelvin_hour=5.0,
    )
    charger = EvCharger(max_current_a=16, sessions=(session,))
    parts = (asset("ev", charger), asset("zone", zone))
    of = problem(horizon, site(*parts, tariff=prices(horizon, [0.1, 0.9])))
    assert codes(of, "ev") == [ReasonCode.MEET_DEADLINE] * 2
    assert codes(of, "zone")[0] is ReasonCode.PRECONDITION


def test_a_generator_runs_because_it_is_cheaper() -> None:
    horizon = horizon_of(2)
    generator = Generator(max_output_power_kw=5, fuel_cost_per_kwh=0.3)
    load = FixedLoad(powers_kw=np.array([2.0, 2.0]))
    parts = (asset("load", load), asset("generator", generator))
    of = problem(horizon, site(*parts, tariff=prices(horizon, [0.1, 0.5])))
    assert codes(of, "generator") == [ReasonCode.IDLE_NO_GAIN, ReasonCode.GENERATE_CHEAPER]


def test_a_battery_held_for_a_reserve_says_so() -> None:
    horizon = horizon_of(2)
    store = Battery(
        capacity_kwh=4, max_charge_power_kw=4, max_discharge_power_kw=4, initial_soc_ratio=1.0
    )
    reserve = Reserve(
        id="fcr",
        range=TimeRange(horizon.start, horizon.end),
        direction=ReserveDirection.UP,
        power_kw=4.0,
        activation_duration=timedelta(hours=1),
    )
    load = FixedLoad(powers_kw=np.array([1.0, 1.0]))
    parts = (asset("load", load), asset("battery", store))
    of = problem(horizon, site(*parts, tariff=prices(horizon, [0.5, 0.5])), reserves=(reserve,))
    assert codes(of, "battery") == [ReasonCode.HOLD_RESERVE] * 2


def test_a_foreign_plan_is_judged_by_its_excess_cost() -> None:
    solver = SolvePlan(OrToolsSolver())
    explain = ExplainPlan(solver, SimulatePlan())
    idle = Schedule({"sites/home/assets/battery": AssetSchedule(np.zeros(3))})
    explained = explain(arbitrage(), idle, SolveOptions())
    best = solve(arbitrage()).total_cost
    assert explained.excess_cost == pytest.approx(0.1 + 0.2 + 9 * 0.5 - best)
    (battery,) = [each for each in explained.explanation.assets if "battery" in each.name]
    assert ReasonCode.BUY_CHEAP not in battery.reasons
    impossible = Schedule({"sites/home/assets/battery": AssetSchedule(np.full(3, -5.0))})
    assert explain(arbitrage(), impossible, SolveOptions()).excess_cost is None
    assert explain(arbitrage(), None, SolveOptions()).excess_cost == 0.0


@pytest.mark.parametrize("seed", range(12))
def test_every_random_plan_can_be_explained(seed: int) -> None:
    of = random_problem(5000 + seed)
    options = SolveOptions(time_limit=timedelta(seconds=3), explain=True)
    explanation = SolvePlan(OrToolsSolver())(of, options).explanation
    if explanation is None:
        return
    for each in explanation.assets:
        assert len(each.reasons) == of.horizon.count
    for binding in explanation.binding_constraints:
        assert (binding.values_per_kwh > 0).all()
