"""Doubt about what a model says: an answer that the asset's own past does not bear out is refused.

A model server may answer with anything: a version trained on other units, a graph that went wrong,
zeros. Whoever plans with it sees only watts. So an answer is held, asset by asset, against the
same hours of the asset's past days and against its rating. A little beyond is brought back to the
bound; far beyond, or with quantiles that cross, it is not used at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.hours import Bools, Floats
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.load_input import LAG_CHANNELS
from wattmesh_forecast.domain.model_input import ModelInput

_MOST_TIMES = 3.0
_CROSSING_RATIO = 1e-3
_LEAST_HIGHEST = 0.1
_TIMES = {Kind.LOAD: 4.0, Kind.PV: 30.0}
"""How far the mean of an answer may be from what is usual: clouds do more than people."""


class Refusal(StrEnum):
    """Why a model's answer for an asset was not used."""

    UNAVAILABLE = "unavailable"
    """There was none in time."""
    MALFORMED = "malformed"
    """Not as many numbers as were asked for, or not finite ones."""
    CROSSING = "crossing"
    """A lower quantile lies above a higher one."""
    IMPLAUSIBLE = "implausible"
    """Several times too much or too little beside the asset's past, or far above its rating."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Plausible:
    """What answers are held against, over their scale, (assets,).

    `usual` is the mean over the same hours of past days, `highest` the highest of them, `most` what
    the rating allows (inf: not known); `times` is how far the mean may be from the usual.
    """

    usual: Floats
    highest: Floats
    most: Floats
    times: float


def plausible(kind: Kind, asked: ModelInput, most_w: Sequence[float | None]) -> Plausible:
    """Return what answers to questions about assets with these ratings are held against."""
    count = len(most_w)
    values, there = _load_past(asked) if kind is Kind.LOAD else _pv_past(asked)
    values, there = values.reshape(count, -1), there.reshape(count, -1)
    usual = (values * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    highest = np.max(values, axis=1, where=there, initial=_LEAST_HIGHEST)
    rated = np.array([np.inf if each is None else each for each in most_w])
    scale = asked.scale_w.reshape(count, -1).min(axis=1)
    return Plausible(
        usual=usual, highest=highest, most=rated / np.maximum(scale, 1e-9), times=_TIMES[kind]
    )


def refusals(said: Floats, held: Plausible) -> list[Refusal | None]:
    """Return why quantiles (assets, hours, 3) over the scale are not to be used, or None."""
    finite: Bools = np.asarray(np.isfinite(said).all(axis=(1, 2)))
    said = np.where(finite[:, None, None], said, 0.0)
    size = np.maximum(np.abs(said).max(axis=(1, 2)), held.usual)
    falls = np.diff(said, axis=2) < -_CROSSING_RATIO * size[:, None, None]
    crossing: Bools = np.asarray(falls.any(axis=(1, 2)))
    middle = said[..., 1].mean(axis=1)
    too_little = middle * held.times < held.usual
    too_much = (middle > held.times * held.usual) & (middle > held.highest)
    bound = _MOST_TIMES * np.minimum(held.highest, held.most)
    beyond = said[..., 1].max(axis=1) > bound
    return [
        Refusal.MALFORMED
        if not finite[at]
        else Refusal.CROSSING
        if crossing[at]
        else Refusal.IMPLAUSIBLE
        if too_little[at] or too_much[at] or beyond[at]
        else None
        for at in range(len(said))
    ]


def bounded(said: Floats, held: Plausible) -> Floats:
    """Return quantiles within what can be: not below 0, nor above rating or thrice the highest."""
    bound = np.minimum(held.most, _MOST_TIMES * held.highest)
    return np.clip(said, 0.0, bound[:, None, None])


def _load_past(asked: ModelInput) -> tuple[NDArray[np.float32], Bools]:
    lags = asked.tensors["lags"]
    known, value = LAG_CHANNELS.index("known"), LAG_CHANNELS.index("value")
    return lags[..., value], lags[..., known] > 0


def _pv_past(asked: ModelInput) -> tuple[NDArray[np.float32], Bools]:
    patterns = asked.tensors["patterns"]
    return patterns, np.ones(patterns.shape, dtype=np.bool_)
