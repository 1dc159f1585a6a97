"""Never "no plan": every requirement that cannot be met is named in words and numbers."""

from datetime import timedelta

import numpy as np
import pytest

from tests.unit.optimizer.sites import (
    START,
    asset,
    cost,
    horizon_of,
    power,
    prices,
    problem,
    site,
    solve,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun, ProfileRun
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator, OnOffState, RenewableSource
from wattmesh_optimizer.domain.plan import CostCause, Plan, RequirementKind, UnmetRequirement
from wattmesh_optimizer.domain.site import Node, PowerLimits
from wattmesh_optimizer.domain.storage import Battery, EvCharger, EvSession
from wattmesh_optimizer.domain.thermal import ComfortBand, HeatPump, HvacZone, ThermalTank


def only(plan: Plan, kind: RequirementKind) -> UnmetRequirement:
    (requirement,) = [
        requirement for requirement in plan.unmet_requirements if requirement.kind is kind
    ]
    return requirement


def ev(energy_kwh: float, **more: float) -> EvCharger:
    session = EvSession(
        id="ev1",
        arrival=START,
        departure=START + timedelta(hours=9),
        capacity_kwh=80,
        initial_soc_ratio=0.1,
        target_energy_kwh=energy_kwh,
    )
    return EvCharger(max_current_a=16, sessions=(session,), **more)


def test_an_ev_that_asks_for_more_than_its_limit_gives_is_told_in_words() -> None:
    horizon = horizon_of(12)
    plan = solve(
        problem(
            horizon,
            site(
                asset("charger", ev(60)),
                tariff=prices(horizon, [0.3] * 12),
                limits=PowerLimits(max_import_power_kw=29.6 / 9),
                zone="Europe/Berlin",
            ),
        )
    )
    requirement = only(plan, RequirementKind.EV_ENERGY)
    assert requirement.message == (
        "EV ev1 needs 60.0 kWh by 22:00, at most 29.6 kWh possible, short 30.4 kWh"
    )
    assert requirement.impossible
    assert requirement.time == START + timedelta(hours=9)
    assert requirement.shortfall == pytest.approx(30.4)
    assert requirement.penalty == pytest.approx(304)
    assert cost(plan, CostCause.PENALTY) == pytest.approx(304)


def test_an_ev_that_stays_too_short_gets_all_there_is() -> None:
    horizon = horizon_of(12)
    plan = solve(
        problem(horizon, site(asset("charger", ev(120)), tariff=prices(horizon, [0.3] * 12)))
    )
    assert "needs 120.0 kWh by 21:00, at most 72.0 kWh possible, short 48.0 kWh" in (
        only(plan, RequirementKind.EV_ENERGY).message
    )


def test_a_deadline_on_another_day_carries_its_date() -> None:
    horizon = horizon_of(24, start=START + timedelta(hours=6))
    session = EvSession(
        id="ev1",
        arrival=horizon.start,
        departure=horizon.start + timedelta(hours=13),
        capacity_kwh=500,
        initial_soc_ratio=0.0,
        target_energy_kwh=300,
    )
    charger = EvCharger(max_current_a=16, sessions=(session,))
    plan = solve(
        problem(horizon, site(asset("charger", charger), tariff=prices(horizon, [0.3] * 24)))
    )
    assert "by Tue 3 Mar 07:00" in only(plan, RequirementKind.EV_ENERGY).message


def test_a_load_above_the_connection_limit_breaks_the_limit_and_says_by_how_much() -> None:
    horizon = horizon_of(3)
    load = FixedLoad(powers_kw=np.array([1.0, 7.5, 1.0]))
    plan = solve(
        problem(
            horizon,
            site(
                asset("load", load),
                tariff=prices(horizon, [0.3] * 3),
                limits=PowerLimits(max_import_power_kw=5),
            ),
        )
    )
    requirement = only(plan, RequirementKind.POWER_LIMIT)
    assert requirement.message == (
        "sites/home: import limit 5.0 kW, 7.5 kW needed, 2.5 kW too much from 13:00 to 14:00, "
        "2.5 kWh in all"
    )
    assert requirement.penalty == pytest.approx(250)


def test_requirements_are_given_up_in_the_order_of_their_prices() -> None:
    """Comfort gives way before the vehicle, the vehicle before the connection's limit."""
    horizon = horizon_of(9)
    zone = HvacZone(
        air_capacity_kwh_per_k=1.0,
        air_outdoor_resistance_k_per_kw=5.0,
        initial_air_temperature_celsius=20.0,
        outdoor_temperatures_celsius=np.full(9, -5.0),
        occupied_band=ComfortBand(min_temperature_celsius=20, max_temperature_celsius=24),
        heating=HeatPump(max_power_kw=3.0, cop_points=((0.0, 3.0),)),
        discomfort_price_per_kelvin_hour=0.1,
    )
    plan = solve(
        problem(
            horizon,
            site(
                asset("charger", ev(27)),
                asset("zone", zone),
                tariff=prices(horizon, [0.3] * 9),
                limits=PowerLimits(max_import_power_kw=3.0),
            ),
        )
    )
    assert {requirement.kind for requirement in plan.unmet_requirements} == {
        RequirementKind.COMFORT
    }
    assert "Zone zone should stay above 20.0 °C" in plan.unmet_requirements[0].message


def test_a_profile_that_does_not_fit_its_window_is_missed_as_a_whole() -> None:
    horizon = horizon_of(4)
    load = DeferrableLoad(
        run=ProfileRun(powers_kw=np.array([1.0, 2.0, 1.0])),
        latest_end=START + timedelta(hours=2),
    )
    plan = solve(problem(horizon, site(asset("washer", load), tariff=prices(horizon, [0.3] * 4))))
    requirement = only(plan, RequirementKind.DEFERRABLE_RUN)
    assert requirement.message == (
        "Load washer needs 4.0 kWh by 14:00, at most 0.0 kWh possible, short 4.0 kWh"
    )


def test_an_interruptible_run_does_what_its_window_allows() -> None:
    horizon = horizon_of(4)
    load = DeferrableLoad(
        run=InterruptibleRun(energy_kwh=5, max_power_kw=1.5),
        latest_end=START + timedelta(hours=2),
    )
    plan = solve(problem(horizon, site(asset("pump", load), tariff=prices(horizon, [0.3] * 4))))
    assert "needs 5.0 kWh by 14:00, at most 3.0 kWh possible" in (
        only(plan, RequirementKind.DEFERRABLE_RUN).message
    )


def test_a_tank_that_is_drawn_empty_says_how_cold_it_gets() -> None:
    horizon = horizon_of(3)
    tank = ThermalTank(
        capacity_kwh_per_k=0.2,
        initial_temperature_celsius=50,
        min_temperature_celsius=45,
        max_temperature_celsius=60,
        heater=HeatPump(max_power_kw=1.0, cop_points=((0.0, 1.0),)),
        draw_heats_kw=np.array([4.0, 0.0, 0.0]),
    )
    plan = solve(problem(horizon, site(asset("tank", tank), tariff=prices(horizon, [0.3] * 3))))
    requirement = only(plan, RequirementKind.TANK_TEMPERATURE)
    assert requirement.shortfall == pytest.approx(10.0)
    assert "Tank tank should stay above 45.0 °C, is up to 10.0 K below" in requirement.message


def test_a_battery_outside_its_window_comes_back_and_says_so() -> None:
    horizon = horizon_of(4)
    battery = Battery(
        capacity_kwh=10,
        max_charge_power_kw=1,
        max_discharge_power_kw=1,
        initial_soc_ratio=0.05,
        min_soc_ratio=0.2,
    )
    plan = solve(
        problem(horizon, site(asset("battery", battery), tariff=prices(horizon, [0.3] * 4)))
    )
    assert power(plan, "battery").tolist() == pytest.approx([1.0, 0.5, 0.0, 0.0], abs=1e-6)
    assert only(plan, RequirementKind.SOC_WINDOW).shortfall == pytest.approx(0.5)


def test_a_final_state_of_charge_out_of_reach_is_a_requirement() -> None:
    horizon = horizon_of(2)
    battery = Battery(
        capacity_kwh=10,
        max_charge_power_kw=1,
        max_discharge_power_kw=1,
        initial_soc_ratio=0.5,
        final_soc_ratio=1.0,
    )
    plan = solve(
        problem(horizon, site(asset("battery", battery), tariff=prices(horizon, [0.3] * 2)))
    )
    assert only(plan, RequirementKind.FINAL_SOC).message == (
        "Battery battery should hold 10.0 kWh by 14:00, at most 7.0 kWh possible, short 3.0 kWh"
    )


def test_an_island_sheds_what_is_not_critical_first() -> None:
    horizon = horizon_of(2)
    load = FixedLoad(powers_kw=np.array([3.0, 3.0]), critical_powers_kw=np.array([1.0, 1.0]))
    battery = Battery(
        capacity_kwh=2, max_charge_power_kw=5, max_discharge_power_kw=5, initial_soc_ratio=1.0
    )
    plan = solve(
        problem(
            horizon,
            site(
                asset("load", load),
                asset("battery", battery),
                tariff=prices(horizon, [0.3] * 2),
                islanded_ranges=(TimeRange(horizon.start, horizon.end),),
            ),
        )
    )
    supplied = power(plan, "load")
    assert supplied.sum() == pytest.approx(2.0)
    assert supplied.min() >= 1.0 - 1e-6
    assert plan.sites[0].import_kw.max() == 0
    assert cost(plan, CostCause.PENALTY) == pytest.approx(4.0 * 0.1 * 100)
    assert "4.0 kWh are not" in only(plan, RequirementKind.LOAD_SUPPLY).message


def test_an_island_with_too_much_generation_names_the_surplus() -> None:
    horizon = horizon_of(1)
    pv = RenewableSource(powers_kw=np.array([-4.0]), curtailable=False)
    plan = solve(
        problem(
            horizon,
            site(asset("pv", pv), islanded_ranges=(TimeRange(horizon.start, horizon.end),)),
        )
    )
    assert only(plan, RequirementKind.SURPLUS).shortfall == pytest.approx(4.0)


def test_a_generator_that_must_run_pushes_against_an_export_limit_and_still_plans() -> None:
    horizon = horizon_of(3)
    generator = Generator(
        max_output_power_kw=5,
        min_output_power_kw=3,
        min_up_duration=timedelta(hours=2),
        initial_state=OnOffState(on=True, duration=timedelta(0)),
        fuel_cost_per_kwh=1.0,
    )
    plan = solve(
        problem(
            horizon,
            site(
                asset("generator", generator),
                tariff=prices(horizon, [0.3] * 3),
                limits=PowerLimits(max_export_power_kw=1),
            ),
        )
    )
    assert power(plan, "generator").tolist() == pytest.approx([-3.0, -3.0, 0.0], abs=1e-6)
    assert only(plan, RequirementKind.POWER_LIMIT).shortfall == pytest.approx(2.0)


def test_a_node_that_is_too_small_is_named() -> None:
    horizon = horizon_of(1)
    load = FixedLoad(powers_kw=np.array([4.0]))
    plan = solve(
        problem(
            horizon,
            site(
                asset("load", load, node_id="barn"),
                nodes=(Node(id="barn", limits=PowerLimits(max_import_power_kw=3)),),
            ),
        )
    )
    requirement = only(plan, RequirementKind.POWER_LIMIT)
    assert requirement.subject == "sites/home/nodes/barn"
    assert requirement.message.startswith("Node barn: import limit 3.0 kW, 4.0 kW needed")


def test_unknown_states_are_assumed_and_said() -> None:
    horizon = horizon_of(1)
    battery = Battery(
        capacity_kwh=10, max_charge_power_kw=1, max_discharge_power_kw=1, min_soc_ratio=0.1
    )
    session = EvSession(
        id="guest", arrival=START, departure=START + timedelta(hours=1), capacity_kwh=40
    )
    charger = EvCharger(max_current_a=16, sessions=(session,))
    plan = solve(problem(horizon, site(asset("battery", battery), asset("charger", charger))))
    assert plan.assumptions == (
        "Battery battery: state of charge unknown, 10% assumed (the lower edge of its window)",
        "EV guest at charger: state of charge unknown, 20% assumed",
    )
