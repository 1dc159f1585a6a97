"""LightGBM on the same inputs and history: what a careful practitioner would run instead."""

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np

from tests.bench.forecast.asking import Asked
from tests.bench.forecast.cells import RATIOS
from wattmesh_forecast.domain.hours import Floats
from wattmesh_forecast.domain.load_input import LAG_CHANNELS
from wattmesh_forecast.domain.model_input import ModelInput

_LEAVES = (31, 95)
_SETTINGS: dict[str, Any] = {
    "learning_rate": 0.06,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "min_data_in_leaf": 60,
    "num_threads": 1,
    "verbosity": -1,
    "seed": 1,
}
_MOST_TREES = 500
_PATIENCE = 25


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rival:
    """A booster per quantile."""

    boosters: tuple[Any, ...]

    def predict(self, asked: ModelInput) -> Floats:
        """Return quantiles over the scale (rows, 3)."""
        table = _table(asked)
        columns = [np.asarray(booster.predict(table)) for booster in self.boosters]
        return np.sort(np.column_stack(columns), axis=1)


def trained(learnt: Asked, judged: Asked) -> Rival:
    """Train; `judged`, the end of the history, says how many leaves and trees are best."""
    median = min((_booster(learnt, judged, 0.5, leaves) for leaves in _LEAVES), key=_loss)
    leaves = median.params["num_leaves"]
    outer = {ratio: _booster(learnt, judged, ratio, leaves) for ratio in (RATIOS[0], RATIOS[2])}
    return Rival(boosters=(outer[RATIOS[0]], median, outer[RATIOS[2]]))


def _booster(learnt: Asked, judged: Asked, ratio: float, leaves: int) -> Any:
    objective = {"objective": "quantile", "alpha": ratio, "metric": "quantile"}
    return lightgbm.train(
        {**_SETTINGS, **objective, "num_leaves": leaves},
        _data(learnt),
        num_boost_round=_MOST_TREES,
        valid_sets=[_data(judged)],
        callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False)],
    )


def _loss(booster: Any) -> float:
    return float(booster.best_score["valid_0"]["quantile"])


def _data(asked: Asked) -> Any:
    came = asked.came_w.ravel() / asked.asked.scale_w
    there = np.isfinite(came)
    return lightgbm.Dataset(_table(asked.asked)[there], label=came[there], free_raw_data=True)


def _table(asked: ModelInput) -> Floats:
    """Return what the model is told, flat: values, holidays, warmth of each lag, NaN missing."""
    lags = asked.tensors["lags"]
    at = {name: number for number, name in enumerate(LAG_CHANNELS)}
    there = lags[:, :, at["known"]] > 0
    columns = [
        np.where(there, lags[:, :, at[name]], np.nan)
        for name in ("value", "holiday", "warmer", "day_warmer")
    ]
    same_type = np.where(there & (lags[:, :, at["same_day_type"]] > 0), columns[0], np.nan)
    newest = lags[:, 0, at["day_change"] : at["hour_change"] + 1]
    means = [_means(columns[0]), _means(same_type)]
    situation, weather = asked.tensors["situation"], asked.tensors["weather"]
    return np.concatenate([*columns, newest, *means, situation, weather], axis=1)


def _means(values: Floats) -> Floats:
    """Return the mean of the newest week and of all, NaN where none is known, (n, 2)."""
    there = np.isfinite(values)
    parts = []
    for days in (7, values.shape[1]):
        count = there[:, :days].sum(axis=1)
        total = np.where(there[:, :days], values[:, :days], 0.0).sum(axis=1)
        parts.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return np.column_stack(parts)
