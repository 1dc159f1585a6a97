"""The network: the seasonal forecast, moved as far as the history justifies.

The middle quantile is the patterns' blend with its weights moved by the network, plus a shift
within reach. Both movements start at 0 and are held there by a penalty, so that a short history
yields the seasonal forecast and a longer one a better. The outer quantiles are a share of the
middle and an addition to it: they cannot cross, nor turn a plant into a load.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from wattmesh_forecast.domain.model_input import Float32s, ModelInput
from wattmesh_forecast.training.config import TrainingConfig
from wattmesh_forecast.training.data import Examples

RATIOS = (0.1, 0.5, 0.9)
"""The quantiles of the network's output, in order."""

_LOSS_WEIGHTS = (0.5, 1.0, 0.5)
_CLIP = 4.0
_FIRST_WIDTH = -1.0


def build(asked: ModelInput, config: TrainingConfig, seed: int) -> Any:
    """Return an untrained network for inputs like `asked`, whose features it normalises."""
    keras.utils.set_random_seed(seed)
    inputs = {
        name: keras.Input((value.shape[1],), name=name) for name, value in asked.tensors.items()
    }
    situation = _situation(inputs["features"], asked.tensors["features"], config)
    middle = _middle(situation, inputs, config)
    share = _head(situation, 1, activation="sigmoid")
    above = _head(
        situation,
        1,
        activation="softplus",
        bias_initializer=keras.initializers.Constant(_FIRST_WIDTH),
    )
    low, high = share * middle, middle + inputs["reach"] * above
    return keras.Model(inputs, keras.ops.concatenate([low, middle, high], axis=1))


def fit(
    network: Any, examples: Examples, config: TrainingConfig, judged: Examples | None, epochs: int
) -> int:
    """Train; with `judged` stop at the epoch that did best there. Return that epoch, from 1."""
    network.compile(optimizer=keras.optimizers.Adam(config.learning_rate), loss=pinball)
    stopping: dict[str, Any] = {}
    if judged is not None:
        stop = keras.callbacks.EarlyStopping(
            monitor="val_loss", patience=config.patience, restore_best_weights=True
        )
        stopping = {"validation_data": (judged.asked.tensors, judged.came), "callbacks": [stop]}
    history = network.fit(
        examples.asked.tensors,
        examples.came,
        batch_size=config.batch_size,
        epochs=epochs,
        verbose=0,
        **stopping,
    ).history
    return int(np.argmin(history["val_loss"])) + 1 if judged is not None else epochs


def ensemble(networks: Sequence[Any]) -> Any:
    """Return one network that answers with the mean of several."""
    inputs = {
        tensor.name: keras.Input(tensor.shape[1:], name=tensor.name)
        for tensor in networks[0].inputs
    }
    answers = [network(inputs) for network in networks]
    return keras.Model(inputs, keras.ops.mean(keras.ops.stack(answers), axis=0))


def predict(network: Any, asked: ModelInput) -> Float32s:
    """Return the quantiles over the scale, shape (n, 3)."""
    return np.asarray(network.predict(asked.tensors, batch_size=8192, verbose=0))


def _situation(features: Any, seen: Float32s, config: TrainingConfig) -> Any:
    mean, variance = seen.mean(axis=0), seen.var(axis=0) + 1e-6
    layer = keras.layers.Normalization(mean=mean, variance=variance)(features)
    layer = keras.ops.clip(layer, -_CLIP, _CLIP)
    layer = keras.layers.Dropout(config.dropout_ratio)(layer)
    for _ in range(config.layers):
        layer = keras.layers.Dense(
            config.width,
            activation="swish",
            kernel_regularizer=keras.regularizers.L2(config.kernel_decay),
        )(layer)
    return layer


def _middle(situation: Any, inputs: dict[str, Any], config: TrainingConfig) -> Any:
    patterns, weights = inputs["patterns"], inputs["weights"]
    moved = _head(
        situation,
        patterns.shape[1],
        activity_regularizer=keras.regularizers.L2(config.weight_shrinkage),
    )
    shift = _head(situation, 1, activity_regularizer=keras.regularizers.L2(config.shift_shrinkage))
    blend = keras.ops.softmax(moved + keras.ops.log(weights + 1e-6))
    middle = keras.ops.sum(blend * patterns, axis=1, keepdims=True)
    return keras.ops.relu(middle + inputs["reach"] * shift)


def _head(situation: Any, width: int, **options: Any) -> Any:
    return keras.layers.Dense(width, kernel_initializer="zeros", **options)(situation)


def pinball(came: Any, said: Any) -> Any:
    """Return the loss: that of the outer quantiles counts half."""
    ratios = np.array(RATIOS, dtype=np.float32)
    weights = np.array(_LOSS_WEIGHTS, dtype=np.float32)
    error = came - said
    return keras.ops.mean(keras.ops.maximum(ratios * error, (ratios - 1) * error) * weights)
