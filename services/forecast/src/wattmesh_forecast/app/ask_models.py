"""Asking a model about many assets: some dozens a call, and each answer for itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.app.ports import BadAnswer, ModelServer
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
    models: ModelServer, kind: Kind, asked: ModelInput, most_w: Sequence[float | None]
) -> list[Believed | Refusal]:
    """Return the answer about each asset, or why it is not used; `asked` has as many rows for each.

    ModelUnavailable when the model cannot be asked. When an answer is none, its assets are asked
    about by halves, until it is found which of them it is, or that it is all of them.
    """
    hours = len(asked) // len(most_w)
    answers: dict[int, Believed | Refusal] = {}
    waiting = _parts(np.arange(len(most_w)), max(1, MOST_ROWS // max(hours, 1)))
    bad = 0
    while waiting:
        assets = waiting.pop()
        part = asked.where((assets[:, None] * hours + np.arange(hours)).ravel())
        try:
            found = await _ask(models, kind, part, [most_w[each] for each in assets])
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
    models: ModelServer, kind: Kind, part: ModelInput, most_w: Sequence[float | None]
) -> list[Believed | Refusal]:
    answer = await models.predict(kind.value, part)
    said = answer.quantiles.astype(np.float64).reshape(len(most_w), -1, answer.quantiles.shape[1])
    held = plausible(kind, part, most_w)
    return [
        refusal or Believed(version=answer.version, quantiles=quantiles)
        for refusal, quantiles in zip(refusals(said, held), bounded(said, held), strict=True)
    ]


def _parts(assets: Ints, size: int) -> list[Ints]:
    return [assets[first : first + size] for first in range(0, len(assets), size)]
