"""Readings that cannot be what they say are taken for missing, and those that can are kept."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.forecast_assets import load_hours, pv_hours
from wattmesh_forecast.domain.hours import AssetHours, Floats
from wattmesh_forecast.domain.input_faults import Finding, InputFault
from wattmesh_forecast.domain.kinds import MODELLED, Kind
from wattmesh_forecast.domain.screening import screened

LOAD, PLANT = load_hours(45, ahead=0), pv_hours(45, ahead=0)
Spoil = Callable[[Floats], None]


def spoilt(asset: AssetHours, spoil: Spoil) -> AssetHours:
    power = asset.power_w.copy()
    spoil(power)
    return replace(asset, power_w=power)


def found(asset: AssetHours, kind: Kind = Kind.LOAD, rating_w: float | None = None) -> AssetHours:
    (one,) = screened(kind, [asset], [rating_w])
    return one


def spike(power: Floats) -> None:
    power[-3] *= 100


def outage(power: Floats) -> None:
    power[-72:] = 0


def stuck(power: Floats) -> None:
    power[700:712] = power[700]


@pytest.mark.parametrize(
    ("spoil", "fault", "gone"),
    [
        (spike, InputFault.SPIKE, slice(-3, -2)),
        (outage, InputFault.OUTAGE, slice(-72, None)),
        (stuck, InputFault.STUCK, slice(701, 712)),
    ],
)
def test_what_cannot_be_is_missing_and_said(spoil: Spoil, fault: InputFault, gone: slice) -> None:
    asset = found(spoilt(LOAD, spoil))

    expected = LOAD.power_w.copy()
    expected[gone] = np.nan
    assert np.array_equal(asset.power_w, expected, equal_nan=True)
    assert asset.findings == (Finding(fault=fault, hours=int(np.isnan(expected).sum())),)


def test_the_hours_before_and_after_an_old_outage_are_kept() -> None:
    asset = found(spoilt(LOAD, lambda power: power.__setitem__(slice(200, 500), 0.0)))

    assert np.isnan(asset.power_w[200:500]).all()
    assert np.isfinite(asset.power_w[:200]).all()
    assert np.isfinite(asset.power_w[500:]).all()


def rests_every_night(power: Floats) -> None:
    power[np.arange(len(power)) % 24 < 6] = 0


def has_been_left_for_weeks(power: Floats) -> None:
    power[-400:] = 0


def has_a_new_level(power: Floats) -> None:
    power[-5:] *= 20


def counts_whole_kilowatts(power: Floats) -> None:
    power[:] = 1000 * np.ceil(power / 1000)


@pytest.mark.parametrize(
    "usual", [rests_every_night, has_been_left_for_weeks, has_a_new_level, counts_whole_kilowatts]
)
def test_what_is_only_unusual_is_believed(usual: Spoil) -> None:
    asset = spoilt(LOAD, usual)

    assert found(asset).findings == ()
    assert np.array_equal(found(asset).power_w, asset.power_w)


def test_a_plant_beyond_its_rating_is_not_believed() -> None:
    asset = spoilt(PLANT, lambda power: power.__setitem__(400, 15_000.0))

    assert found(asset, Kind.PV, rating_w=3000).findings[0].fault is InputFault.SPIKE


def test_a_plant_without_any_sun_for_days_was_off_and_one_that_rests_at_night_was_not() -> None:
    asset = found(spoilt(PLANT, lambda power: power.__setitem__(slice(200, 300), 0.0)), Kind.PV)

    assert [each.fault for each in asset.findings] == [InputFault.OUTAGE]
    assert found(PLANT, Kind.PV).findings == ()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), share=st.floats(0, 1), kind=st.sampled_from(MODELLED))
def test_assets_together_are_screened_as_each_alone(seed: int, share: float, kind: Kind) -> None:
    random = np.random.default_rng(seed)
    make = load_hours if kind is Kind.LOAD else pv_hours
    assets = [make(20, ahead=0, seed=seed + number) for number in range(3)]
    for asset in assets:
        at = int(random.integers(400))
        asset.power_w[at : at + int(random.integers(80))] = 0
        asset.power_w[int(random.integers(480))] *= 200
        asset.power_w[random.random(480) < share] = np.nan

    together = screened(kind, assets, [None] * 3)

    for one, asset in zip(together, assets, strict=True):
        alone = found(asset, kind)
        assert np.array_equal(one.power_w, alone.power_w, equal_nan=True)
        assert one.findings == alone.findings
