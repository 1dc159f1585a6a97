"""The load model: attention over the same hour of past days, moved a little, with ordered widths.

Heads look at the known lags and weigh them by what their days were like beside the target's: day
type, holiday, age, temperature. What they see, each moved along with the newest hours as far as the
lead justifies, is averaged: a forecast that stays within what the asset has done. A residual within
reach of the lags' own spread, and widths that cannot cross, are added.

One network serves every asset: history and weather are left out at random in training, so that it
works with three days of readings as with four weeks, with a weather forecast as without.
"""

from collections.abc import Mapping
from typing import Any

import keras

from wattmesh_forecast.domain.load_input import LAG_CHANNELS, LAG_DAYS, SITUATION_WIDTH
from wattmesh_forecast.training.load_config import LoadConfig

_AT = {name: number for number, name in enumerate(LAG_CHANNELS)}
_MOVES = ("day_change", "three_hour_change", "hour_change", "hour_before", "hour_after")
"""What a head may add to the mean of its lags, each by a share of its own."""
_KEYS = tuple(name for name in LAG_CHANNELS if name not in ("known", "value"))
_WARMTH = ("warmer", "day_warmer", "warmth_known")
_FAR = -1e4
_LEAST_SPREAD = 0.02
_LEAST_WARMTH_SPREAD = 0.02


def build(config: LoadConfig, seed: int) -> Any:
    """Return an untrained network, which gives (n, 3): 0.1, 0.5 and 0.9 over the scale."""
    keras.utils.set_random_seed(seed)
    inputs = {
        "lags": keras.Input((LAG_DAYS, len(LAG_CHANNELS)), name="lags"),
        "situation": keras.Input((SITUATION_WIDTH,), name="situation"),
        "weather": keras.Input((3,), name="weather"),
    }
    lags, weather = Forgetting(config)(inputs["lags"], inputs["weather"])
    context = keras.ops.concatenate([inputs["situation"], weather, _summary(lags)], axis=1)
    weights = _attention(lags, context, config)
    seen = _seen(lags, weights, context, config)
    low, middle, high = _quantiles(seen, context, config)
    return keras.Model(inputs, keras.ops.stack([low, middle, high], axis=1))


class Forgetting(keras.layers.Layer):  # type: ignore[misc]
    """In training, leaves out older days of some questions, and the weather of some."""

    def __init__(self, config: LoadConfig) -> None:
        super().__init__()
        self._config = config
        self._seeds = keras.random.SeedGenerator(config.seed)

    def call(self, lags: Any, weather: Any, training: bool = False) -> tuple[Any, Any]:
        """Return both, with less in them when in training."""
        if not training:
            return lags, weather
        days = self._uniform(lags) * LAG_DAYS + 1.0
        short = self._uniform(lags) < self._config.short_history_ratio
        kept = keras.ops.where(short, days, 1.0 + LAG_DAYS)
        recent = keras.ops.arange(LAG_DAYS, dtype="float32")[None, :] < kept
        known = keras.ops.one_hot(_AT["known"], len(LAG_CHANNELS))
        old = 1.0 - keras.ops.cast(recent, "float32")
        lags = lags * (1.0 - old[:, :, None] * known)
        told = self._uniform(lags) >= self._config.no_weather_ratio
        told = keras.ops.cast(told, "float32")
        warmth = sum(keras.ops.one_hot(_AT[n], len(LAG_CHANNELS)) for n in _WARMTH)
        return lags * (1.0 - (1.0 - told[:, :, None]) * warmth), weather * told

    def _uniform(self, like: Any) -> Any:
        return keras.random.uniform((keras.ops.shape(like)[0], 1), seed=self._seeds)


def _summary(lags: Any) -> Any:
    """Return how many lags are known, and how much those of the newest week and all differ."""
    parts = [keras.ops.mean(lags[:, :, _AT["known"]], axis=1)]
    for days in (7, LAG_DAYS):
        known, values = lags[:, :days, _AT["known"]], lags[:, :days, _AT["value"]]
        count = keras.ops.maximum(keras.ops.sum(known, axis=1), 1.0)
        mean = keras.ops.sum(known * values, axis=1) / count
        away = keras.ops.abs(values - mean[:, None])
        parts += [mean, keras.ops.sum(known * away, axis=1) / count]
    return keras.ops.stack(parts, axis=1)


def _attention(lags: Any, context: Any, config: LoadConfig) -> Any:
    """Return the weight of each lag for each head, (n, 28, heads); 0 for those that are missing."""
    keys = keras.ops.take(lags, [_AT[name] for name in _KEYS], axis=2)
    changes = keras.ops.abs(keras.ops.take(lags, [_AT[name] for name in _MOVES], axis=2))
    warmer = keras.ops.abs(keras.ops.take(lags, [_AT["warmer"], _AT["day_warmer"]], axis=2))
    keys = keras.ops.concatenate([keys, changes, warmer], axis=2)
    asked = keras.layers.Dense(config.key_width)(context)
    hidden = keras.ops.tanh(keras.layers.Dense(config.key_width)(keys) + asked[:, None, :])
    scores = keras.layers.Dense(config.heads)(hidden) + keras.layers.Dense(config.heads)(keys)
    missing = 1.0 - lags[:, :, _AT["known"], None]
    return keras.ops.softmax(scores + _FAR * missing, axis=1)


def _seen(lags: Any, weights: Any, context: Any, config: LoadConfig) -> dict[str, Any]:
    """Return what the heads see: `level` (n, heads) with its `spread`, and what moves it."""
    there = lags[:, :, _AT["known"], None]
    values = keras.ops.take(lags, [_AT["value"], *(_AT[name] for name in _MOVES)], axis=2)
    means = keras.ops.einsum("nlh,nlc->nhc", weights * there, values)
    level = means[:, :, 0]
    follow = keras.layers.Dense(
        len(_MOVES) * config.heads, activation="sigmoid", bias_initializer=_constant(-1.0)
    )(keras.layers.Dense(config.key_width, activation="tanh")(context))
    follow = keras.ops.reshape(follow, (-1, config.heads, len(_MOVES)))
    away = values[:, :, None, 0] - level[:, None, :]
    spread = keras.ops.sum(weights * there * keras.ops.abs(away), axis=1)
    return {
        "level": level + keras.ops.sum(follow * means[:, :, 1:], axis=2),
        "changes": keras.ops.reshape(means[:, :, 1:], (-1, len(_MOVES) * config.heads)),
        "spread": spread,
        "warmth": _warmth(lags, weights * there, away),
    }


def _warmth(lags: Any, weights: Any, away: Any) -> Any:
    """Return what a line through the lags over temperature adds at the target's, (n, heads).

    The slope is a regression weighted by the head's attention, held at 0 by a little variance that
    is not there; with no temperature known it is 0.
    """
    warmer = lags[:, :, _AT["day_warmer"], None]
    mean = keras.ops.sum(weights * warmer, axis=1)
    from_mean = warmer - mean[:, None, :]
    variance = keras.ops.sum(weights * from_mean**2, axis=1)
    covariance = keras.ops.sum(weights * from_mean * away, axis=1)
    # The target lies at 0 of `warmer`, the lags' mean at `mean`.
    return keras.ops.clip(-covariance / (variance + _LEAST_WARMTH_SPREAD) * mean, -0.5, 0.5)


def _quantiles(seen: Mapping[str, Any], context: Any, config: LoadConfig) -> tuple[Any, Any, Any]:
    features = [seen["level"], seen["spread"], seen["changes"], seen["warmth"], context]
    hidden = keras.ops.concatenate(features, axis=1)
    hidden = keras.layers.Dropout(config.dropout_ratio)(hidden)
    for _ in range(config.layers):
        hidden = keras.layers.Dense(
            config.width, activation="swish", kernel_regularizer=_l2(config.kernel_decay)
        )(hidden)
    share = keras.layers.Dense(config.heads, activation="softmax", kernel_initializer="zeros")(
        hidden
    )
    spread = keras.ops.sum(share * seen["spread"], axis=1) + _LEAST_SPREAD
    warm = keras.layers.Dense(
        config.heads,
        activation="sigmoid",
        kernel_initializer="zeros",
        bias_initializer=_constant(-1.0),
    )(hidden)
    base = keras.ops.sum(share * (seen["level"] + warm * seen["warmth"]), axis=1)
    shift = keras.ops.tanh(keras.layers.Dense(1, kernel_initializer="zeros")(hidden)[:, 0])
    widths = keras.layers.Dense(
        2,
        activation="softplus",
        kernel_initializer="zeros",
        bias_initializer=_constant(1.0),
    )(hidden)
    middle = base + config.reach * spread * shift
    return middle - spread * widths[:, 0], middle, middle + spread * widths[:, 1]


def _constant(value: float) -> Any:
    return keras.initializers.Constant(value)


def _l2(weight: float) -> Any:
    return keras.regularizers.L2(weight)
