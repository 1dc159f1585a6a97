"""One worked case for each kind of asset."""

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
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.sites import Phase
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun, ProfileRun
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator, OnOffState, RenewableSource
from wattmesh_optimizer.domain.plan import CostCause
from wattmesh_optimizer.domain.schedule import Schedule
from wattmesh_optimizer.domain.site import Node, PowerLimits
from wattmesh_optimizer.domain.storage import (
    Battery,
    EarlyDeparture,
    EvCharger,
    EvSession,
    SocPowerLimit,
)
from wattmesh_optimizer.domain.thermal import ComfortBand, HeatPump, HvacZone, ThermalTank
from wattmesh_optimizer.domain.trajectory import simulate

HOUR = timedelta(hours=1)


def battery(**more: object) -> Battery:
    given = {
        "capacity_kwh": 10.0,
        "max_charge_power_kw": 4.0,
        "max_discharge_power_kw": 4.0,
        "initial_soc_ratio": 0.0,
    }
    return Battery(**{**given, **more})  # type: ignore[arg-type]


def test_a_battery_buys_cheap_and_serves_the_load_when_it_is_dear() -> None:
    horizon = horizon_of(2)
    load = FixedLoad(powers_kw=np.array([0.0, 3.0]))
    store = battery(charge_efficiency_ratio=0.9, discharge_efficiency_ratio=0.9)
    tariff = prices(horizon, [0.1, 0.5])
    plan = solve(
        problem(horizon, site(asset("load", load), asset("battery", store), tariff=tariff))
    )
    assert power(plan, "battery").tolist() == pytest.approx([3 / 0.81, -3.0])
    assert plan.total_cost == pytest.approx(0.1 * 3 / 0.81)


def test_wear_keeps_a_battery_idle_when_the_spread_does_not_pay_for_it() -> None:
    horizon = horizon_of(2)
    load = FixedLoad(powers_kw=np.array([0.0, 3.0]))
    store = battery(wear_cost_per_kwh=0.2)
    tariff = prices(horizon, [0.1, 0.4])
    plan = solve(
        problem(horizon, site(asset("load", load), asset("battery", store), tariff=tariff))
    )
    assert power(plan, "battery").tolist() == pytest.approx([0.0, 0.0])


def test_stored_energy_is_kept_when_its_terminal_value_exceeds_the_price() -> None:
    horizon = horizon_of(1)
    load = FixedLoad(powers_kw=np.array([2.0]))
    tariff = prices(horizon, [0.3])
    for value, expected in ((0.4, 4.0), (0.3, 0.0), (0.2, -2.0)):
        store = battery(initial_soc_ratio=0.5, terminal_value_per_kwh=value, wear_cost_per_kwh=0.01)
        plan = solve(
            problem(horizon, site(asset("load", load), asset("battery", store), tariff=tariff))
        )
        assert power(plan, "battery")[0] == pytest.approx(expected)


def test_charging_tapers_with_the_state_of_charge() -> None:
    """Limit 4 kW up to 50 %, falling to 0 at 100 %: the limit holds at the end of the hour too."""
    horizon = horizon_of(2)
    limits = (
        SocPowerLimit(soc_ratio=0.5, max_charge_power_kw=4, max_discharge_power_kw=4),
        SocPowerLimit(soc_ratio=1.0, max_charge_power_kw=0, max_discharge_power_kw=4),
    )
    store = battery(initial_soc_ratio=0.5, terminal_value_per_kwh=1.0, soc_power_limits=limits)
    plan = solve(
        problem(horizon, site(asset("battery", store), tariff=prices(horizon, [0.1, 0.1])))
    )
    first = 4 / 1.8  # p = 0.8 x (5 - p)
    second = 0.8 * (5 - first) / 1.8
    assert power(plan, "battery").tolist() == pytest.approx([first, second], abs=1e-4)


def test_a_power_limit_that_rises_with_the_state_of_charge_selects_its_segment() -> None:
    """1 kW below 20 %, 4 kW from 40 % on: not concave, so the linear programme cannot hold it."""
    horizon = horizon_of(4)
    limits = (
        SocPowerLimit(soc_ratio=0.2, max_charge_power_kw=1, max_discharge_power_kw=4),
        SocPowerLimit(soc_ratio=0.4, max_charge_power_kw=4, max_discharge_power_kw=4),
    )
    store = battery(terminal_value_per_kwh=1.0, soc_power_limits=limits)
    plan = solve(problem(horizon, site(asset("battery", store), tariff=prices(horizon, [0.1] * 4))))
    assert plan.solver is not None
    assert plan.solver.mixed_integer
    assert power(plan, "battery").tolist() == pytest.approx([1.0, 1.0, 1.0, 2.5], abs=1e-3)


def test_a_minimum_charging_power_is_kept_or_not_charged_at_all() -> None:
    horizon = horizon_of(2)
    pv = RenewableSource(powers_kw=np.array([-1.0, -3.0]))
    store = battery(min_charge_power_kw=2.0, terminal_value_per_kwh=0.2)
    plan = solve(
        problem(
            horizon,
            site(asset("pv", pv), asset("battery", store), tariff=prices(horizon, [0.5] * 2)),
        )
    )
    assert power(plan, "battery").tolist() == pytest.approx([0.0, 3.0], abs=1e-6)


def ev(**more: object) -> EvSession:
    given = {
        "id": "ev1",
        "arrival": START,
        "departure": START + 4 * HOUR,
        "capacity_kwh": 50.0,
        "initial_soc_ratio": 0.2,
    }
    return EvSession(**{**given, **more})  # type: ignore[arg-type]


def test_a_vehicle_charges_in_the_cheapest_hours_of_its_stay() -> None:
    horizon = horizon_of(6)
    charger = EvCharger(max_current_a=16, sessions=(ev(target_energy_kwh=20.0),))
    plan = solve(
        problem(
            horizon,
            site(asset("ev", charger), tariff=prices(horizon, [0.4, 0.1, 0.3, 0.2, 0.01, 0.01])),
        )
    )
    assert power(plan, "ev").tolist() == pytest.approx([0, 11.04, 0, 8.96, 0, 0], abs=1e-6)
    socs = plan.asset("sites/home/assets/ev").session_soc_ratios["ev1"]
    assert socs[-1] == pytest.approx(0.6)


def leaving(*ratios: float) -> tuple[EarlyDeparture, ...]:
    """That many have left by the end of each hour."""
    return tuple(
        EarlyDeparture(time=START + hour * HOUR, ratio=ratio) for hour, ratio in enumerate(ratios)
    )


@pytest.mark.parametrize(
    ("left_by_the_first_hour", "charged_kw"),
    [(0.08, [0.0, 10.0]), (0.12, [10.0, 0.0])],
)
def test_a_vehicle_waits_for_a_lower_price_only_while_few_enough_leave(
    left_by_the_first_hour: float, charged_kw: list[float]
) -> None:
    horizon = horizon_of(2)
    session = ev(
        departure=START + 2 * HOUR,
        target_energy_kwh=10.0,
        early_departures=leaving(0.0, left_by_the_first_hour, left_by_the_first_hour),
        early_departure_price_per_kwh=6.0,
    )
    charger = EvCharger(max_current_a=32, sessions=(session,))
    plan = solve(problem(horizon, site(asset("ev", charger), tariff=prices(horizon, [0.4, 0.1]))))

    assert power(plan, "ev").tolist() == pytest.approx(charged_kw, abs=1e-6)


def test_what_is_expected_to_be_missed_is_a_cost_of_the_plan() -> None:
    horizon = horizon_of(2)
    session = ev(
        departure=START + 2 * HOUR,
        target_energy_kwh=10.0,
        early_departures=leaving(0.0, 0.2, 0.2),
        early_departure_price_per_kwh=0.5,
    )
    charger = EvCharger(max_current_a=32, sessions=(session,))
    plan = solve(problem(horizon, site(asset("ev", charger), tariff=prices(horizon, [0.4, 0.1]))))

    assert cost(plan, CostCause.RISK) == pytest.approx(10.0 * 0.2 * 0.5)


def test_of_two_vehicles_the_one_that_may_leave_first_is_charged_first() -> None:
    horizon = horizon_of(4)
    chargers = [
        asset(
            name,
            EvCharger(
                max_current_a=32,
                sessions=(ev(id=name, target_energy_kwh=10.0, early_departures=departures),),
            ),
        )
        for name, departures in (
            ("calm", leaving(0.0, 0.01, 0.02, 0.03)),
            ("hasty", leaving(0.0, 0.2, 0.4, 0.6)),
        )
    ]
    limits = PowerLimits(max_import_power_kw=10.0)
    plan = solve(problem(horizon, site(*chargers, limits=limits)))

    assert power(plan, "hasty").tolist() == pytest.approx([10, 0, 0, 0], abs=1e-6)
    assert power(plan, "calm").tolist() == pytest.approx([0, 10, 0, 0], abs=1e-6)


def test_early_departures_that_do_not_rise_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="must rise"):
        ev(early_departures=leaving(0.5, 0.2))


def test_a_single_phase_charger_has_a_third_of_the_power() -> None:
    horizon = horizon_of(4)
    charger = EvCharger(max_current_a=16, sessions=(ev(target_energy_kwh=60.0),))
    plan = solve(problem(horizon, site(asset("ev", charger, phase=Phase.L1))))
    assert power(plan, "ev").max() == pytest.approx(3.68)


def test_an_interval_the_vehicle_covers_in_part_counts_in_part() -> None:
    horizon = horizon_of(2)
    stay = ev(arrival=START + 0.5 * HOUR, departure=START + HOUR, target_energy_kwh=30.0)
    charger = EvCharger(max_current_a=16, sessions=(stay,))
    plan = solve(problem(horizon, site(asset("ev", charger))))
    assert power(plan, "ev").tolist() == pytest.approx([5.52, 0.0])


def test_a_minimum_current_makes_a_vehicle_wait_for_enough_sun() -> None:
    horizon = horizon_of(4)
    pv = RenewableSource(powers_kw=np.array([-2.0, -5.0, -5.0, -2.0]))
    charger = EvCharger(max_current_a=16, min_current_a=6, sessions=(ev(target_energy_kwh=10.0),))
    plan = solve(
        problem(
            horizon, site(asset("pv", pv), asset("ev", charger), tariff=prices(horizon, [0.5] * 4))
        )
    )
    assert power(plan, "ev").tolist() == pytest.approx([0, 5, 5, 0], abs=1e-6)


def test_a_requirement_beyond_the_horizon_is_required_only_as_far_as_later_is_too_late() -> None:
    """33 kWh by two hours after the horizon: 22.08 kWh can wait, 10.92 kWh cannot."""
    horizon = horizon_of(2)
    stay = ev(departure=START + 4 * HOUR, target_energy_kwh=33.0, initial_soc_ratio=0.0)
    charger = EvCharger(max_current_a=16, sessions=(stay,))
    plan = solve(problem(horizon, site(asset("ev", charger), tariff=prices(horizon, [0.3, 0.2]))))
    assert power(plan, "ev").sum() == pytest.approx(33.0 - 22.08)
    assert plan.unmet_requirements == ()


def test_vehicles_that_follow_each_other_share_the_interval_by_time() -> None:
    horizon = horizon_of(2)
    first = ev(departure=START + 0.5 * HOUR, target_energy_kwh=30.0)
    second = ev(id="ev2", arrival=START + 0.5 * HOUR, departure=START + HOUR, target_energy_kwh=30)
    charger = EvCharger(max_current_a=16, sessions=(first, second))
    of = problem(horizon, site(asset("ev", charger), tariff=prices(horizon, [0.3] * 2)))
    plan = solve(of)
    assert power(plan, "ev").tolist() == pytest.approx([11.04, 0.0])
    simulated, violations = simulate(of, Schedule.of(plan))
    assert violations == ()
    assert simulated.total_cost == pytest.approx(plan.total_cost)


def test_vehicle_to_grid_serves_the_evening_and_is_full_at_departure() -> None:
    horizon = horizon_of(3)
    stay = ev(departure=START + 3 * HOUR, initial_soc_ratio=0.5, target_soc_ratio=0.5)
    charger = EvCharger(max_current_a=16, max_discharge_power_kw=3, sessions=(stay,))
    load = FixedLoad(powers_kw=np.array([2.0, 0.0, 0.0]))
    plan = solve(
        problem(
            horizon,
            site(asset("load", load), asset("ev", charger), tariff=prices(horizon, [1, 0.1, 0.1])),
        )
    )
    assert power(plan, "ev")[0] == pytest.approx(-2.0)
    assert power(plan, "ev").sum() == pytest.approx(0.0)


def zone(**more: object) -> HvacZone:
    given = {
        "air_capacity_kwh_per_k": 2.0,
        "air_outdoor_resistance_k_per_kw": 5.0,
        "initial_air_temperature_celsius": 20.0,
        "outdoor_temperatures_celsius": np.full(4, 0.0),
        "occupied_band": ComfortBand(min_temperature_celsius=20, max_temperature_celsius=24),
        "heating": HeatPump(max_power_kw=4.0, cop_points=((0.0, 3.0),)),
        "discomfort_price_per_kelvin_hour": 5.0,
    }
    return HvacZone(**{**given, **more})  # type: ignore[arg-type]


def test_a_zone_is_heated_ahead_of_dear_hours() -> None:
    horizon = horizon_of(4)
    plan = solve(
        problem(horizon, site(asset("zone", zone()), tariff=prices(horizon, [0.1, 0.1, 1, 1])))
    )
    temperatures = plan.asset("sites/home/assets/zone").temperatures_celsius
    assert temperatures is not None
    assert temperatures[2] > 22
    assert temperatures[1:].min() >= 20 - 1e-6
    even = solve(problem(horizon, site(asset("zone", zone()), tariff=prices(horizon, [0.1] * 4))))
    kept = even.asset("sites/home/assets/zone").temperatures_celsius
    assert kept is not None
    assert kept.tolist() == pytest.approx([20.0] * 5)


def test_a_mass_node_stores_more_than_air_alone() -> None:
    horizon = horizon_of(4)
    tariff = prices(horizon, [0.05, 0.05, 1, 1])
    heavy = zone(
        air_capacity_kwh_per_k=0.5, mass_capacity_kwh_per_k=6.0, air_mass_resistance_k_per_kw=0.3
    )
    light = zone(air_capacity_kwh_per_k=0.5)
    costs = [
        solve(problem(horizon, site(asset("zone", each), tariff=tariff))).total_cost
        for each in (heavy, light)
    ]
    assert costs[0] < 0.8 * costs[1]


def test_cooling_uses_the_sun_and_an_empty_zone_may_drift() -> None:
    horizon = horizon_of(4)
    hot = zone(
        heating=None,
        cooling=HeatPump(max_power_kw=4.0, cop_points=((0.0, 3.0),)),
        outdoor_temperatures_celsius=np.full(4, 35.0),
        initial_air_temperature_celsius=24.0,
        unoccupied_band=ComfortBand(min_temperature_celsius=10, max_temperature_celsius=40),
        occupancy_ratios=np.array([1.0, 1.0, 0.0, 0.0]),
    )
    plan = solve(problem(horizon, site(asset("zone", hot), tariff=prices(horizon, [0.2] * 4))))
    assert (power(plan, "zone")[:2] > 0.1).all()
    assert power(plan, "zone")[2:].tolist() == pytest.approx([0.0, 0.0], abs=1e-6)


def test_a_tank_is_charged_before_the_draw_and_stays_below_its_top() -> None:
    horizon = horizon_of(3)
    tank = ThermalTank(
        capacity_kwh_per_k=0.25,
        initial_temperature_celsius=50,
        min_temperature_celsius=50,
        max_temperature_celsius=60,
        heater=HeatPump(max_power_kw=3.0, cop_points=((0.0, 1.0),)),
        draw_heats_kw=np.array([0.0, 0.0, 2.5]),
    )
    plan = solve(
        problem(horizon, site(asset("tank", tank), tariff=prices(horizon, [0.1, 0.2, 0.9])))
    )
    assert power(plan, "tank").tolist() == pytest.approx([2.5, 0.0, 0.0], abs=1e-6)


def test_a_once_started_run_takes_the_cheapest_stretch_of_its_window() -> None:
    horizon = horizon_of(6)
    load = DeferrableLoad(
        run=ProfileRun(powers_kw=np.array([1.0, 2.0])), latest_end=START + 5 * HOUR
    )
    tariff = prices(horizon, [0.3, 0.2, 0.25, 0.1, 0.2, 0.0])
    plan = solve(problem(horizon, site(asset("washer", load), tariff=tariff)))
    assert power(plan, "washer").tolist() == pytest.approx([0, 0, 1, 2, 0, 0], abs=1e-6)


def test_a_run_in_progress_goes_on_and_one_that_can_wait_waits() -> None:
    horizon = horizon_of(3)
    profile = np.array([1.0, 2.0, 3.0])
    running = DeferrableLoad(run=ProfileRun(powers_kw=profile, elapsed_count=2))
    waiting = DeferrableLoad(run=ProfileRun(powers_kw=profile), latest_end=START + 24 * HOUR)
    parts = (asset("running", running), asset("waiting", waiting))
    plan = solve(problem(horizon, site(*parts, tariff=prices(horizon, [0.3] * 3))))
    assert power(plan, "running").tolist() == pytest.approx([3.0, 0.0, 0.0])
    assert power(plan, "waiting").sum() == pytest.approx(0.0)
    assert plan.unmet_requirements == ()


def test_minimum_on_and_off_times_carry_across_windows() -> None:
    """On for one hour of a minimum of three: it stays on two more, however dear."""
    horizon = horizon_of(6)
    run = InterruptibleRun(
        energy_kwh=3,
        max_power_kw=1,
        min_power_kw=1,
        min_on_duration=3 * HOUR,
        min_off_duration=2 * HOUR,
        initial_state=OnOffState(on=True, duration=HOUR),
    )
    load = DeferrableLoad(run=run)
    tariff = prices(horizon, [0.9, 0.9, 0.05, 0.1, 0.1, 0.1])
    plan = solve(problem(horizon, site(asset("pump", load), tariff=tariff)))
    assert power(plan, "pump")[:3].tolist() == pytest.approx([1.0, 1.0, 1.0], abs=1e-6)
    assert power(plan, "pump").sum() == pytest.approx(3.0)


def test_a_generator_starts_only_when_its_start_pays() -> None:
    horizon = horizon_of(4)
    load = FixedLoad(powers_kw=np.full(4, 2.0))
    generator = Generator(
        max_output_power_kw=4,
        min_output_power_kw=1,
        start_cost=1.0,
        fuel_cost_per_kwh=0.2,
        min_up_duration=2 * HOUR,
    )
    parts = (asset("load", load), asset("generator", generator))
    one_hour = solve(problem(horizon, site(*parts, tariff=prices(horizon, [0.1, 0.5, 0.1, 0.1]))))
    assert power(one_hour, "generator").tolist() == pytest.approx([0.0] * 4, abs=1e-6)
    two_hours = solve(problem(horizon, site(*parts, tariff=prices(horizon, [0.1, 0.6, 0.6, 0.1]))))
    assert power(two_hours, "generator").tolist() == pytest.approx([0, -2, -2, 0], abs=1e-6)
    assert cost(two_hours, CostCause.GENERATION) == pytest.approx(1.0 + 4 * 0.2)


def test_a_shared_inverter_limits_pv_and_battery_together() -> None:
    horizon = horizon_of(1)
    pv = RenewableSource(powers_kw=np.array([-6.0]))
    store = battery(initial_soc_ratio=1.0)
    inverter = Node(
        id="inverter",
        limits=PowerLimits(max_import_power_kw=5, max_export_power_kw=5),
        import_efficiency_ratio=0.95,
        export_efficiency_ratio=0.95,
    )
    plan = solve(
        problem(
            horizon,
            site(
                asset("pv", pv, node_id="inverter"),
                asset("battery", store, node_id="inverter"),
                nodes=(inverter,),
                tariff=prices(horizon, [0.3], 0.2),
            ),
        )
    )
    assert plan.sites[0].export_kw[0] == pytest.approx(5.0)
    assert plan.sites[0].node_flows_kw["inverter"][0] == pytest.approx(-5.0)
    assert plan.unmet_requirements == ()


def test_a_phase_limit_holds_a_single_phase_charger_back() -> None:
    horizon = horizon_of(4)
    load = FixedLoad(powers_kw=np.full(4, 3.0))
    charger = EvCharger(max_current_a=32, sessions=(ev(target_energy_kwh=12.0),))
    plan = solve(
        problem(
            horizon,
            site(
                asset("load", load),
                asset("ev", charger, phase=Phase.L2),
                limits=PowerLimits(max_phase_import_power_kw=4.0),
                tariff=prices(horizon, [0.1, 0.4, 0.4, 0.4]),
            ),
        )
    )
    assert power(plan, "ev").max() == pytest.approx(3.0)
    assert plan.unmet_requirements == ()
