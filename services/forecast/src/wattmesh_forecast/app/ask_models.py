"""Asking a model about many assets: some dozens a call, and each answer for itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.app.ports import Answer, BadAnswer, ModelServer, ModelUnavailable
from wattmesh_forecast.domain.doubt import Refusal, bounded, plausible, refusals
from wattmesh_forecast.domain.hours import Floats, Ints
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.model_input import ModelInput

MOST_ROWS = 1536
"""Hours a call: those of a day of 64 assets, some 2 MB."""
MOST_BAD = 10
"""So many answers that are none are enough to find one asset that spoils those of 64."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Believed:
    """Quantiles over the scale (hours, 3) that a version said, within what can be."""

    version: int
    quantiles: Floats


async def ask_model(
    models: ModelServer,
    kind: Kind,
    asked: ModelInput,
    most_w: Sequence[float | None],
    versions: Sequence[int | None] | None = None,
) -> list[Believed | Refusal]:
    """Return the answer about each asset, or why it is not used; `asked` has as many rows for each.

    `versions` are those that are to answer, None: the stable one.

    ModelUnavailable when the model cannot be asked. When an answer is none, its assets are asked
    about by halves, until it is found which of them it is, or that it is all of them.
    """
    hours = len(asked) // len(most_w)
    answers: dict[int, Believed | Refusal] = {}
    size = max(1, MOST_ROWS // max(hours, 1))
    by_version = versions or [None] * len(most_w)
    waiting = [
        part
        for version in dict.fromkeys(by_version)
        for part in _parts(_those(by_version, version), size)
    ]
    bad = 0
    while waiting:
        assets = waiting.pop()
        part = asked.where(_rows(assets, hours))
        try:
            version = by_version[int(assets[0])]
            found = await _ask(models, kind, part, [most_w[each] for each in assets], version)
        except BadAnswer:
            bad += 1
            if len(assets) > 1 and bad < MOST_BAD:
                waiting += _parts(assets, -(-len(assets) // 2))
                continue
            found = [Refusal.MALFORMED] * len(assets)
        answers.update(zip(map(int, assets), found, strict=True))
    return [answers[number] for number in range(len(most_w))]


def in_parts(asked: ModelInput) -> Iterator[ModelInput]:
    """Give the rows in calls of as many as one may have."""
    for first in range(0, len(asked), MOST_ROWS):
        yield asked.where(slice(first, first + MOST_ROWS))


async def _ask(
    models: ModelServer,
    kind: Kind,
    part: ModelInput,
    most_w: Sequence[float | None],
    version: int | None,
) -> list[Believed | Refusal]:
    answer = await _answer(models, kind, part, version)
    said = answer.quantiles.astype(np.float64).reshape(len(most_w), -1, answer.quantiles.shape[1])
    held = plausible(kind, part, most_w)
    return [
        refusal or Believed(version=answer.version, quantiles=quantiles)
        for refusal, quantiles in zip(refusals(said, held), bounded(said, held), strict=True)
    ]


async def _answer(models: ModelServer, kind: Kind, part: ModelInput, version: int | None) -> Answer:
    if version is not None:
        try:
            return await models.predict(kind.value, part, version)
        except ModelUnavailable:
            pass  # a canary that is not there leaves its assets to the stable version
    return await models.predict(kind.value, part)


def _those(versions: Sequence[int | None], version: int | None) -> Ints:
    return np.flatnonzero([each == version for each in versions])


def _rows(assets: Ints, hours: int) -> Ints | slice:
    """Return the rows of assets, rising; neighbours are not copied."""
    if assets[-1] - assets[0] == len(assets) - 1:
        return slice(int(assets[0]) * hours, (int(assets[-1]) + 1) * hours)
    return (assets[:, None] * hours + np.arange(hours)).ravel()


def _parts(assets: Ints, size: int) -> list[Ints]:
    return [assets[first : first + size] for first in range(0, len(assets), size)]
