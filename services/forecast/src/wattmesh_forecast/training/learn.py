"""A training from the history of assets to a judged network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from wattmesh_forecast.domain.hours import AssetHours
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.model_input import ModelInput
from wattmesh_forecast.training import network
from wattmesh_forecast.training.config import TrainingConfig
from wattmesh_forecast.training.data import Split, examples, judging_rows, learning_rows
from wattmesh_forecast.training.judge import Predict, Verdict, judge
from wattmesh_forecast.training.load_config import LoadConfig
from wattmesh_forecast.training.load_examples import load_examples
from wattmesh_forecast.training.load_learn import Weights, learn_load

Report = Callable[[str, float], None]
"""Told the stage and how much of the work is done."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Learnt:
    """A network that has learnt all of the history, and how one did that had not seen its end.

    `asked` are some of the questions that it was trained on.
    """

    network: Any
    asked: ModelInput
    verdict: Verdict


def learn_loads(
    assets: Sequence[AssetHours],
    config: LoadConfig,
    base: Weights | None,
    report: Report,
    served: Predict | None = None,
) -> Learnt:
    """Train the load model further from `base`; ValueError when the history is too short.

    `served` is the version in service, where it has not learnt from the newest days.
    It is trained twice: without the newest days, on which it is judged, and with them.
    """
    end = len(assets[0].power_w)
    holdout = end - config.holdout_days * DAY
    before = [asset.between(0, max(holdout, 0)) for asset in assets]
    trial = learn_load(load_examples(before, config), config, base, _share(report, 0.0))
    judging = partial(network.predict, trial)
    verdict = judge(Kind.LOAD, assets, judging_rows(holdout, end), judging, served)
    everything = load_examples(assets, config)
    found = learn_load(everything, config, base, _share(report, 0.5))
    return Learnt(network=found, asked=everything.asked, verdict=verdict)


def learn_plants(
    assets: Sequence[AssetHours],
    config: TrainingConfig,
    report: Report,
    served: Predict | None = None,
) -> Learnt:
    """Train the model of solar plants, which share one raster of hours.

    Every member is trained twice: on the older history, until it would learn by heart what is
    between that and the newest days, on which it is judged; and on all of it for as many epochs.
    ValueError when the history is too short.
    """
    report("preparing", 0.0)
    split = Split.of(len(assets[0].power_w), config)
    early = examples(Kind.PV, assets, learning_rows(split.begin, split.stop, config))
    stopping = examples(Kind.PV, assets, judging_rows(split.stop, split.holdout))
    everything = examples(Kind.PV, assets, learning_rows(split.begin, split.end, config))
    trials: list[Any] = []
    members: list[Any] = []
    for number in range(config.members):
        seed = config.seed + number
        report(f"member {number + 1}", (2 * number + 0.5) / (2 * config.members + 1))
        trials.append(network.build(early.asked, config, seed))
        epochs = network.fit(trials[-1], early, config, stopping, config.epochs)
        report(f"member {number + 1}, again", (2 * number + 1.5) / (2 * config.members + 1))
        members.append(network.build(everything.asked, config, seed))
        network.fit(members[-1], everything, config, None, epochs)
    trial = partial(network.predict, network.ensemble(trials))
    verdict = judge(Kind.PV, assets, judging_rows(split.holdout, split.end), trial, served)
    return Learnt(network=network.ensemble(members), asked=everything.asked, verdict=verdict)


def _share(report: Report, begin: float) -> Report:
    return lambda stage, ratio: report(stage, begin + ratio / 2)
