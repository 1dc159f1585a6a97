"""A vehicle that came with more than it needs may sell the difference."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests.unit.optimizer.laws import broken_laws
from tests.unit.optimizer.sites import START, asset, horizon_of, power, prices, problem, site, solve
from wattmesh_optimizer.domain.electrical import FixedLoad
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.storage import EvCharger, EvSession


def stay(hours: int = 4, discharge_kw: float = 5.0, **more: Any) -> Problem:
    """A vehicle with 80 % of 50 kWh beside a load that pays 0.40 a kWh."""
    horizon = horizon_of(4)
    session = EvSession(
        id="ev",
        arrival=START,
        departure=START + timedelta(hours=hours),
        capacity_kwh=50,
        initial_soc_ratio=0.8,
        **more,
    )
    charger = EvCharger(max_current_a=16, max_discharge_power_kw=discharge_kw, sessions=(session,))
    load = FixedLoad(powers_kw=np.full(4, 5.0))
    home = site(asset("load", load), asset("ev", charger), tariff=prices(horizon, [0.4] * 4))
    return problem(horizon, home)


def test_energy_above_the_target_is_sold_and_no_more() -> None:
    of = stay(target_soc_ratio=0.6)
    plan = solve(of)
    assert -power(plan, "ev").sum() == pytest.approx(10.0)
    assert plan.total_cost == pytest.approx((20.0 - 10.0) * 0.4)
    assert plan.unmet_requirements == ()
    assert list(broken_laws(of, plan)) == []


def test_a_plan_that_ends_before_the_departure_keeps_the_target_too() -> None:
    of = stay(hours=8, target_soc_ratio=0.6)
    assert -power(solve(of), "ev").sum() == pytest.approx(10.0)
    assert list(broken_laws(of, solve(of))) == []


def test_nothing_is_sold_where_nobody_said_what_is_needed_or_the_way_back_is_closed() -> None:
    assert np.abs(power(solve(stay()), "ev")).max() < 1e-6
    assert np.abs(power(solve(stay(target_energy_kwh=0.0)), "ev")).max() < 1e-6
    one_way = stay(target_soc_ratio=0.6, discharge_kw=0.0)
    assert np.abs(power(solve(one_way), "ev")).max() < 1e-6


def test_what_is_worth_keeping_is_kept() -> None:
    of = stay(target_soc_ratio=0.6, terminal_value_per_kwh=0.5)
    assert -power(solve(of), "ev").sum() <= 1e-6
    assert list(broken_laws(of, solve(of))) == []
