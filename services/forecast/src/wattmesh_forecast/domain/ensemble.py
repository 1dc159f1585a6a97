"""Joint members of forecasts: what may come of many assets together, hour after hour.

Quantiles say what may come of one asset in one hour. Whoever plans storage or a shared fuse has to
know whether a high hour is followed by another, and whether neighbours are high together. Members
draw each hour from the forecast's own quantiles, and their order from the errors of the last two
weeks: a Gaussian copula with the errors' covariances over leads and assets, which is never put
together as a matrix. The spectrum of the errors is given phases at random, the same for all assets
of a member, which keeps both (Prichard and Theiler, Physical Review Letters 73 (1994) 951).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from wattmesh_forecast.domain.hours import Floats, Ints
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_kernel.errors import InvalidArgument

Spectra: TypeAlias = NDArray[np.complex128]

USUAL_MEMBERS = 20
MOST_MEMBERS = 500
MOST_VALUES = 400_000
"""Assets times intervals times members of an answer: 3.2 MB."""

_ALONE_RATIO = 0.2
"""Share of the variance that an asset has for itself: two weeks make neighbours too much alike."""
_USUAL_CARRY = 0.7
"""Correlation from hour to hour where nothing is known of an asset's errors."""
_LEAST_RATIO = 1e-6
_MOST_SCORE = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """How many members are wanted, and what their draw begins with."""

    members: int = USUAL_MEMBERS
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.members <= MOST_MEMBERS:
            raise InvalidArgument(
                "INVALID_ENSEMBLE", f"1 to {MOST_MEMBERS} members", field="member_count"
            )

    def check_size(self, assets: int, intervals: int) -> None:
        """Raise InvalidArgument where an answer would be too large."""
        if assets * intervals * self.members > MOST_VALUES:
            raise InvalidArgument(
                "INVALID_ENSEMBLE",
                f"assets times intervals times members are more than {MOST_VALUES}",
                field="member_count",
            )


def drawn(scores: Floats, draw: Draw, first: int, count: int, per_hour: float) -> Floats:
    """Return standard normal members (assets, members, count) alike to `scores` (assets, hours).

    There are `per_hour` of the `count` intervals in an hour (below 1: they are longer), of which
    the first is the one at place `first`. Over more hours than there are scores they repeat.
    """
    random = np.random.default_rng(draw.seed % 2**64)
    spectrum, alone = _spectra(scores, random)
    hours = scores.shape[1]
    shape = (draw.members, hours // 2 + 1)
    together = _phases(random, shape)
    found = np.empty((len(scores), draw.members, count))
    weights, positions = _on_intervals(first, count, per_hour, hours)
    for number, each in enumerate(spectrum):
        own = _phases(random, shape)
        share = 1.0 if alone[number] else _ALONE_RATIO
        mixed = np.sqrt(1 - share) * together + np.sqrt(share) * own
        hourly = np.fft.irfft(mixed * each, hours, axis=1)
        found[number] = _spread_over(hourly, each, weights, positions)
    return found


def members_w(
    kind: Kind, power_w: Floats, ratios: Sequence[float], normals: Floats, most_w: float | None
) -> Floats:
    """Return members (members, n) [W] of quantiles (ratios, n), at standard normal values.

    Between quantiles and beyond them power is linear in the normal score, as everywhere here; a
    load never generates, a plant never consumes, and none does more than its rating.
    """
    scores = np.array([NormalDist().inv_cdf(ratio) for ratio in ratios])
    at = np.clip(normals, -_MOST_SCORE, _MOST_SCORE)
    if len(scores) == 1:
        return np.repeat(power_w, len(normals), axis=0)
    upper = np.clip(np.searchsorted(scores, at), 1, len(scores) - 1)
    column = np.arange(power_w.shape[1])
    low, high = power_w[upper - 1, column], power_w[upper, column]
    share = (at - scores[upper - 1]) / (scores[upper] - scores[upper - 1])
    magnitude = np.clip(kind.sign * (low + share * (high - low)), 0.0, most_w)
    return np.asarray(kind.sign * magnitude + 0.0)


def _spectra(scores: Floats, random: Generator) -> tuple[Spectra, list[bool]]:
    """Return each asset's spectrum, of variance 1, and who has none of its own."""
    series = np.stack([_without_gaps(each, random) for each in scores])
    spectrum = np.fft.rfft(series - series.mean(axis=1, keepdims=True), axis=1)
    size = _variance(spectrum, scores.shape[1])
    alone = [bool(np.isnan(each).all()) for each in scores]
    return spectrum / np.sqrt(np.maximum(size, _LEAST_RATIO))[:, None], alone


def _without_gaps(scores: Floats, random: Generator) -> Floats:
    """Return scores with gaps bridged; of whom nothing is known such as are usual."""
    there = np.flatnonzero(np.isfinite(scores))
    if not len(there):
        return _usual(len(scores), random)
    return np.interp(np.arange(len(scores)), there, scores[there], period=len(scores))


def _usual(hours: int, random: Generator) -> Floats:
    shocks = np.fft.rfft(random.normal(size=hours))
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(hours))
    return np.asarray(np.fft.irfft(shocks / (1 - _USUAL_CARRY * turn), hours))


def _phases(random: Generator, shape: tuple[int, int]) -> Spectra:
    """Return complex Gaussian factors of variance 1 for each frequency of each member."""
    real, imaginary = random.normal(size=(2, *shape)) / np.sqrt(2)
    return np.asarray(real + 1j * imaginary)


def _variance(spectrum: Spectra, hours: int) -> Floats:
    """Return the variance of series by their spectra, whose mean is 0."""
    power = np.abs(spectrum) ** 2
    twice = 2 * power.sum(axis=-1) - power[..., 0] - (power[..., -1] if hours % 2 == 0 else 0.0)
    return np.asarray(twice / hours**2)


def _on_intervals(first: int, count: int, per_hour: float, hours: int) -> tuple[Floats, Ints]:
    """Return hours, (count, k), that make up each interval, and their weights.

    A quarter of an hour lies between the middles of two hours, a day is the mean of 24.
    """
    if per_hour <= 1:
        length = round(1 / per_hour)
        positions = np.arange(count, dtype=np.int64)[:, None] * length + np.arange(length)
        return np.full((count, length), 1.0 / length), positions % hours
    middle = (first + np.arange(count) + 0.5) / per_hour - 0.5
    before = np.floor(middle)
    share = middle - before
    positions = np.stack([before, before + 1], axis=1).astype(np.int64) % hours
    return np.stack([1 - share, share], axis=1), positions


def _spread_over(hourly: Floats, spectrum: Spectra, weights: Floats, positions: Ints) -> Floats:
    """Return the weighted means of hours (members, hours), each of variance 1, (members, n)."""
    alike = np.fft.irfft(np.abs(spectrum) ** 2, hourly.shape[1])
    alike = alike / alike[0]
    between = alike[(positions[:, :, None] - positions[:, None, :]) % hourly.shape[1]]
    size = np.einsum("nk,nkl,nl->n", weights, between, weights)
    found = np.einsum("mnk,nk->mn", hourly[:, positions], weights)
    return np.asarray(found / np.sqrt(np.maximum(size, _LEAST_RATIO)))
