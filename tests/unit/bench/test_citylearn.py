"""What could make the bench on CityLearn's homes flatter the product: a look ahead."""

import numpy as np

from tests.bench.citylearn.environment import Known
from tests.bench.citylearn.forecasts import AHEAD, _Issuer
from tests.bench.citylearn.homes import HOUR, UserSettings, site_ids, start_of
from tests.bench.citylearn.product import Product

DAYS = 4


def test_a_forecast_is_issued_for_the_hours_after_those_that_it_was_shown() -> None:
    past = np.abs(np.random.default_rng(1).normal(800, 100, (24 * DAYS, 10)))
    issuer = _Issuer(24 * DAYS + 1 + AHEAD)
    told = issuer.issue(past)
    past_and_spike = np.vstack([past, np.full((1, 10), 9e4)])
    assert issuer.issue(past_and_spike[:-1]).tolist() == told.tolist()
    assert issuer.issue(past_and_spike)[:5].max() > told[:5].max()


def test_hours_follow_the_wall_clock_through_both_changes() -> None:
    changes = [hour for hour in range(1, 8_760) if start_of(hour) - start_of(hour - 1) != HOUR]
    steps = [(start_of(hour) - start_of(hour - 1)) / HOUR for hour in changes]
    assert sum(step - 1 for step in steps) == 0


def test_the_product_answers_for_every_home_within_its_battery_s_power() -> None:
    quantiles = np.zeros((48, 10, AHEAD, 3))
    quantiles[:, :5] = 900.0
    product = Product(UserSettings(), quantiles, np.full((48, AHEAD), 200.0))
    known = Known(
        hour=12,
        load_kw=[0.9] * 5,
        pv_kw=[0.0] * 5,
        net_kw=[0.9] * 5,
        stored_ratio=[0.5] * 5,
        carbon_kg_per_kwh=0.2,
        price_per_kwh=0.22,
    )
    powers = product(known)
    assert len(powers) == len(site_ids())
    assert all(abs(power) <= 5.0 for power in powers)
