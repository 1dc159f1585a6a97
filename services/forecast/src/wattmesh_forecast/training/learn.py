"""A training from examples to a judged network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wattmesh_forecast.domain.hours import AssetHours, Floats
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.training import network
from wattmesh_forecast.training.config import TrainingConfig
from wattmesh_forecast.training.data import (
    Examples,
    Split,
    examples,
    judging_rows,
    learning_rows,
)

Report = Callable[[str, float], None]
"""Told the stage and how much of the work is done."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Learnt:
    """A network that has learnt all of the history, and how those did that had not seen its end.

    The errors are weighted absolute percentage errors of the median over the held-out days.
    """

    network: Any
    examples: Examples
    wape_ratio: float
    seasonal_wape_ratio: float
    naive_wape_ratio: float
    epochs: tuple[int, ...]


def learn(
    kind: Kind, assets: Sequence[AssetHours], config: TrainingConfig, report: Report
) -> Learnt:
    """Train on the history of assets, which share one raster of hours.

    Every member is trained twice: without the newest days, to find the epoch after which it would
    learn by heart, and with them for as many epochs. ValueError when the history is too short.
    """
    report("preparing", 0.0)
    split = Split.of(len(assets[0].power_w), config)
    early = examples(kind, assets, learning_rows(split.begin, split.holdout, config))
    judged = examples(kind, assets, judging_rows(split.holdout, split.end))
    all_of_it = examples(kind, assets, learning_rows(split.begin, split.end, config))
    trials: list[Any] = []
    epochs: list[int] = []
    members: list[Any] = []
    for number in range(config.members):
        report(f"member {number + 1}", (2 * number + 0.5) / (2 * config.members + 1))
        trials.append(network.build(early.asked, config, config.seed + number))
        epochs.append(network.fit(trials[-1], early, config, judged, config.epochs))
        report(f"member {number + 1}, again", (2 * number + 1.5) / (2 * config.members + 1))
        members.append(network.build(all_of_it.asked, config, config.seed + number))
        network.fit(members[-1], all_of_it, config, None, epochs[-1])
    said = network.predict(network.ensemble(trials), judged.asked)[:, 1] * judged.asked.scale_w
    return Learnt(
        network=network.ensemble(members),
        examples=all_of_it,
        wape_ratio=_wape(judged, said),
        seasonal_wape_ratio=_wape(judged, _seasonal_w(judged)),
        naive_wape_ratio=_wape(judged, judged.asked.patterns[:, 0] * judged.asked.scale_w),
        epochs=tuple(epochs),
    )


def _seasonal_w(judged: Examples) -> Floats:
    asked = judged.asked
    return np.asarray((asked.patterns * asked.weights).sum(axis=1) * asked.scale_w)


def _wape(judged: Examples, said_w: Floats) -> float:
    came = judged.came_w
    return float(np.abs(said_w - came).sum() / max(np.abs(came).sum(), 1e-9))
