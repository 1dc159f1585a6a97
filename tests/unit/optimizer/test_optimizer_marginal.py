"""What one more unit is said to be worth is what it saves, however many bounds meet."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from numpy.random import Generator as Random

from tests.truth.optimizer.electrical import add_battery
from tests.truth.optimizer.home import random_home
from tests.unit.optimizer.sites import solve
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.storage import Battery

STEP_KW = 1e-4
NAME = "sites/home/assets/battery"
Field = Literal["max_charge_power_kw", "max_discharge_power_kw"]


def battery_problem(random: Random) -> Problem:
    home = random_home(random)
    add_battery(random, home)
    home.connect()
    return home.case().problem


def cost_with(problem: Problem, field: Field, more_kw: float) -> float:
    site = problem.sites[0]
    (battery,) = (each for each in site.assets if isinstance(each.kind, Battery))
    assert isinstance(battery.kind, Battery)
    powers = {field: getattr(battery.kind, field) + more_kw}
    other = replace(battery, kind=replace(battery.kind, **powers))
    assets = tuple(other if each is battery else each for each in site.assets)
    return solve(replace(problem, sites=(replace(site, assets=assets),))).total_cost


@pytest.mark.parametrize("seed", range(6))
def test_one_more_kw_of_a_battery_is_worth_what_it_saves(seed: int) -> None:
    problem = battery_problem(np.random.default_rng(seed))
    explanation = solve(problem, explain=True).explanation
    assert explanation is not None
    said = {
        each.quantity: each.value_per_unit
        for each in explanation.marginal_values
        if each.subject == NAME
    }
    fields: tuple[tuple[str, Field], ...] = (
        ("charge_power", "max_charge_power_kw"),
        ("discharge_power", "max_discharge_power_kw"),
    )
    for quantity, field in fields:
        less, same, more = (cost_with(problem, field, n * STEP_KW) for n in (-1, 0, 1))
        one_less, one_more = (less - same) / STEP_KW, (same - more) / STEP_KW
        worth = said.get(quantity, 0.0)
        assert min(one_less, one_more) - 1e-4 <= worth <= max(one_less, one_more) + 1e-4
