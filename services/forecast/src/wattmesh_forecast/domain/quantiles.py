"""Quantiles: from the few a model gives to those that are asked for, and their sign."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from wattmesh_forecast.domain.hours import Floats
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_kernel.errors import InvalidArgument

DEFAULT_RATIOS = (0.1, 0.5, 0.9)
"""The quantiles given when none are asked for."""


def check_ratios(ratios: Sequence[float]) -> tuple[float, ...]:
    """Return distinct ratios, rising; the default when empty; InvalidArgument outside of (0, 1)."""
    for ratio in ratios:
        if not 0.0 < ratio < 1.0:
            raise InvalidArgument(
                "INVALID_QUANTILE",
                f"a quantile lies between 0 and 1, not {ratio}",
                field="quantile_ratios",
            )
    return tuple(sorted(set(ratios))) or DEFAULT_RATIOS


def magnitude_ratios(kind: Kind, ratios: Sequence[float]) -> tuple[float, ...]:
    """Return which quantiles of the magnitude the quantiles of a signed power come from, rising.

    Generation is negative power: its lowest power is its highest generation.
    """
    return tuple(ratios) if kind.sign > 0 else tuple(1.0 - ratio for ratio in reversed(ratios))


def signed(kind: Kind, magnitudes: Floats) -> Floats:
    """Return quantiles of power (..., ratios) from those of the magnitude, both rising."""
    return magnitudes if kind.sign > 0 else 0.0 - magnitudes[..., ::-1]


def at_ratios(given: Sequence[float], values: Floats, wanted: Sequence[float]) -> Floats:
    """Return quantiles (n, wanted) from given ones (n, given), both rising, not below 0.

    Between given ratios, and beyond them, the value is linear in the standard normal score: with
    10 at 0.1, 20 at 0.5 and 40 at 0.9, 0.7 gives 20 + 20 * 0.5244 / 1.2816 = 28.2.
    """
    score = NormalDist().inv_cdf
    known = np.array([score(ratio) for ratio in given])
    columns = [_at(known, values, score(ratio)) for ratio in wanted]
    return np.maximum.accumulate(np.maximum(np.column_stack(columns), 0.0), axis=1)


def widened(values: Floats, ratios: Sequence[float], lead: Floats, known_lead: float) -> Floats:
    """Return quantiles (..., n, ratios) with bands for leads (n,) beyond those that were tried [h].

    Distances from the median grow with the fourth root of the time: slower than a random walk's,
    for days come back. At 16 times the lead that was tried 10, 20, 40 are 0, 20, 60.
    """
    if (lead <= known_lead).all():
        return values
    middle = median_of(values, ratios)[..., None]
    times = np.maximum(lead / known_lead, 1.0)[..., None] ** 0.25
    return np.maximum(middle + times * (values - middle), 0.0)


def median_of(values: Floats, ratios: Sequence[float]) -> Floats:
    """Return the median (...) of quantiles (..., ratios), between the nearest two if need be."""
    upper = int(np.searchsorted(ratios, 0.5))
    if upper == len(ratios) or ratios[upper] == 0.5 or upper == 0:
        return np.asarray(values[..., min(upper, len(ratios) - 1)])
    share = (0.5 - ratios[upper - 1]) / (ratios[upper] - ratios[upper - 1])
    return np.asarray(values[..., upper - 1] * (1 - share) + values[..., upper] * share)


def _at(known: Floats, values: Floats, score: float) -> Floats:
    upper = int(np.clip(np.searchsorted(known, score), 1, len(known) - 1))
    lower = upper - 1
    share = (score - known[lower]) / (known[upper] - known[lower])
    return np.asarray(values[:, lower] + share * (values[:, upper] - values[:, lower]))
