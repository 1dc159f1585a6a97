"""The training of the load model."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import keras

from wattmesh_forecast.domain.model_input import Float32s
from wattmesh_forecast.training import load_network
from wattmesh_forecast.training.data import Examples
from wattmesh_forecast.training.load_config import LoadConfig
from wattmesh_forecast.training.network import ensemble, pinball

Report = Callable[[str, float], None]
"""Told the stage and how much of the work is done."""

Weights: TypeAlias = Mapping[str, Float32s]
"""What a network has learnt: arrays by number of member and of array, "0/0", "0/1", …"""


def learn_load(examples: Examples, config: LoadConfig, base: Weights | None, report: Report) -> Any:
    """Return a network that has learnt from examples, beginning with `base` or with nothing.

    It learns as many epochs as the settings say, at a rate that falls to 0 along a cosine, so that
    no held-out data are needed to know when to stop.
    """
    members = []
    for number in range(config.members):
        report(f"member {number + 1}", number / config.members)
        member = load_network.build(config, config.seed + number)
        begun = base is not None and _begin_with(member, base, number)
        _fit(member, examples, config, further=begun)
        members.append(member)
    return ensemble(members)


def network_of(weights: Weights, config: LoadConfig) -> Any:
    """Return the network that has learnt these weights; ValueError when they are of another."""
    members = []
    for number in range(config.members):
        members.append(load_network.build(config, config.seed))
        if not _begin_with(members[-1], weights, number):
            raise ValueError("these are the weights of a network of another design")
    return ensemble(members)


def weights_of(network: Any) -> dict[str, Float32s]:
    """Return what an ensemble has learnt."""
    members = [layer for layer in network.layers if isinstance(layer, keras.Model)]
    return {
        f"{number}/{index}": values
        for number, member in enumerate(members)
        for index, values in enumerate(member.get_weights())
    }


def _begin_with(member: Any, base: Weights, number: int) -> bool:
    """Set the weights of a member; False when they are those of another design."""
    own = member.get_weights()
    given = [base.get(f"{number}/{index}") for index in range(len(own))]
    pairs = list(zip(own, given, strict=True))
    if any(other is None or other.shape != mine.shape for mine, other in pairs):
        return False
    member.set_weights(given)
    return True


def _fit(network: Any, examples: Examples, config: LoadConfig, *, further: bool) -> None:
    epochs = config.further_epochs if further else config.epochs
    highest = config.further_learning_rate if further else config.learning_rate
    steps = -(-len(examples) // config.batch_size) * epochs
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=highest, warmup_steps=max(1, steps // 20)
    )
    network.compile(optimizer=keras.optimizers.Adam(rate, clipnorm=1.0), loss=pinball)
    network.fit(
        dict(examples.asked.tensors),
        examples.came,
        batch_size=config.batch_size,
        epochs=epochs,
        verbose=0,
    )
