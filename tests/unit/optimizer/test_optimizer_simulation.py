"""Re-simulation: what physics makes of a plan, this service's or a foreign one."""

from datetime import timedelta

import numpy as np
import pytest

from tests.unit.optimizer.sites import START, asset, horizon_of, prices, problem, site
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun, ProfileRun
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator, RenewableSource
from wattmesh_optimizer.domain.physics.temperature import tank_step, zone_step
from wattmesh_optimizer.domain.plan import Plan, Violation
from wattmesh_optimizer.domain.schedule import AssetSchedule, Schedule
from wattmesh_optimizer.domain.site import AssetKind
from wattmesh_optimizer.domain.storage import Battery, EvCharger, EvSession
from wattmesh_optimizer.domain.thermal import ComfortBand, HeatPump, HvacZone, ThermalTank
from wattmesh_optimizer.domain.trajectory import simulate

HORIZON = horizon_of(3)
PUMP = HeatPump(max_power_kw=2.0, cop_points=((0.0, 3.0), (10.0, 5.0)), min_power_kw=0.5)


def run(kind: AssetKind, asked: list[float] | None) -> tuple[Plan, tuple[Violation, ...]]:
    schedule = {} if asked is None else {"sites/home/assets/x": AssetSchedule(np.array(asked))}
    of = problem(HORIZON, site(asset("x", kind), tariff=prices(HORIZON, [0.2] * 3, 0.1)))
    return simulate(of, Schedule(schedule))


def powers(plan: Plan) -> list[float]:
    return [float(value) for value in plan.sites[0].assets[0].powers_kw]


def battery() -> Battery:
    return Battery(
        capacity_kwh=10,
        max_charge_power_kw=5,
        max_discharge_power_kw=5,
        initial_soc_ratio=0.5,
        charge_efficiency_ratio=0.9,
        discharge_efficiency_ratio=0.9,
    )


def test_a_battery_is_neither_over_filled_nor_over_drawn() -> None:
    plan, violations = run(battery(), [8.0, 5.0, -5.0])
    assert powers(plan) == pytest.approx([5.0, 0.5 / 0.9, -5.0], abs=1e-3)
    socs = plan.sites[0].assets[0].soc_ratios
    assert socs is not None
    assert socs.tolist() == pytest.approx([0.5, 0.95, 1.0, 1.0 - 0.5 / 0.9], abs=1e-4)
    assert [each.constraint for each in violations] == ["max_power", "stored_energy"]
    assert [each.asked for each in violations] == pytest.approx([8000, 5000])
    assert violations[0].physical
    assert "x: asked for 8000 W at 2026-03-02 12:00Z" in violations[0].message


def test_the_true_cost_is_the_kernels_bill_of_what_really_flows() -> None:
    plan, _ = run(battery(), [8.0, 5.0, -5.0])
    assert plan.total_cost == pytest.approx(0.2 * (5 + 0.5 / 0.9) - 0.1 * 5, abs=1e-4)


def test_leaving_the_window_is_a_violation_but_not_of_physics() -> None:
    kind = Battery(
        capacity_kwh=10,
        max_charge_power_kw=5,
        max_discharge_power_kw=5,
        initial_soc_ratio=0.3,
        min_soc_ratio=0.2,
    )
    plan, (violation,) = run(kind, [-2.0, 0.0, 0.0])
    assert not violation.physical
    assert violation.constraint == "min_soc"
    assert plan.unmet_requirements[0].shortfall == pytest.approx(1.0)


def test_an_asset_without_a_schedule_follows_its_uncontrolled_behaviour() -> None:
    session = EvSession(
        id="ev",
        arrival=START + timedelta(hours=1),
        departure=START + timedelta(hours=3),
        capacity_kwh=50,
        initial_soc_ratio=0.2,
        target_energy_kwh=15,
    )
    washer = DeferrableLoad(run=ProfileRun(powers_kw=np.array([1.0, 2.0])))
    pump = DeferrableLoad(run=InterruptibleRun(energy_kwh=2.5, max_power_kw=1.0))
    assert powers(run(EvCharger(max_current_a=16, sessions=(session,)), None)[0]) == (
        pytest.approx([0.0, 11.04, 3.96])
    )
    assert powers(run(washer, None)[0]) == pytest.approx([1.0, 2.0, 0.0])
    assert powers(run(pump, None)[0]) == pytest.approx([1.0, 1.0, 0.5])
    assert powers(run(battery(), None)[0]) == [0.0, 0.0, 0.0]
    assert powers(run(RenewableSource(powers_kw=np.full(3, -2.0)), None)[0]) == [-2.0] * 3


def test_what_cannot_be_moved_stays_and_is_named() -> None:
    load = FixedLoad(powers_kw=np.array([1.0, 1.0, 1.0]))
    plan, (violation,) = run(load, [1.0, 0.0, 1.0])
    assert powers(plan) == [1.0, 1.0, 1.0]
    assert violation.constraint == "fixed_load"
    pv = RenewableSource(powers_kw=np.array([-2.0, -2.0, 0.0]), curtailable=True)
    plan, (violation,) = run(pv, [-1.0, -3.0, 0.0])
    assert powers(plan) == [-1.0, -2.0, 0.0]
    assert violation.constraint == "available_power"


def test_a_vehicle_that_is_not_there_does_not_charge() -> None:
    session = EvSession(
        id="ev",
        arrival=START + timedelta(hours=1),
        departure=START + timedelta(hours=2),
        capacity_kwh=50,
        initial_soc_ratio=0.9,
    )
    charger = EvCharger(max_current_a=16, min_current_a=6, sessions=(session,))
    plan, violations = run(charger, [5.0, 2.0, 0.0])
    assert powers(plan) == [0.0, 0.0, 0.0]
    assert {each.constraint for each in violations} == {"not_present", "min_power"}


def test_machines_step_to_what_they_can_do() -> None:
    generator = Generator(
        max_output_power_kw=4, min_output_power_kw=2, min_up_duration=timedelta(hours=2)
    )
    plan, violations = run(generator, [-1.5, 0.0, -9.0])
    assert powers(plan) == [-2.0, 0.0, -4.0]
    assert [each.constraint for each in violations] == [
        "min_power",
        "max_power",
        "min_on_duration",
    ]


def test_a_profile_once_started_runs_through() -> None:
    washer = DeferrableLoad(run=ProfileRun(powers_kw=np.array([1.0, 2.0])))
    plan, violations = run(washer, [1.0, 0.0, 0.0])
    assert powers(plan) == [1.0, 2.0, 0.0]
    assert [each.constraint for each in violations] == ["profile"]


def test_the_zones_step_is_the_textbooks() -> None:
    zone = HvacZone(
        air_capacity_kwh_per_k=2.0,
        air_outdoor_resistance_k_per_kw=5.0,
        initial_air_temperature_celsius=20.0,
        outdoor_temperatures_celsius=np.zeros(3),
        occupied_band=ComfortBand(min_temperature_celsius=20, max_temperature_celsius=24),
    )
    step = zone_step(zone, 10.0)
    assert float(step.a[0, 0]) * 20 == pytest.approx(7.358, abs=1e-3)


def test_a_zone_of_second_order_conserves_energy_and_settles_outdoors() -> None:
    zone = HvacZone(
        air_capacity_kwh_per_k=0.5,
        air_outdoor_resistance_k_per_kw=5.0,
        mass_capacity_kwh_per_k=4.0,
        air_mass_resistance_k_per_kw=0.5,
        initial_air_temperature_celsius=20.0,
        outdoor_temperatures_celsius=np.full(3, 5.0),
        occupied_band=ComfortBand(min_temperature_celsius=20, max_temperature_celsius=24),
    )
    step, half = zone_step(zone, 1.0), zone_step(zone, 0.5)
    state = np.array([20.0, 18.0])
    inputs = half.b_outdoor * 5.0 + half.b_heat * 2.0
    twice = half.a @ (half.a @ state + inputs) + inputs
    once = step.a @ state + step.b_outdoor * 5.0 + step.b_heat * 2.0
    assert once.tolist() == pytest.approx(twice.tolist())
    for _ in range(1000):
        state = step.a @ state + step.b_outdoor * 5.0
    assert state.tolist() == pytest.approx([5.0, 5.0])


def test_heat_pumps_keep_to_their_range_and_thermostats_to_the_top() -> None:
    tank = ThermalTank(
        capacity_kwh_per_k=0.25,
        initial_temperature_celsius=50,
        min_temperature_celsius=45,
        max_temperature_celsius=60,
        heater=PUMP,
        draw_heats_kw=np.zeros(3),
        outdoor_temperatures_celsius=np.full(3, 5.0),
    )
    assert PUMP.cop_ratios(np.array([-5.0, 5.0, 15.0])).tolist() == [3.0, 4.0, 5.0]
    assert tank_step(tank, 0.5).b_heat * 2 == pytest.approx(4.0)
    plan, violations = run(tank, [0.1, 0.5, 2.0])
    assert powers(plan) == pytest.approx([0.0, 0.5, 0.125])
    assert [each.constraint for each in violations] == ["min_power", "max_temperature"]


def test_a_zone_without_a_machine_cannot_be_cooled() -> None:
    zone = HvacZone(
        air_capacity_kwh_per_k=2.0,
        air_outdoor_resistance_k_per_kw=5.0,
        initial_air_temperature_celsius=22.0,
        outdoor_temperatures_celsius=np.full(3, 5.0),
        occupied_band=ComfortBand(min_temperature_celsius=20, max_temperature_celsius=24),
        heating=PUMP,
    )
    of = problem(HORIZON, site(asset("x", zone)))
    asked = AssetSchedule(np.full(3, 1.0), heating_kw=np.zeros(3))
    plan, violations = simulate(of, Schedule({"sites/home/assets/x": asked}))
    assert powers(plan) == [0.0, 0.0, 0.0]
    assert {each.constraint for each in violations} == {"no_machine"}
