"""A model that is no better than what needs none is not served."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.forecast_assets import load_hours
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import AssetHours, Batch, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.model_input import Float32s
from wattmesh_forecast.training.data import judging_rows
from wattmesh_forecast.training.judge import Predict, Verdict, judge


@pytest.mark.parametrize(
    ("model", "seasonal", "naive", "served"),
    [
        (0.30, 0.31, 0.40, True),
        (0.0546, 0.0532, 0.07, False),
        (0.0511, 0.0520, 0.0505, False),
        (0.30, 0.30, 0.40, False),
    ],
)
def test_only_a_model_that_beats_every_rival_is_served(
    model: float, seasonal: float, naive: float, served: bool
) -> None:
    verdict = Verdict(wape_ratio=model, seasonal_wape_ratio=seasonal, naive_wape_ratio=naive)

    assert (verdict.objection is None) == served


def test_an_objection_names_the_rival_and_both_errors() -> None:
    verdict = Verdict(wape_ratio=0.0511, seasonal_wape_ratio=0.052, naive_wape_ratio=0.0505)

    assert verdict.objection is not None
    assert "0.0511" in verdict.objection
    assert "naive forecast by 0.0505" in verdict.objection


def test_a_model_that_is_no_better_than_the_one_in_service_is_not_served() -> None:
    verdict = Verdict(
        wape_ratio=0.05, seasonal_wape_ratio=0.06, naive_wape_ratio=0.07, service_wape_ratio=0.049
    )

    assert verdict.objection is not None
    assert "served forecast by 0.0490" in verdict.objection
    assert replace(verdict, service_wape_ratio=0.051).objection is None


def test_the_version_in_service_is_judged_by_the_same_hours() -> None:
    asset, rows = load_hours(35, ahead=0), judging_rows(800, 824)
    came = came_over_scale(asset, rows)

    def times(factor: float) -> Predict:
        return lambda asked: np.repeat(factor * came[:, None], 3, axis=1)

    verdict = judge(Kind.LOAD, [asset], rows, times(1.1), times(1.3))

    assert verdict.wape_ratio == pytest.approx(0.1, rel=1e-4)
    assert verdict.service_wape_ratio == pytest.approx(0.3, rel=1e-4)
    assert judge(Kind.LOAD, [asset], rows, times(1.1)).service_wape_ratio is None


def test_a_model_is_judged_by_all_measured_hours_of_all_assets() -> None:
    assets = [load_hours(35, ahead=0, seed=number) for number in range(2)]
    assets[0].power_w[810] = np.nan

    rows = judging_rows(800, 824)
    answers = iter([1.1 * came_over_scale(asset, rows) for asset in assets])

    verdict = judge(
        Kind.LOAD, assets, rows, lambda asked: np.repeat(next(answers)[:, None], 3, axis=1)
    )

    assert verdict.wape_ratio == pytest.approx(0.1, rel=1e-4)
    assert 0 < verdict.seasonal_wape_ratio < verdict.naive_wape_ratio


def came_over_scale(asset: AssetHours, rows: Rows) -> Float32s:
    scale = model_input(Kind.LOAD, Batch.of([asset]), rows).scale_w
    return (np.nan_to_num(asset.power_w[rows.target]) / scale).astype(np.float32)
