"""A generator is not planned on while it is maintained."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.unit.optimizer.sites import START, asset, horizon_of, power, prices, problem, site, solve
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator
from wattmesh_optimizer.domain.schedule import Schedule
from wattmesh_optimizer.domain.trajectory import simulate

HOUR = timedelta(hours=1)
SET = Generator(
    max_output_power_kw=5.0,
    fuel_cost_per_kwh=0.2,
    maintenance_ranges=(TimeRange.of(START + 2 * HOUR, HOUR),),
)


@pytest.mark.parametrize("least_kw", [0.0, 2.0])
def test_dear_hours_are_bought_while_the_generator_is_maintained(least_kw: float) -> None:
    horizon = horizon_of(4)
    home = site(
        asset("load", FixedLoad(powers_kw=np.full(4, 4.0))),
        asset("set", replace(SET, min_output_power_kw=least_kw)),
        tariff=prices(horizon, [0.5] * 4),
    )
    of = problem(horizon, home)
    plan = solve(of)
    assert power(plan, "set") == pytest.approx([-4.0, -4.0, 0.0, -4.0])
    _, violations = simulate(of, Schedule.of(plan))
    assert not violations
