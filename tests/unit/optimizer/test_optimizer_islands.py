"""Without the grid what is critical comes first: from battery, generator set and vehicle."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.unit.optimizer.sites import START, asset, horizon_of, power, prices, problem, site, solve
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator
from wattmesh_optimizer.domain.islanding import critical_energy_kwh
from wattmesh_optimizer.domain.site import IslandingReserve
from wattmesh_optimizer.domain.storage import Battery, EvCharger, EvSession

HOUR = timedelta(hours=1)
HORIZON = horizon_of(6)
DARK = (TimeRange(HORIZON.start, HORIZON.end),)
LOAD = FixedLoad(powers_kw=np.full(6, 3.0), critical_powers_kw=np.full(6, 1.0))
STORE = Battery(
    capacity_kwh=6.0, max_charge_power_kw=5.0, max_discharge_power_kw=5.0, initial_soc_ratio=1.0
)
SET = Generator(max_output_power_kw=2.0, min_output_power_kw=1.0, fuel_cost_per_kwh=0.5)
PLUGGED_IN = EvCharger(
    max_current_a=16.0,
    max_discharge_power_kw=5.0,
    sessions=(
        EvSession(
            id="car",
            arrival=START,
            departure=START + 24 * HOUR,
            capacity_kwh=50.0,
            initial_soc_ratio=0.8,
            min_soc_ratio=0.2,
            target_soc_ratio=0.3,
        ),
    ),
)


def test_a_battery_that_bears_only_what_is_critical_lasts_to_the_end() -> None:
    plan = solve(problem(HORIZON, site(asset("l", LOAD), asset("b", STORE), islanded_ranges=DARK)))
    assert (power(plan, "l") >= 1.0 - 1e-6).all(), "nothing critical goes without"
    assert power(plan, "l").sum() == pytest.approx(6.0)
    assert not plan.unmet_requirements or all(
        "misses" not in each.message for each in plan.unmet_requirements
    )


def test_a_generator_set_carries_what_the_battery_does_not() -> None:
    home = site(asset("l", LOAD), asset("b", STORE), asset("g", SET), islanded_ranges=DARK)
    plan = solve(problem(HORIZON, home))
    given = -power(plan, "g")
    assert power(plan, "l").sum() == pytest.approx(18.0), "12 kWh by the set, 6 by the battery"
    assert ((given < 1e-6) | ((given >= 1.0 - 1e-6) & (given <= 2.0 + 1e-6))).all()


def test_a_vehicle_that_can_gives_back() -> None:
    home = site(asset("l", LOAD), asset("ev", PLUGGED_IN), islanded_ranges=DARK)
    plan = solve(problem(HORIZON, home))
    assert power(plan, "l").sum() == pytest.approx(18.0)
    assert power(plan, "ev").sum() == pytest.approx(-18.0)


def test_a_generator_that_counts_spares_the_battery_unless_it_is_maintained() -> None:
    reserve = IslandingReserve(duration=3 * HOUR, generators_count=True)
    small = replace(SET, max_output_power_kw=0.75, min_output_power_kw=0.0)
    home = site(asset("l", LOAD), asset("b", STORE), asset("g", small), islanding_reserve=reserve)
    assert critical_energy_kwh(home, HORIZON) == pytest.approx(np.full(6, 0.75))
    alone = replace(home, islanding_reserve=IslandingReserve(duration=3 * HOUR))
    assert critical_energy_kwh(alone, HORIZON) == pytest.approx(np.full(6, 3.0))
    maintained = replace(small, maintenance_ranges=DARK)
    without = site(
        asset("l", LOAD), asset("b", STORE), asset("g", maintained), islanding_reserve=reserve
    )
    assert critical_energy_kwh(without, HORIZON) == pytest.approx(np.full(6, 3.0))


def test_what_readiness_costs_is_said_where_it_binds() -> None:
    home = site(
        asset("l", LOAD),
        asset("b", STORE),
        tariff=prices(HORIZON, [0.2, 0.2, 0.2, 0.5, 0.5, 0.5]),
        islanding_reserve=IslandingReserve(duration=4 * HOUR),
    )
    plan = solve(problem(HORIZON, home), explain=True)
    assert plan.explanation is not None
    (said,) = (
        each.message
        for each in plan.explanation.binding_constraints
        if each.constraint == "islanding_reserve"
    )
    assert "1 kWh less energy held for an outage would save 0.50 EUR" in said
