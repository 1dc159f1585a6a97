"""Many assets at once are told what the definitions say of each."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.forecast_assets import load_hours, pv_hours
from tests.fakes.forecast_reference import Reference
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import AssetHours, Batch, Rows
from wattmesh_forecast.domain.kinds import MODELLED, PATTERNS, Kind
from wattmesh_forecast.domain.model_input import concatenated
from wattmesh_forecast.domain.seasonal import seasonal_quantiles
from wattmesh_forecast.domain.trial import ask_patterns, blend_weights

STARTS = [
    datetime(2016, 8, 1, 7, tzinfo=UTC),
    datetime(2017, 2, 12, tzinfo=UTC),
    datetime(2016, 10, 1, tzinfo=UTC),
]
ZONES = ["America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "UTC"]
RATIOS = (0.1, 0.5, 0.9)


@st.composite
def histories(draw: st.DrawFn, kind: Kind) -> list[AssetHours]:
    """Some assets of one zone: whole, full of holes, with a long gap, short, or often at rest."""
    start = draw(st.sampled_from(STARTS))
    zone, days = ZoneInfo(draw(st.sampled_from(ZONES))), draw(st.integers(1, 44))
    make = load_hours if kind is Kind.LOAD else pv_hours
    assets = []
    for number in range(draw(st.integers(1, 3))):
        random = np.random.default_rng(draw(st.integers(0, 1000)))
        hours = make(days, ahead=72, start=start, zone=zone, seed=number)
        power, hour = hours.power_w.copy(), np.arange(len(hours.power_w))
        begin = int(random.integers(len(power)))
        spoilt = {
            "whole": power,
            "holes": np.where(random.random(len(power)) < random.random(), np.nan, power),
            "gap": np.where((hour >= begin) & (hour < begin + 200), np.nan, power),
            "short": np.where(hour < begin, np.nan, power),
            "at rest": np.where(random.random(len(power)) < 0.5, 0.0, power),
        }
        assets.append(replace(hours, power_w=spoilt[draw(st.sampled_from(sorted(spoilt)))]))
    return assets


@settings(max_examples=40, deadline=None)
@given(data=st.data(), kind=st.sampled_from(MODELLED))
def test_patterns_are_what_their_definitions_say(data: st.DataObject, kind: Kind) -> None:
    assets = data.draw(histories(kind))
    lasts = data.draw(st.lists(st.integers(0, len(assets[0].power_w) - 73), min_size=1, max_size=3))
    leads = data.draw(st.lists(st.integers(1, 50), min_size=2, max_size=2))
    last = np.repeat(sorted(lasts), len(leads))
    rows = Rows(target=last + np.tile(leads, len(lasts)), last=last)

    said = PATTERNS[kind].values(Batch.of(assets), rows)

    for asset, of_asset in zip(assets, said, strict=True):
        for target, known, found in zip(rows.target, rows.last, of_asset, strict=True):
            reference = Reference(asset, int(known))
            ask = reference.load_patterns if kind is Kind.LOAD else reference.pv_patterns
            assert np.allclose(found, ask(int(target)), rtol=1e-9, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), kind=st.sampled_from(MODELLED))
def test_assets_together_are_told_what_each_alone_is_told(data: st.DataObject, kind: Kind) -> None:
    assets = data.draw(histories(kind))
    last = data.draw(st.integers(0, len(assets[0].power_w) - 73))
    rows = Rows.ahead(last, range(last + 2, last + 26))

    together = model_input(kind, Batch.of(assets), rows)
    alone = concatenated([model_input(kind, Batch.of([asset]), rows) for asset in assets])

    for name, tensor in together.tensors.items():
        assert np.allclose(tensor, alone.tensors[name], rtol=1e-6, atol=1e-6), name
    assert np.allclose(together.scale_w, alone.scale_w, rtol=1e-9)
    seasonal = seasonal_quantiles(kind, Batch.of(assets), rows, RATIOS)
    for asset, found in zip(assets, seasonal, strict=True):
        (expected,) = seasonal_quantiles(kind, Batch.of([asset]), rows, RATIOS)
        assert np.allclose(found, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=10, deadline=None)
@given(data=st.data(), kind=st.sampled_from(MODELLED))
def test_weights_go_with_the_errors_of_two_weeks(data: st.DataObject, kind: Kind) -> None:
    (asset, *_) = data.draw(histories(kind))
    last = data.draw(st.integers(0, len(asset.power_w) - 73))
    rows = Rows.ahead(last, range(last + 1, last + 3))

    _, trial = ask_patterns(kind, Batch.of([asset]), rows)
    weights = blend_weights(trial, rows.issues)[0, 0]

    errors = np.zeros(len(PATTERNS[kind].names))
    for hour in range(max(0, last - 14 * 24 + 1), last + 1):
        reference = Reference(asset, hour - 18)
        ask = reference.load_patterns if kind is Kind.LOAD else reference.pv_patterns
        if np.isfinite(asset.power_w[hour]):
            errors += np.abs(np.array(ask(hour)) - asset.power_w[hour])
    least = max(errors.min(), 1e-9)
    expected = (least / np.maximum(errors, least)) ** 4
    assert np.allclose(weights, expected / expected.sum(), rtol=1e-6, atol=1e-9)
