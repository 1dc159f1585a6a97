"""Whatever comes later must not have been known before."""

from dataclasses import replace

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.forecast_assets import load_hours, pv_hours
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import AssetHours, Batch, Rows
from wattmesh_forecast.domain.kinds import MODELLED, Kind
from wattmesh_forecast.domain.seasonal import seasonal_quantiles

ASSETS = {Kind.LOAD: load_hours(), Kind.PV: pv_hours()}
RATIOS = (0.1, 0.5, 0.9)


def with_another_future(asset: AssetHours, last: int, seed: int) -> AssetHours:
    """The same past with every later value replaced, also by missing ones."""
    random = np.random.default_rng(seed)
    power = asset.power_w.copy()
    later = power[last + 1 :]
    later[:] = np.where(random.random(len(later)) < 0.2, np.nan, random.gamma(2, 3000, len(later)))
    return replace(asset, power_w=power)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(MODELLED),
    last=st.integers(24, 33 * 24),
    gap=st.integers(1, 30),
    seed=st.integers(0, 1000),
)
def test_another_future_gives_the_same_forecast(kind: Kind, last: int, gap: int, seed: int) -> None:
    asset = ASSETS[kind]
    other = with_another_future(asset, last, seed)
    rows = Rows.ahead(last, range(last + gap, last + gap + 24))

    asked, asked_otherwise = (model_input(kind, Batch.of([a]), rows) for a in (asset, other))
    for name, tensor in asked.tensors.items():
        assert np.array_equal(tensor, asked_otherwise.tensors[name]), name
    assert np.array_equal(asked.scale_w, asked_otherwise.scale_w)
    assert np.array_equal(
        seasonal_quantiles(kind, Batch.of([asset]), rows, RATIOS),
        seasonal_quantiles(kind, Batch.of([other]), rows, RATIOS),
    )


@settings(max_examples=20, deadline=None)
@given(kind=st.sampled_from(MODELLED), seed=st.integers(0, 1000))
@example(kind=Kind.PV, seed=708)  # issues within half a day: later ones were told of longer trials
def test_many_issues_at_once_are_told_what_each_alone_is_told(kind: Kind, seed: int) -> None:
    asset = Batch.of([ASSETS[kind]])
    lasts = np.sort(np.random.default_rng(seed).choice(np.arange(20 * 24, 30 * 24), 3))
    together = Rows(target=np.repeat(lasts, 5) + np.tile([1, 2, 9, 24, 26], 3),
                    last=np.repeat(lasts, 5))  # fmt: skip

    asked = model_input(kind, asset, together).tensors

    for number, last in enumerate(lasts):
        alone = Rows(target=together.target[5 * number : 5 * number + 5], last=np.full(5, last))
        for name, tensor in model_input(kind, asset, alone).tensors.items():
            part = asked[name][5 * number : 5 * number + 5]
            assert np.allclose(part, tensor, rtol=1e-4, atol=1e-5), name
