"""What stored energy is worth: held against an independent programme, and in plain cases."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from wattmesh_kernel.sites import BatteryRating
from wattmesh_planner.domain.worth import Outlook, values_of

EFFICIENCY = 0.9**0.5
RATING = BatteryRating(
    capacity_wh=6_400.0,
    max_charge_power_w=5_000.0,
    max_discharge_power_w=5_000.0,
    charge_efficiency_ratio=EFFICIENCY,
    discharge_efficiency_ratio=EFFICIENCY,
)
DAY = 24


def outlook(rest_kw: Any, prices: Any, credit: float = 0.0, **other: Any) -> Outlook:
    rest = np.asarray(rest_kw, dtype=float)
    spread = np.repeat(rest[:, None], 3, axis=1) if rest.ndim == 1 else rest
    steps = len(spread)
    return Outlook(
        rest_kw=spread,
        hours=np.ones(steps),
        import_price_per_kwh=np.broadcast_to(np.asarray(prices, dtype=float), steps).copy(),
        export_price_per_kwh=np.full(steps, credit),
        **{"final_per_kwh": 0.0, **other},
    )


def least_cost(rating: BatteryRating, seen: Outlook, stored_kwh: float) -> float:
    """Return the least cost from the second step on with so much stored (HiGHS) [currency]."""
    steps = len(seen) - 1
    rest = seen.rest_kw[1:, 1]
    into, out = rating.max_charge_power_w / 1e3, rating.max_discharge_power_w / 1e3
    eye, lower = np.eye(steps), np.tril(np.ones((steps, steps)))
    nothing = np.zeros((steps, steps))
    level = np.hstack(
        [
            rating.charge_efficiency_ratio * lower,
            -lower / rating.discharge_efficiency_ratio,
            nothing,
            nothing,
        ]
    )
    capacity = rating.capacity_wh / 1e3
    prices = np.concatenate([seen.import_price_per_kwh[1:], -seen.export_price_per_kwh[1:]])
    found = linprog(
        np.concatenate([np.zeros(2 * steps), prices]) - seen.final_per_kwh * level[-1],
        A_ub=np.vstack([level, -level]),
        b_ub=np.concatenate([np.full(steps, capacity - stored_kwh), np.full(steps, stored_kwh)]),
        A_eq=np.hstack([-eye, eye, eye, -eye]),
        b_eq=rest,
        bounds=[(0, into)] * steps + [(0, out)] * steps + [(0, None)] * (2 * steps),
        method="highs",
    )
    assert found.success
    return float(found.fun) - seen.final_per_kwh * stored_kwh


@pytest.mark.parametrize("seed", range(6))
def test_worth_is_what_an_independent_programme_saves_by_one_more_kwh(seed: int) -> None:
    draw = np.random.default_rng(seed)
    seen = outlook(draw.normal(0.5, 1.5, DAY), draw.choice([0.2, 0.35, 0.54], DAY), 0.05)
    seen = replace(seen, final_per_kwh=0.15)
    (values, *_) = values_of(RATING, seen, 1)
    edges = np.linspace(0, RATING.capacity_wh / 1e3, len(values) + 1)
    costs = [least_cost(RATING, seen, each) for each in edges]
    exact = -np.diff(costs) / np.diff(edges)
    assert np.mean(np.abs(values - exact)) < 0.03, "levels of 0.4 kWh err by a tenth of a price"
    assert values.mean() == pytest.approx(exact.mean(), abs=0.02)


def test_energy_is_kept_for_a_dearer_evening_and_not_beyond_what_it_needs() -> None:
    prices = np.where(np.arange(DAY) >= 20, 0.54, 0.22)
    busy = values_of(RATING, outlook(np.full(DAY, 2.0), prices), 20)
    assert busy[19] == pytest.approx(np.full(8, 0.54 * EFFICIENCY), abs=1e-6)
    assert busy[0] == pytest.approx(np.full(8, 0.22 / EFFICIENCY), abs=1e-6), "bought until then"
    quiet = values_of(RATING, outlook(np.full(DAY, 0.5), prices), 20)[19]
    assert quiet[0] == pytest.approx(0.54 * EFFICIENCY, abs=1e-6)
    assert quiet[-1] == pytest.approx(0.0, abs=1e-6), "2 kWh do for the evening"


def test_energy_is_worth_nothing_when_the_sun_will_fill_the_store_for_nothing() -> None:
    rest = np.array([0.0, *[-3.0] * 5, *[2.0] * 6])
    values = values_of(RATING, outlook(rest, 0.3), 1)[0]
    assert values == pytest.approx(np.zeros(len(values)), abs=1e-9)


def test_energy_that_may_be_needed_is_worth_something_though_it_is_not_expected_to_be() -> None:
    rest = np.zeros((4, 3))
    rest[:, 2] = 2.0
    sure = values_of(RATING, outlook(rest[:, 1], 0.5), 1)[0]
    unsure = values_of(RATING, outlook(rest, 0.5), 1)[0]
    assert np.all(sure == 0)
    assert 0.3 * 0.5 * EFFICIENCY <= unsure[0] <= 0.5 * EFFICIENCY
    assert np.all(np.diff(unsure) <= 1e-9), "the fuller, the less"


def test_wear_makes_giving_dearer_and_a_window_is_kept() -> None:
    seen = outlook(np.full(6, 4.0), 0.5)
    plain, worn = (
        values_of(each, seen, 1)[0] for each in (RATING, replace(RATING, wear_cost_per_kwh=0.1))
    )
    assert plain[0] - worn[0] == pytest.approx(0.1 * EFFICIENCY, abs=1e-6)
    narrow = replace(RATING, min_soc_ratio=0.5, max_soc_ratio=0.5)
    assert np.all(values_of(narrow, seen, 1)[0] == 0)


def test_a_slow_battery_finds_its_energy_worth_less_where_it_cannot_give_it_in_time() -> None:
    slow = replace(RATING, max_discharge_power_w=800.0)
    seen = outlook([0.0, 4.0, 0.0, 0.0], [0.2, 0.6, 0.2, 0.2])
    quick_last, slow_last = (values_of(each, seen, 1)[0][-1] for each in (RATING, slow))
    assert slow_last <= quick_last + 1e-9
    assert values_of(slow, seen, 1)[0][0] > 0


def test_a_paid_reduction_makes_energy_worth_its_payment_down_to_its_floor() -> None:
    """2 kW of load, of which the second kW is paid for two hours: 2 kWh of the store are."""
    seen, floor_kw, paid = outlook(np.full(8, 2.0), 0.3), np.zeros(8), np.zeros(8)
    floor_kw[3:5], paid[3:5] = 1.0, 0.6
    seen = replace(seen, reduction_price_per_kwh=paid, reduction_floor_kw=floor_kw)
    before = values_of(RATING, seen, 3)[2]
    assert before[0] == pytest.approx(0.9 * EFFICIENCY, abs=1e-6)
    assert before[-1] == pytest.approx(0.3 * EFFICIENCY, abs=1e-6), "what more there is is not"
