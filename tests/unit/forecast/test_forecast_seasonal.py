from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.forecast_assets import LOS_ANGELES, load_hours, pv_hours
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import Batch, Rows
from wattmesh_forecast.domain.kinds import MODELLED, PATTERNS, Kind
from wattmesh_forecast.domain.pv_patterns import sun_of
from wattmesh_forecast.domain.seasonal import seasonal_quantiles
from wattmesh_forecast.domain.trial import ask_patterns, blend_weights
from wattmesh_kernel.time import local_day

RATIOS = (0.05, 0.1, 0.5, 0.9, 0.95)
NOW = 35 * 24 - 1


def ahead(last: int = NOW, hours: int = 24) -> Rows:
    return Rows.ahead(last, range(last + 2, last + 2 + hours))


@pytest.mark.parametrize("kind", MODELLED)
def test_quantiles_rise_and_are_not_negative(kind: Kind) -> None:
    asset = load_hours() if kind is Kind.LOAD else pv_hours()

    (quantiles,) = seasonal_quantiles(kind, Batch.of([asset]), ahead(), RATIOS)

    assert quantiles.shape == (24, 5)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles >= 0).all()


def test_a_plant_gives_nothing_at_night_at_any_quantile() -> None:
    asset = Batch.of([pv_hours()])
    rows = ahead()

    (quantiles,) = seasonal_quantiles(Kind.PV, asset, rows, RATIOS)
    night = sun_of(asset).clear_sky_w_m2[0, rows.target] == 0

    assert night.any()
    assert (quantiles[night] == 0).all()
    assert (quantiles[~night, -1] > 0).any()
    assert not (model_input(Kind.PV, asset, rows).open[night]).any()


def test_a_week_that_repeats_itself_is_forecast_closely() -> None:
    asset = load_hours()
    every_day = np.tile(asset.power_w[:24], len(asset.power_w) // 24)
    came = np.where(asset.clock.weekday >= 5, 0.5, 1.0) * every_day
    known = np.where(np.arange(len(came)) <= NOW, came, np.nan)
    again = Batch.of([replace(asset, power_w=known)])

    middle = seasonal_quantiles(Kind.LOAD, again, ahead(), (0.5,))[0, :, 0]

    assert np.allclose(middle, came[ahead().target], rtol=0.05)


def test_patterns_that_did_better_lately_weigh_more() -> None:
    _, trial = ask_patterns(Kind.LOAD, Batch.of([load_hours()]), ahead())

    weights = blend_weights(trial, np.array([NOW]))[0, 0]
    errors = np.nansum(np.abs(trial.said - trial.came[..., None]), axis=1)[0]

    assert np.isclose(weights.sum(), 1.0)
    assert (np.argsort(weights) == np.argsort(-errors)).all()


def test_weights_are_equal_when_nothing_tells_the_patterns_apart() -> None:
    asset = load_hours()
    flat = replace(asset, power_w=np.full_like(asset.power_w, 500.0))
    _, trial = ask_patterns(Kind.LOAD, Batch.of([flat]), ahead())

    weights = blend_weights(trial, np.array([NOW]))[0, 0]

    assert np.allclose(weights, 1 / len(PATTERNS[Kind.LOAD].names))


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(MODELLED),
    share=st.floats(0.0, 0.97),
    seed=st.integers(0, 100),
    last=st.integers(30, NOW),
)
def test_any_amount_of_missing_history_still_gives_finite_numbers(
    kind: Kind, share: float, seed: int, last: int
) -> None:
    asset = load_hours() if kind is Kind.LOAD else pv_hours()
    gone = np.random.default_rng(seed).random(len(asset.power_w)) < share
    holes = Batch.of([replace(asset, power_w=np.where(gone, np.nan, asset.power_w))])

    rows = ahead(last)
    asked = model_input(kind, holes, rows)
    assert all(np.isfinite(tensor).all() for tensor in asked.tensors.values())
    assert np.isfinite(seasonal_quantiles(kind, holes, rows, RATIOS)).all()


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2016, 11, 6), 25), (date(2017, 3, 12), 23)], ids=["autumn", "spring"]
)
def test_days_of_23_and_25_hours_are_forecast_by_the_local_clock(day: date, hours: int) -> None:
    today = local_day(day, LOS_ANGELES)
    start = local_day(day - timedelta(days=35), LOS_ANGELES).start
    asset = load_hours(35, ahead=48, start=start)
    first = asset.index(today.start)
    rows = Rows.ahead(first - 1, range(first, asset.index(today.end)))

    middle = seasonal_quantiles(Kind.LOAD, Batch.of([asset]), rows, (0.5,))[0, :, 0]

    assert len(middle) == hours
    assert 18 <= asset.clock.hour[rows.target[np.argmax(middle)]] <= 20
