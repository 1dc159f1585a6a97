"""The newest hour tells of the first ones to come, and never makes them worse by much."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.forecast_assets import load_hours, pv_hours
from wattmesh_forecast.domain.hours import AssetHours, Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import MODELLED, Kind
from wattmesh_forecast.domain.mixture import Beside, mixed
from wattmesh_forecast.domain.nowcast import Nowcast
from wattmesh_forecast.domain.seasonal import seasonal_middles, seasonal_quantiles
from wattmesh_forecast.domain.trial import NOWCAST_HOURS, ask_patterns, blend_weights

DAY = 24
LEADS = np.arange(1, 15)
ASSETS = {Kind.LOAD: load_hours(60, ahead=0), Kind.PV: pv_hours(60, ahead=0)}


def rows_of(issues: list[int]) -> Rows:
    last = np.repeat(issues, len(LEADS))
    return Rows(target=last + np.tile(LEADS, len(issues)), last=last)


def errors_by_lead(kind: Kind, asset: AssetHours) -> tuple[Floats, Floats]:
    """Return mean errors of the blend alone and with the newest hour, over a month, (leads,)."""
    batch, rows = Batch.of([asset]), rows_of(list(range(28 * DAY, 58 * DAY, 5)))
    patterns, trial = ask_patterns(kind, batch, rows)
    alone = (patterns * blend_weights(trial, rows.issues)[:, rows.issue]).sum(axis=-1)[0]
    came = asset.power_w[rows.target]
    found = seasonal_middles(kind, batch, rows).middle_w[0]
    pair = (np.abs(said - came).reshape(-1, len(LEADS)).mean(axis=0) for said in (alone, found))
    one, other = pair
    return one, other


def with_moods(asset: AssetHours) -> AssetHours:
    """A load that is now above, now below its days, for some hours at a time."""
    random, mood = np.random.default_rng(1), np.zeros(len(asset.power_w))
    for hour in range(1, len(mood)):
        mood[hour] = 0.9 * mood[hour - 1] + random.normal(0, 0.15)
    calm = load_hours(60, ahead=0, seed=2)
    usual = 600 + 400 * np.exp(-((calm.clock.hour - 19) ** 2) / 8)
    return replace(asset, power_w=usual * np.exp(mood))


def test_under_clouds_that_stay_the_first_hours_of_a_plant_err_by_half() -> None:
    alone, found = errors_by_lead(Kind.PV, ASSETS[Kind.PV])

    assert found[0] < 0.5 * alone[0]
    assert (found < 1.02 * alone).all()


def test_a_load_goes_on_for_a_while_as_it_was_in_the_newest_hour() -> None:
    alone, found = errors_by_lead(Kind.LOAD, with_moods(ASSETS[Kind.LOAD]))

    assert found[0] < 0.7 * alone[0]
    assert found[3] < 0.95 * alone[3]
    assert (found < 1.03 * alone).all()


def test_a_load_whose_hours_have_nothing_in_common_loses_little() -> None:
    alone, found = errors_by_lead(Kind.LOAD, ASSETS[Kind.LOAD])

    assert (found < 1.05 * alone).all()


def test_beyond_half_a_day_nothing_of_the_newest_hour_is_left() -> None:
    asset = ASSETS[Kind.LOAD]
    issue = 40 * DAY
    louder = replace(asset, power_w=asset.power_w.copy())
    louder.power_w[issue] += 300.0
    rows = rows_of([issue])

    pair = [seasonal_quantiles(Kind.LOAD, Batch.of([a]), rows, (0.5,)) for a in (asset, louder)]

    moved = (pair[1] - pair[0])[0, :, 0]
    assert moved[0] > 50.0
    assert abs(moved[NOWCAST_HOURS]) < 20.0


def test_a_newest_hour_out_of_all_proportion_moves_the_next_by_no_more_than_a_bad_one() -> None:
    asset = with_moods(ASSETS[Kind.LOAD])
    issue = 40 * DAY
    spoilt = replace(asset, power_w=asset.power_w.copy())
    spoilt.power_w[issue] *= 100.0

    middle = seasonal_middles(Kind.LOAD, Batch.of([spoilt]), rows_of([issue])).middle_w[0]

    assert middle.max() < 2 * asset.power_w[: issue + 1].max()


@pytest.mark.parametrize("seed", range(5))
def test_a_plant_never_gives_more_than_it_did_at_that_hour(seed: int) -> None:
    asset = pv_hours(40, ahead=0, seed=seed)
    issue = 35 * DAY + 18
    bright = replace(asset, power_w=asset.power_w.copy())
    bright.power_w[issue] *= 3.0

    middle = seasonal_middles(Kind.PV, Batch.of([bright]), rows_of([issue])).middle_w[0]

    days = bright.power_w[: 35 * DAY].reshape(-1, DAY)[-28:].max(axis=0)
    assert (middle <= 1.1 * days[(issue + LEADS) % DAY] + 1e-6).all()


@settings(max_examples=15, deadline=None)
@given(kind=st.sampled_from(MODELLED), last=st.integers(0, 50 * DAY), seed=st.integers(0, 100))
def test_whatever_comes_later_does_not_move_it(kind: Kind, last: int, seed: int) -> None:
    asset = ASSETS[kind]
    other = replace(asset, power_w=asset.power_w.copy())
    other.power_w[last + 1 :] = np.random.default_rng(seed).gamma(2, 3000, 60 * DAY - last - 1)

    found, otherwise = (
        seasonal_middles(kind, Batch.of([a]), rows_of([last])) for a in (asset, other)
    )

    assert np.array_equal(found.middle_w, otherwise.middle_w)
    assert np.array_equal(found.left_ratio, otherwise.left_ratio)


@settings(max_examples=15, deadline=None)
@given(kind=st.sampled_from(MODELLED), seed=st.integers(0, 100), holes=st.floats(0.0, 1.0))
def test_through_gaps_it_is_finite_and_not_negative(kind: Kind, seed: int, holes: float) -> None:
    random, asset = np.random.default_rng(seed), ASSETS[kind]
    power = np.where(random.random(len(asset.power_w)) < holes, np.nan, asset.power_w)

    found = seasonal_middles(kind, Batch.of([replace(asset, power_w=power)]), rows_of([30 * DAY]))

    assert np.isfinite(found.middle_w).all()
    assert (found.middle_w >= 0).all()
    assert ((found.left_ratio > 0) & (found.left_ratio <= 1)).all()


def beside(kind: Kind, rows: Rows, left: float, celsius: float | None = None) -> Beside:
    """Return what says 1,500 W of everything."""
    batch = Batch.of([ASSETS[kind]])
    if celsius is not None:
        batch = replace(batch, temperature_celsius=np.full_like(batch.power_w, celsius))
    shape = (1, len(rows))
    now = Nowcast(middle_w=np.full(shape, 1500.0), left_ratio=np.full(shape, left))
    return Beside.of(kind, batch, rows, now)


def test_a_model_and_the_days_before_are_put_together_by_lead() -> None:
    said = np.array([[800.0, 1000.0, 1300.0]] * 3)
    rows = Rows(target=np.array([101, 124, 200]), last=np.full(3, 100))

    found = mixed(Kind.LOAD, said, beside(Kind.LOAD, rows, 1.0))
    told = mixed(Kind.LOAD, said, beside(Kind.LOAD, rows, 1.0, celsius=20.0))

    assert np.allclose(found[0], [1000.0, 1200.0, 1500.0])
    assert np.allclose(found[1], [900.0, 1100.0, 1400.0])
    assert np.allclose(found[2], found[1])
    assert np.allclose(told[1], [840.0, 1040.0, 1340.0])  # patterns know no temperature


def test_the_band_of_a_plant_narrows_by_what_the_newest_hour_takes_away() -> None:
    said = np.array([[1300.0, 1500.0, 1700.0]] * 2)
    rows = Rows(target=np.array([101, 120]), last=np.full(2, 100))

    found = mixed(Kind.PV, said, beside(Kind.PV, rows, 0.25))

    assert np.allclose(found, [[1400.0, 1500.0, 1600.0], [1300.0, 1500.0, 1700.0]])
