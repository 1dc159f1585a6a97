"""Loads a day ahead: trained on some assets, asked about those and about others."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tests.bench.forecast.asking import Asked, Known, ask, midnights
from tests.bench.forecast.cells import Cell, Scores, cell, shifted, stretched
from tests.bench.forecast.place import Place
from wattmesh_forecast.adapters.model_folder import WEIGHTS
from wattmesh_forecast.domain.hours import Floats
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.model_input import ModelInput
from wattmesh_forecast.training.load_config import LoadConfig
from wattmesh_forecast.training.load_examples import load_examples
from wattmesh_forecast.training.load_learn import learn_load, network_of
from wattmesh_forecast.training.network import predict
from wattmesh_forecast.wiring import SHIPPED_LOAD_MODEL

Predict = Callable[[ModelInput], Floats]
FIRST_ISSUE = 28 * DAY
JUDGED_RATIO = 0.15
"""Share of the history whose end tells LightGBM when to stop."""


def measure(
    place: Place, conditions: Sequence[Known], model: Predict, *, rival: bool
) -> Iterator[Cell]:
    """Give a cell for every condition and group."""
    names = list(place.assets)
    for known in conditions:
        asked = ask(list(place.assets.values()), place.judged, known)
        scores = _score(model, asked, known)
        others = _score(_rival(place, known), asked, None) if rival else None
        for group, members in place.groups.items():
            which = np.array([names.index(name) for name in members])
            other = None if others is None else others.at(which)
            yield cell(place.name, group, known, scores.at(which), other)


def shipped() -> Predict:
    """Return the model that comes with the product."""
    with np.load(SHIPPED_LOAD_MODEL / WEIGHTS) as weights:
        network = network_of(dict(weights), LoadConfig())
    return lambda asked: np.asarray(predict(network, asked), dtype=np.float64)


def trained_here(place: Place, config: LoadConfig) -> Predict:
    """Return a model that has learnt from what is learnt from at a place, and nothing else."""
    began = time.process_time()
    examples = load_examples(place.past, config)
    network = learn_load(examples, config, None, lambda stage, ratio: None)
    _say(
        place, "global model", began, f"{len(examples)} questions, {network.count_params()} weights"
    )
    return lambda asked: np.asarray(predict(network, asked), dtype=np.float64)


def _rival(place: Place, known: Known) -> Predict:
    from tests.bench.forecast.rival import trained

    began = time.process_time()
    past = place.past
    issues = midnights(past[0], FIRST_ISSUE, place.split)
    stop = int(len(issues) * (1 - JUDGED_RATIO))
    found: Any = trained(ask(past, issues[:stop], known), ask(past, issues[stop:], known))
    _say(place, f"LightGBM, {known}", began, "")
    return lambda asked: np.asarray(found.predict(asked))


def _score(predict: Predict, asked: Asked, calibrated: Known | None) -> Scores:
    said = predict(asked.asked)
    if calibrated is None:
        return Scores.of(asked.in_w(said), asked.came_w)
    moved = asked.issued_w(shifted(asked, said, calibrated))
    said_w = stretched(moved, asked.came_w, calibrated)
    return Scores.of(said_w, asked.came_w)


def _say(place: Place, what: str, began: float, more: str) -> None:
    took = time.process_time() - began
    print(f"{place.name}: {what} trained in {took:.0f} CPU s {more}", file=sys.stderr, flush=True)
