"""Training's arithmetic, which needs no TensorFlow."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.forecast_assets import load_hours, pv_hours
from wattmesh_forecast.domain.kinds import MODELLED, Kind
from wattmesh_forecast.training.config import TrainingConfig
from wattmesh_forecast.training.data import Split, examples, judging_rows, learning_rows
from wattmesh_forecast.training.fingerprint import fingerprint
from wattmesh_forecast.training.load_config import LoadConfig
from wattmesh_forecast.training.load_examples import load_examples
from wattmesh_kernel.ids import AssetId, SiteId

CONFIG = TrainingConfig()
ASSET = AssetId(SiteId("home-1"), "load")


def test_what_judges_a_training_neither_teaches_it_nor_ends_it() -> None:
    split = Split.of(35 * 24, CONFIG)

    assert (split.begin, split.stop, split.holdout, split.end) == (
        7 * 24,
        26 * 24,
        28 * 24,
        35 * 24,
    )


def test_a_long_history_is_learnt_from_its_newest_part() -> None:
    assert Split.of(400 * 24, CONFIG).begin == (400 - CONFIG.history_days) * 24


def test_too_short_a_history_says_how_much_is_needed() -> None:
    with pytest.raises(ValueError, match="18 days are needed"):
        Split.of(14 * 24, CONFIG)


def test_the_load_model_learns_days_from_their_midnights_too() -> None:
    asset, config = load_hours(20, ahead=0), LoadConfig()

    found = len(load_examples([asset], config))
    without = len(load_examples([asset], replace(config, leads_per_midnight=0)))

    midnights = np.flatnonzero(asset.clock.hour[3 * 24 :] == 0)
    assert (len(midnights) - 2) * 12 < found - without <= len(midnights) * 12


def test_learning_never_looks_at_the_held_out_days() -> None:
    rows = learning_rows(168, 500, CONFIG)

    assert rows.target.max() < 500
    assert (rows.last >= 168).all()
    assert set(rows.lead) == set(range(1, 27))


def test_judging_asks_what_a_planner_asks() -> None:
    rows = judging_rows(500, 668)

    assert (rows.target.min(), rows.target.max()) == (500, 667)
    assert set(rows.lead) == set(range(2, 26))


@pytest.mark.parametrize("kind", MODELLED)
def test_only_measured_hours_that_are_open_are_learnt(kind: Kind) -> None:
    asset = load_hours(20, ahead=0) if kind is Kind.LOAD else pv_hours(20, ahead=0)
    asset.power_w[300] = np.nan
    rows = learning_rows(168, 20 * 24, CONFIG)

    found = examples(kind, [asset, asset], rows)

    assert len(found) == len(found.asked) > 0
    assert np.isfinite(found.came).all()
    assert found.asked.open.all()
    if kind is Kind.PV:
        assert len(found) < 2 * len(rows)


def test_the_key_follows_data_and_settings_but_not_noise_below_a_tenth_of_a_watt() -> None:
    asset = load_hours(20)
    key = fingerprint(Kind.LOAD, {ASSET: asset}, CONFIG)
    near = load_hours(20)
    near.power_w[:] = np.round(asset.power_w, 1) + 1e-6
    far = load_hours(20)
    far.power_w[5] += 1

    assert fingerprint(Kind.LOAD, {ASSET: near}, CONFIG) == key
    assert fingerprint(Kind.LOAD, {ASSET: far}, CONFIG) != key
    assert fingerprint(Kind.LOAD, {ASSET: asset}, TrainingConfig(members=1)) != key
    assert fingerprint(Kind.LOAD, {AssetId(SiteId("h"), "load"): asset}, CONFIG) != key
